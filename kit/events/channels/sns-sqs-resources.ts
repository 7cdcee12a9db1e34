import { type SNS } from '@aws-sdk/client-sns';
import { type SQS } from '@aws-sdk/client-sqs';
import { StartError } from '../../serve/start-error';
import { type AwsClients } from './aws-clients';
import { defaultQueue, defaultTopic, type ResourceNames } from './aws-settings';
import { type ConsumerSelection } from './channel';

export interface ConsumerQueue {
  readonly url: string;
  /** Of the queue to which its redrive policy leads. */
  readonly failuresUrl: string;
}

const secondsToKeep = 14 * 24 * 3600;
/**
 * SQS moves a message to the failure queue by itself only after this many deliveries: it counts a message with each
 * delivery of those before it, so that a small number would take messages that nobody has tried to handle.
 */
const mostReceives = 100;

/** Finds the topic of a subgraph and resolves with its ARN. @throws {StartError} where there is none */
export async function findTopic(
  source: string,
  {
    sns,
    names: { topic = defaultTopic, create = false },
  }: { readonly sns: SNS; readonly names: ResourceNames },
): Promise<string> {
  const wanted = topic.replaceAll('{source}', source);
  if (readArn(wanted) === undefined) {
    if (create) return createTopic(wanted, sns);
    const found = await findTopicByName(wanted, sns);
    if (found !== undefined) return found;
  } else {
    try {
      await sns.getTopicAttributes({ TopicArn: wanted });
      return wanted;
    } catch (error) {
      if (!isNamed(error, 'NotFoundException'))
        throw new StartError(`The SNS topic "${wanted}" cannot be used: ${(error as Error).message}`);
    }
  }
  throw new StartError(
    `There is no SNS topic "${wanted}". Create it, or name another one with --events-topic; docs/events-aws.md has a template.`,
  );
}

/** The name or ARN of a consumer's queue. */
export const queueNameOf = (
  { subgraph, consumer }: { readonly subgraph: string; readonly consumer: string },
  { queue = defaultQueue }: ResourceNames,
): string => queue.replaceAll('{subgraph}', subgraph).replaceAll('{consumer}', consumer);

/** Whether a name or ARN is that of the resource with this ARN. */
export const isNameOf = (wanted: string, arn: string): boolean =>
  wanted === arn || wanted === readArn(arn)?.name;

/** Finds the queue of a consumer and its failure queue. @throws {StartError} where one is missing, or is not FIFO */
export async function findQueue(
  {
    subgraph,
    consumer,
    selection,
  }: { readonly subgraph: string; readonly consumer: string; readonly selection: ConsumerSelection },
  { clients, names }: { readonly clients: AwsClients; readonly names: ResourceNames },
): Promise<ConsumerQueue> {
  const { sqs } = clients;
  const wanted = queueNameOf({ subgraph, consumer }, names);
  if (names.create === true) await createQueue(wanted, { selection, clients, names });
  const url = await queueUrl(wanted, sqs);
  if (url === undefined)
    throw new StartError(
      `There is no SQS queue "${wanted}" for the consumer "${consumer}". Create it, or name another one with --events-queue; docs/events-aws.md has a template.`,
    );
  const { Attributes = {} } = await sqs.getQueueAttributes({
    QueueUrl: url,
    AttributeNames: ['FifoQueue', 'RedrivePolicy'],
  });
  if (Attributes['FifoQueue'] !== 'true')
    throw new StartError(
      `The SQS queue "${wanted}" of the consumer "${consumer}" must be a FIFO queue, to keep events in their order.`,
    );
  const failures = failureQueueOf(Attributes['RedrivePolicy']);
  if (failures === undefined)
    throw new StartError(
      `The SQS queue "${wanted}" of the consumer "${consumer}" must have a redrive policy, which names its failure queue.`,
    );
  const failuresUrl = await queueUrl(failures, sqs);
  if (failuresUrl === undefined)
    throw new StartError(
      `There is no SQS queue "${failures}", which the redrive policy of "${wanted}" names as failure queue.`,
    );
  return { url, failuresUrl };
}

