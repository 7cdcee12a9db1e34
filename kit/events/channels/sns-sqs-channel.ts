import { type FastifyBaseLogger } from 'fastify';
import { groupBy } from '../../lists';
import { StartError } from '../../serve/start-error';
import { openAwsClients } from './aws-clients';
import { type AwsSettings, type QueueTimes, type ResourceNames } from './aws-settings';
import { type Channel, type ConsumerSelection } from './channel';
import { publishEvents } from './sns-publisher';
import { findQueue, findTopic, isNameOf, queueNameOf, type ConsumerQueue } from './sns-sqs-resources';
import { handleEventBatch, type EventBatchOptions, type SqsRecord } from './sqs-batch';
import { SqsFailures } from './sqs-failures';
import { SqsSubscription } from './sqs-subscription';

export interface SnsSqsChannelOptions extends ResourceNames, QueueTimes {
  /** The name of this subgraph. */
  readonly subgraph: string;
  readonly log: FastifyBaseLogger;
  readonly aws?: AwsSettings;
}

/** A channel whose resources may be looked for before it is used. */
export interface SnsSqsChannel extends Channel {
  /**
   * Finds, or creates, what the subgraph needs: its topic if it publishes, and the queues of its consumers.
   *
   * @throws {StartError} that names what is missing
   */
  prepare(needs: {
    readonly publishes: boolean;
    readonly consumers: Readonly<Record<string, ConsumerSelection>>;
  }): Promise<void>;
  /** Whether the queue of the consumer has this ARN. */
  isQueueOf(consumer: string, arn: string): boolean;
  /** Handles what AWS Lambda has received from the queue of a consumer, as {@link handleEventBatch}. */
  handleBatch(
    consumer: string,
    records: readonly SqsRecord[],
    options: Omit<EventBatchOptions, 'failures' | 'log'>,
  ): Promise<string[]>;
  /** Closes its connections. End its subscriptions first. */
  close(): void;
}

/**
 * The channel of AWS: each subgraph publishes to an SNS FIFO topic, each consumer has an SQS FIFO queue with a failure
 * queue. A consumer gets what was published since its queue was subscribed to the topics.
 */
export async function openSnsSqsChannel(options: SnsSqsChannelOptions): Promise<SnsSqsChannel> {
  const { subgraph, log } = options;
  const clients = await openAwsClients(options.aws);
  const topics = new Map<string, Promise<string>>();
  const queues = new Map<string, Promise<ConsumerQueue>>();

  const topicOf = (source: string) =>
    once(topics, source, () => findTopic(source, { sns: clients.sns, names: options }));
  const queueOf = (consumer: string, selection: ConsumerSelection) =>
    once(queues, consumer, () => findQueue({ subgraph, consumer, selection }, { clients, names: options }));

  return {
    async prepare({ publishes, consumers }) {
      try {
        if (publishes) await topicOf(subgraph);
        for (const [consumer, selection] of Object.entries(consumers)) await queueOf(consumer, selection);
      } catch (error) {
        if (error instanceof StartError) throw error;
        throw new StartError(`SNS or SQS cannot be used: ${(error as Error).message}`);
      }
    },

    async publish(events) {
      for (const [source, ofSource] of groupBy(events, (event) => event.source))
        await publishEvents(ofSource, { sns: clients.sns, topicArn: await topicOf(source) });
    },

    subscribe: (consumer, selection, retry = {}) =>
      new SqsSubscription({
        ...options,
        ...retry,
        consumer,
        selection,
        log,
        sqs: clients.sqs,
        queue: () => queueOf(consumer, selection),
      }),

    isQueueOf: (consumer, arn) => isNameOf(queueNameOf({ subgraph, consumer }, options), arn),

    handleBatch: (consumer, records, of) =>
      handleEventBatch(records, {
        ...of,
        failures: new SqsFailures({ sqs: clients.sqs, queue: () => queueOf(consumer, of.selection) }),
        log: log.child({ consumer }),
      }),

    close: clients.destroy,
  };
}

/** What was found is kept; what was not is looked for again. */
function once<Value>(
  found: Map<string, Promise<Value>>,
  key: string,
  find: () => Promise<Value>,
): Promise<Value> {
  const known = found.get(key);
  if (known) return known;
  const finding = find();
  found.set(key, finding);
  finding.catch(() => found.delete(key));
  return finding;
}
