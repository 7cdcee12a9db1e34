/** A queue of SQS for each gateway process, subscribed to a topic of SNS. The SDK is loaded only here, as loading is slow. */
import { randomUUID } from 'node:crypto';
import type * as SNS from '@aws-sdk/client-sns';
import type * as SQS from '@aws-sdk/client-sqs';
import { loadPackages } from '../../../optional-packages';
import { awsAgents } from '../../net/outgoing';
import type { DomainEventSource, EventBatch, ReadOptions, ReceivedEvent } from '../source';

export interface SqsOptions {
  /** The ARN of the topic; of a FIFO topic where it ends with `.fifo`. */
  readonly topic: string;
  /** What the names of queues begin with. */
  readonly prefix: string;
  /** Milliseconds that events are kept for a gateway that does not read them. */
  readonly retention: number;
  /** The URL of an emulator. @default AWS */
  readonly endpoint?: string | undefined;
  /** Seconds that a request waits for events. @default 20 */
  readonly wait?: number | undefined;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Events from a topic, by a queue that only this process reads: it is made when it is first read, and removed at the end. Queues
 * of processes that ended without it are removed by others after an hour. Bodies are CloudEvents, also within the
 * envelopes of SNS and EventBridge.
 */
export function sqsEvents({
  topic,
  prefix,
  retention,
  endpoint,
  wait = 20,
  now = Date.now,
}: SqsOptions): DomainEventSource {
  const region = topic.split(':')[3]!;
  const isFifo = topic.endsWith('.fifo');
  let opening: Promise<Clients> | undefined;
  let queue: Queue | undefined;
  let attempts = 0;
  const clients = (): Promise<Clients> => (opening ??= openClients(region, endpoint));
  const seen = (): string => String(Math.floor(now() / 1000));

  async function open(): Promise<Queue> {
    const { sqs, sns, SQS, SNS } = await clients();
    await sweep().catch(() => undefined);
    const { QueueUrl: url } = await sqs.send(
      new SQS.CreateQueueCommand({
        QueueName: `${prefix}-${randomUUID()}${isFifo ? '.fifo' : ''}`,
        Attributes: {
          MessageRetentionPeriod: String(Math.round(retention / 1000)),
          ...(isFifo && { FifoQueue: 'true' }),
        },
        tags: { [seenTag]: seen() },
      }),
    );
    const { Attributes: found } = await sqs.send(
      new SQS.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
    );
    const arn = found!['QueueArn']!;
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          ...{
            Effect: 'Allow',
            Principal: { Service: 'sns.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: arn,
          },
          Condition: { ArnEquals: { 'aws:SourceArn': topic } },
        },
      ],
    };
    await sqs.send(
      new SQS.SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy: JSON.stringify(policy) } }),
    );
    const { SubscriptionArn: subscription } = await sns.send(
      new SNS.SubscribeCommand({
        ...{ TopicArn: topic, Protocol: 'sqs', Endpoint: arn, ReturnSubscriptionArn: true },
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
    return { url: url!, arn, subscription: subscription!, toldAt: now() };
  }

  /** Removes the queues of processes that have not said for an hour that they live. */
  async function sweep(): Promise<void> {
    const { sqs, sns, SQS, SNS } = await clients();
    const { QueueUrls: urls = [] } = await sqs.send(
      new SQS.ListQueuesCommand({ QueueNamePrefix: `${prefix}-`, MaxResults: mostSwept }),
    );
    for (const url of urls) {
      const { Tags: tags } = await sqs.send(new SQS.ListQueueTagsCommand({ QueueUrl: url }));
      const last = tags?.[seenTag];
      if (last === undefined || now() / 1000 - Number(last) < deadAfter) continue;
      const name = url.split('/').at(-1)!;
      await sqs.send(new SQS.DeleteQueueCommand({ QueueUrl: url }));
      const { Subscriptions: all = [] } = await sns.send(
        new SNS.ListSubscriptionsByTopicCommand({ TopicArn: topic }),
      );
      for (const { Endpoint: at, SubscriptionArn: subscription } of all)
        if (at?.endsWith(`:${name}`))
          await sns.send(new SNS.UnsubscribeCommand({ SubscriptionArn: subscription }));
    }
  }

  async function* read({ signal }: ReadOptions): AsyncIterable<EventBatch> {
    try {
      const { sqs, SQS } = await clients();
      const isFirst = attempts++ === 0;
      // What came before there was a queue is missing, unless this is the start.
      const isGap = queue === undefined && !isFirst;
      queue ??= await open();
      yield { events: [], isGap };
      while (!signal.aborted) {
        if (now() - queue.toldAt > tellEvery) {
          await sqs.send(new SQS.TagQueueCommand({ QueueUrl: queue.url, Tags: { [seenTag]: seen() } }));
          queue.toldAt = now();
        }
        const { Messages: messages = [] } = await sqs.send(
          new SQS.ReceiveMessageCommand({
            QueueUrl: queue.url,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: wait,
          }),
          { abortSignal: signal },
        );
        yield { events: messages.map(({ Body: body = '' }) => unpack(body)), isIdle: messages.length === 0 };
        if (messages.length === 0) continue;
        await sqs.send(
          new SQS.DeleteMessageBatchCommand({
            QueueUrl: queue.url,
            Entries: messages.map(({ ReceiptHandle: handle }, i) => ({
              Id: String(i),
              ReceiptHandle: handle,
            })),
          }),
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      // Somebody has removed it: a new one is made.
      if ((error as Error).name.includes('NonExistentQueue') || (error as Error).name === 'QueueDoesNotExist')
        queue = undefined;
      throw error;
    }
  }

  return {
    keeps: 'queue',
    read,
    async close() {
      if (opening === undefined) return;
      const { sqs, sns, SQS, SNS } = await opening;
      if (queue !== undefined) {
        await sns
          .send(new SNS.UnsubscribeCommand({ SubscriptionArn: queue.subscription }))
          .catch(() => undefined);
        await sqs.send(new SQS.DeleteQueueCommand({ QueueUrl: queue.url })).catch(() => undefined);
      }
      sqs.destroy();
      sns.destroy();
    },
  };
}

interface Queue {
  readonly url: string;
  readonly arn: string;
  readonly subscription: string;
  /** When its tag was written last. */
  toldAt: number;
}

/** Has the time in seconds at which its process was last alive. */
const seenTag = 'weir-seen';
/** Seconds. */
const deadAfter = 3600;
/** Milliseconds. */
const tellEvery = 600_000;
const mostSwept = 1000;

interface Clients {
  readonly sqs: SQS.SQSClient;
  readonly sns: SNS.SNSClient;
  readonly SQS: typeof SQS;
  readonly SNS: typeof SNS;
}

async function openClients(region: string, endpoint: string | undefined): Promise<Clients> {
  const [SQS, SNS] = await loadPackages(
    'A source of events of the type `sqs`',
    ['@aws-sdk/client-sns', '@aws-sdk/client-sqs'],
    () => Promise.all([import('@aws-sdk/client-sqs'), import('@aws-sdk/client-sns')]),
  );
  const options = {
    region,
    ...(endpoint !== undefined && { endpoint }),
    // Longer than a request waits for events.
    requestHandler: {
      ...awsAgents(),
      connectionTimeout: 2_000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
  };
  return { sqs: new SQS.SQSClient(options), sns: new SNS.SNSClient(options), SQS, SNS };
}

/** The event in a message. What is none is given as it is, so that it is refused. */
export function unpack(message: string): ReceivedEvent {
  return { body: Buffer.from(withoutEnvelope(message)), position: undefined };
}

function withoutEnvelope(message: string): string {
  let given: unknown;
  try {
    given = JSON.parse(message);
  } catch {
    return message;
  }
  if (typeof given !== 'object' || given === null) return message;
  const envelope = given as Readonly<Record<string, unknown>>;
  if (envelope['Type'] === 'Notification' && typeof envelope['Message'] === 'string')
    return fromEventBridge(envelope['Message']);
  return fromEventBridge(message, envelope);
}

/** Of EventBridge: its detail is the event, or the data of one. */
function fromEventBridge(message: string, parsed?: Readonly<Record<string, unknown>>): string {
  let envelope = parsed;
  try {
    envelope ??= JSON.parse(message) as Readonly<Record<string, unknown>>;
  } catch {
    return message;
  }
  const { detail, 'detail-type': type, id, source, time } = envelope;
  if (typeof type !== 'string' || typeof detail !== 'object' || detail === null) return message;
  const event =
    'specversion' in detail ? detail : { specversion: '1.0', id, source, type, time, data: detail };
  try {
    return JSON.stringify(event);
  } catch {
    // Nested deeper than can be written.
    return message;
  }
}