async function findTopicByName(name: string, sns: SNS): Promise<string | undefined> {
  let NextToken: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const answer = await sns.listTopics({ NextToken });
    const found = answer.Topics?.find(({ TopicArn }) => TopicArn?.endsWith(`:${name}`));
    if (found) return found.TopicArn;
    NextToken = answer.NextToken;
    if (NextToken === undefined) return undefined;
  }
  throw new StartError(
    `The SNS topic "${name}" is not among the first ${mostPages * 100}: give its ARN with --events-topic.`,
  );
}

/** Each page has 100 topics. */
const mostPages = 50;

async function queueUrl(wanted: string, sqs: SQS): Promise<string | undefined> {
  const arn = readArn(wanted);
  try {
    const { QueueUrl } = await sqs.getQueueUrl({
      QueueName: arn?.name ?? wanted,
      ...(arn && { QueueOwnerAWSAccountId: arn.account }),
    });
    return QueueUrl;
  } catch (error) {
    if (isNamed(error, 'QueueDoesNotExist')) return undefined;
    throw new StartError(`The SQS queue "${wanted}" cannot be used: ${(error as Error).message}`);
  }
}

function failureQueueOf(policy: string | undefined): string | undefined {
  return policy === undefined
    ? undefined
    : (JSON.parse(policy) as { deadLetterTargetArn?: string }).deadLetterTargetArn;
}

async function createTopic(name: string, sns: SNS): Promise<string> {
  // What is there already is found.
  const { TopicArn } = await sns.createTopic({
    Name: name,
    Attributes: { FifoTopic: 'true', FifoThroughputScope: 'MessageGroup' },
  });
  return TopicArn!;
}

/** Creates the queue, its failure queue, the topics of its sources and the subscriptions to them. */
async function createQueue(
  name: string,
  {
    selection,
    clients: { sns, sqs },
    names,
  }: { readonly selection: ConsumerSelection; readonly clients: AwsClients; readonly names: ResourceNames },
): Promise<void> {
  const fifo = {
    FifoQueue: 'true',
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
    MessageRetentionPeriod: String(secondsToKeep),
  };
  const arnOf = async (QueueUrl: string | undefined): Promise<string> => {
    const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] });
    return Attributes!['QueueArn']!;
  };
  const failures = await sqs.createQueue({
    QueueName: name.replace(/(\.fifo)?$/, '-failures.fifo'),
    Attributes: fifo,
  });
  const redrive = { deadLetterTargetArn: await arnOf(failures.QueueUrl), maxReceiveCount: mostReceives };
  const { QueueUrl } = await sqs.createQueue({ QueueName: name, Attributes: fifo });
  const queue = await arnOf(QueueUrl);
  const topics = await Promise.all(
    Object.keys(selection).map(async (source) => ({ source, arn: await findTopic(source, { sns, names }) })),
  );
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      Condition: { ArnEquals: { 'aws:SourceArn': topics.map(({ arn }) => arn) } },
    },
  });
  await sqs.setQueueAttributes({ QueueUrl, Attributes: { RedrivePolicy: JSON.stringify(redrive), Policy } });
  for (const { source, arn } of topics) {
    const { SubscriptionArn } = await sns.subscribe({
      TopicArn: arn,
      Protocol: 'sqs',
      Endpoint: queue,
      ReturnSubscriptionArn: true,
    });
    const attributes = {
      RawMessageDelivery: 'true',
      FilterPolicy: JSON.stringify({ type: selection[source] }),
    };
    for (const [AttributeName, AttributeValue] of Object.entries(attributes))
      await sns.setSubscriptionAttributes({ SubscriptionArn, AttributeName, AttributeValue });
  }
}

/** An ARN of SNS or SQS, such as `arn:aws:sqs:eu-west-1:123456789012:orders.fifo`. */
function readArn(text: string): { readonly account: string; readonly name: string } | undefined {
  const parts = text.split(':');
  return parts[0] === 'arn' && parts.length === 6 ? { account: parts[4]!, name: parts[5]! } : undefined;
}

function isNamed(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    (error.name === name ||
      (error.name === `AWS.SimpleQueueService.NonExistentQueue` && name === 'QueueDoesNotExist'))
  );
}
