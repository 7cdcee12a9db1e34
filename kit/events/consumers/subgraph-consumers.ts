import { type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type FastifyBaseLogger } from 'fastify';
import { type Database } from '../../table/database';
import { type LinkKeys } from '../../identity/link-keys';
import { readSigner, signer } from '../../identity/private-link';
import { flagOf, variableOf } from '../../serve/settings';
import { StartError } from '../../serve/start-error';
import { type Subgraph } from '../../subgraph';
import { type AnyTableDefinition } from '../../table/definition';
import { propagationOf } from '../../traces/trace';
import { causedFetch } from '../../traces/caused-fetch';
import { type Tracer } from '../../traces/tracer';
import { type Workflows } from '../../workflows/workflows';
import { type ConsumerSelection, type Failures } from '../channels/channel';
import { type Consumer } from './consumer';
import { consumersTable } from './consumers-table';
import { type Cause } from '../event';
import { type Publisher } from '../log/follow-events';
import {
  handleEvent,
  retryOf,
  runConsumer,
  selectionOf,
  subscriptionOf,
  type RunConsumerOptions,
  type RunningConsumer,
} from './run-consumer';
import { type SnsSqsChannel } from '../channels/sns-sqs-channel';
import { type SqsRecord } from '../channels/sqs-batch';
import { SubgraphProjections } from '../subgraph-projections';
import { tableChannel } from '../channels/table-channel';

