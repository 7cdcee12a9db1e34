/** A queue of SQS for each gateway process, subscribed to a topic of SNS. The SDK is loaded only here, as loading is slow. */
import { randomUUID } from 'node:crypto';
import type * as SNS from '@aws-sdk/client-sns';
import type * as SQS from '@aws-sdk/client-sqs';
import { loadPackages } from '../../../optional-packages';
import { awsAgents } from '../../net/outgoing';
import type { DomainEventSource, EventBatch, EventReadOptions, ReceivedEvent } from '../source';

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
export const sqsEvents = (options: SqsOptions): DomainEventSource => new SqsEvents(options);

class SqsEvents implements DomainEventSource {
  readonly keeps = 'queue';
  readonly #options: SqsOptions;
  readonly #now: () => number;
  #clients: Promise<Clients> | undefined;
  #queue: Queue | undefined;
  #attempts = 0;

  constructor(options: SqsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async *read({ signal }: EventReadOptions): AsyncIterable<EventBatch> {
    try {
      const { sqs, SQS } = await this.#open();
      const isFirst = this.#attempts++ === 0;
      // What came before there was a queue is missing, unless this is the start.
      const isGap = this.#queue === undefined && !isFirst;
      const queue = (this.#queue ??= await this.#createQueue());
      yield { events: [], isGap };
      while (!signal.aborted) {
        await this.#reportAlive(queue);
        const { Messages: messages = [] } = await sqs.send(
          new SQS.ReceiveMessageCommand({
            QueueUrl: queue.url,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: this.#options.wait ?? 20,
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
        this.#queue = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#clients === undefined) return;
    const { sqs, sns, SQS, SNS } = await this.#clients;
    if (this.#queue !== undefined) {
      const { url, subscription } = this.#queue;
      await sns.send(new SNS.UnsubscribeCommand({ SubscriptionArn: subscription })).catch(() => undefined);
      await sqs.send(new SQS.DeleteQueueCommand({ QueueUrl: url })).catch(() => undefined);
    }
    sqs.destroy();
    sns.destroy();
  }

  #open(): Promise<Clients> {
    const { topic, endpoint } = this.#options;
    return (this.#clients ??= openClients(topic.split(':')[3]!, endpoint));
  }

  /** The time in a queue's tag. */
  get #seen(): string {
    return String(Math.floor(this.#now() / 1000));
  }

  async #reportAlive(queue: Queue): Promise<void> {
    if (this.#now() - queue.reportedAt <= reportEvery) return;
    const { sqs, SQS } = await this.#open();
    await sqs.send(new SQS.TagQueueCommand({ QueueUrl: queue.url, Tags: { [seenTag]: this.#seen } }));
    queue.reportedAt = this.#now();
  }

  async #createQueue(): Promise<Queue> {
    const { topic, prefix, retention } = this.#options;
    const { sqs, sns, SQS, SNS } = await this.#open();
    await this.#sweep().catch(() => undefined);
    const isFifo = topic.endsWith('.fifo');
    const { QueueUrl: url } = await sqs.send(
      new SQS.CreateQueueCommand({
        QueueName: `${prefix}-${randomUUID()}${isFifo ? '.fifo' : ''}`,
        Attributes: {
          MessageRetentionPeriod: String(Math.round(retention / 1000)),
          ...(isFifo && { FifoQueue: 'true' }),
        },
        tags: { [seenTag]: this.#seen },
      }),
    );
    const { Attributes: found } = await sqs.send(
      new SQS.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
    );
    const arn = found!['QueueArn']!;
    const Policy = JSON.stringify(policyFor(topic, arn));
    await sqs.send(new SQS.SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
    const { SubscriptionArn: subscription } = await sns.send(
      new SNS.SubscribeCommand({
        ...{ TopicArn: topic, Protocol: 'sqs', Endpoint: arn, ReturnSubscriptionArn: true },
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
    return { url: url!, subscription: subscription!, reportedAt: this.#now() };
  }

  /** Removes the queues of processes that have not reported for an hour that they are alive. */
  async #sweep(): Promise<void> {
    const { topic, prefix } = this.#options;
    const { sqs, sns, SQS, SNS } = await this.#open();
    const { QueueUrls: urls = [] } = await sqs.send(
      new SQS.ListQueuesCommand({ QueueNamePrefix: `${prefix}-`, MaxResults: mostSwept }),
    );
    for (const url of urls) {
      const { Tags: tags } = await sqs.send(new SQS.ListQueueTagsCommand({ QueueUrl: url }));
      const last = tags?.[seenTag];
      if (last === undefined || this.#now() / 1000 - Number(last) < deadAfter) continue;
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
}

/** Lets a topic send to a queue. */
const policyFor = (topic: string, queue: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      Condition: { ArnEquals: { 'aws:SourceArn': topic } },
    },
  ],
});

interface Queue {
  readonly url: string;
  readonly subscription: string;
  /** When its tag was written last. */
  reportedAt: number;
}

/** Has the time in seconds at which its process was last alive. */
const seenTag = 'weir-seen';
/** Seconds. */
const deadAfter = 3600;
/** Milliseconds. */
const reportEvery = 600_000;
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