export interface SubgraphConsumersOptions {
  readonly subgraph: Pick<Subgraph, 'name' | 'consumers' | 'projections' | 'options'>;
  /** A database of its own, so that what consumers do is not counted as what requests do. */
  readonly db: Database;
  readonly client: DynamoDBDocumentClient;
  /** Writes the seeds of projections. */
  readonly seed: boolean;
  readonly workflowsOf: (cause: Cause) => Workflows;
  readonly options: Readonly<Record<string, string>>;
  readonly linkKeys: LinkKeys | undefined;
  /** @default consumers read the event logs of their sources */
  readonly channel?: SnsSqsChannel | undefined;
  readonly log: FastifyBaseLogger;
  /** @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** The consumers of a subgraph. */
export interface SubgraphConsumers {
  /** The failure queue of each consumer and projection, by its name. */
  failures(): ReadonlyMap<string, Failures>;
  readonly projections: SubgraphProjections;
  /** Begins to consume. `url` is that of this subgraph's GraphQL endpoint, as it may read its own events. */
  start(url: string): void;
  /**
   * Handles what AWS Lambda has received from the queue with this ARN until the deadline, as `performance.now()` counts.
   * Resolves with the ids of the messages that must come again; undefined where it is the queue of no consumer.
   */
  handleBatch(
    queueArn: string,
    records: readonly SqsRecord[],
    deadline: number,
  ): Promise<string[]> | undefined;
  /** Waits for the events that are being handled. */
  stop(): Promise<void>;
}

/** The tables that consumers need. */
export const consumerTables = (subgraph: SubgraphConsumersOptions['subgraph']): AnyTableDefinition[] =>
  allOf(subgraph).length === 0 ? [] : [consumersTable(subgraph.name)];

const allOf = ({
  consumers = [],
  projections = [],
}: SubgraphConsumersOptions['subgraph']): Pick<Consumer, 'name' | 'from'>[] => [...consumers, ...projections];

/** What a channel needs to have for a subgraph. */
export const eventNeeds = ({
  tables = [],
  consumers = [],
}: Pick<Subgraph, 'tables' | 'consumers'>): {
  readonly publishes: boolean;
  readonly consumers: Readonly<Record<string, ConsumerSelection>>;
} => ({
  publishes: tables.some(({ outbox }) => outbox !== undefined),
  consumers: Object.fromEntries(consumers.map(({ name, from }) => [name, selectionOf(from)])),
});

/** Opens the consumers of a subgraph. */
export function openSubgraphConsumers({
  subgraph,
  db,
  client,
  seed,
  workflowsOf,
  options,
  linkKeys,
  channel: given,
  log,
  tracer,
}: SubgraphConsumersOptions): SubgraphConsumers {
  const consumers = subgraph.consumers ?? [];
  let ownUrl = '';
  const running: RunningConsumer[] = [];

  const sign = signer(linkKeys, null);
  const signRead = readSigner(linkKeys);
  const publisher = (source: string): Publisher => ({
    // The events are beside the GraphQL endpoint.
    url: new URL('events', source === subgraph.name ? ownUrl : options[urlOption(source)]).href,
    headers: (url) => signRead(source, url),
  });
  const table = consumersTable(subgraph.name);
  const channel = given ?? tableChannel({ db, table, publisher, log });
  const subscriptions = new Map(consumers.map((each) => [each.name, subscriptionOf(each, channel)]));

  const scopeOf: RunConsumerOptions['scopeOf'] = (cause, of) => ({
    ...of,
    db: db.forRequest(of.signal).causedBy(cause),
    cause,
    options,
    propagation: propagationOf(cause),
    fetch: causedFetch(cause, tracer),
    sign,
    workflows: workflowsOf(cause),
  });

  const projections = new SubgraphProjections({
    ...{ db, client, seed, table, publisher, log, scopeOf, tracer },
    projections: subgraph.projections ?? [],
  });

  return {
    failures: () =>
      new Map([
        ...Array.from(subscriptions, ([name, { failures }]) => [name, failures] as const),
        ...projections.failures,
      ]),
    projections,
    handleBatch(queueArn, records, deadline) {
      const consumer = consumers.find(({ name }) => given?.isQueueOf(name, queueArn) === true);
      return (
        consumer &&
        given?.handleBatch(consumer.name, records, {
          ...retryOf(consumer),
          concurrency: consumer.concurrency,
          selection: selectionOf(consumer.from),
          deadline,
          handle: (delivery, milliseconds) =>
            handleEvent(consumer, delivery, {
              log: log.child({ consumer: consumer.name }),
              scopeOf,
              tracer,
              timeout: Math.min(consumer.timeout, milliseconds),
              grace: 0,
            }),
        })
      );
    },
    start(url) {
      ownUrl = url;
      for (const consumer of consumers)
        running.push(
          runConsumer(consumer, { subscription: subscriptions.get(consumer.name)!, log, scopeOf, tracer }),
        );
      projections.start();
    },
    async stop() {
      await Promise.all([projections.stop(), ...running.map((each) => each.stop())]);
    },
  };
}

/** The option that holds the URL of a source: `ordersUrl` for `orders`, `orderHistoryUrl` for `order-history`. */
export function urlOption(source: string): string {
  const [first = '', ...others] = source.split(/[-_.]/);
  const begin = (of: string, change: 'toUpperCase' | 'toLowerCase') => of.charAt(0)[change]() + of.slice(1);
  return `${begin(first, 'toLowerCase')}${others.map((each) => begin(each, 'toUpperCase')).join('')}Url`;
}

/**
 * Throws a `TypeError` if a name is used twice or a source has no option for its URL, and a {@link StartError} if that is
 * no URL.
 */
export function checkConsumers(
  subgraph: SubgraphConsumersOptions['subgraph'],
  options: Readonly<Record<string, string>>,
): void {
  const { name } = subgraph;
  const names = new Set<string>();
  for (const consumer of allOf(subgraph)) {
    if (names.has(consumer.name))
      throw new TypeError(`The subgraph "${name}" has two consumers "${consumer.name}".`);
    names.add(consumer.name);
    for (const source of Object.keys(consumer.from)) if (source !== name) checkSource(consumer, source);
  }

  function checkSource(consumer: { readonly name: string }, source: string): void {
    const option = urlOption(source);
    const url = options[option];
    if (url === undefined)
      throw new TypeError(
        `The consumer "${consumer.name}" reads events of "${source}", so the subgraph "${name}" needs the option "${option}".`,
      );
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new StartError(
        `The option "${option}" must be the URL of the GraphQL endpoint of "${source}", such as http://127.0.0.1:4001/graphql, but is "${url}": set ${variableOf(option)} or --${flagOf(option)}.`,
      );
  }
}
