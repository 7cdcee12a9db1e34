import { openSharedCounts, type SharedCounts } from '../admission/rates/shared-counts';
import { DataChanges } from '../cache/data-changes';
import { openStore } from '../cache/stores/open-store';
import type { Peers } from '../cache/stores/peer';
import type { Store } from '../cache/stores/store';
import { Discovery } from '../discovery/discovery';
import type { EventFeeds } from '../events/feeds';
import type { Extension } from '../extensions/import-extension';
import { OperationMemory } from '../graph/operation-cache';
import type { CursorKeys } from '../graph/subscriptions/cursor';
import { Subscriptions } from '../graph/subscriptions/subscriptions';
import { UsedSignatures } from '../net/used-signatures';
import type { Options } from '../options';
import type { PackagedGraph } from '../packaged/packaged-graph';
import { SharedLinkKeys } from '../subgraph-calls/signers/open-signers';
import { Callbacks } from '../subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../subgraph-calls/subscriptions/subscription-transport';
import type { Meter } from '../telemetry/metrics/meter';
import type { Lifecycle } from './lifecycle';
import { notListening } from './listen';
import type { OpenPart } from './open-parts';
import type { Telemetry } from './telemetry';

/** The parts that live as long as the process, across changes of options. */
export interface ProcessParts {
  /** What was made of the supergraph and the operations of the manifests in advance. @default nothing */
  readonly packaged?: PackagedGraph | undefined;
  readonly extensions: Required<Extension> & {
    /** The headers with which GraphiQL opens. */
    readonly explorerHeaders: Readonly<Record<string, string>>;
    /** The subgraphs whose answers are made up. */
    readonly mocked: readonly string[];
  };
  readonly telemetry: Telemetry;
  readonly stores: Stores;
  readonly upstreams: Upstreams;
  readonly clients: ClientState;
  /** What subscriptions are fed by that events feed. */
  readonly eventFeeds: EventFeeds;
  /** The origins of the console, which may frame GraphiQL. */
  readonly consoleOrigins: () => readonly string[];
  readonly lifecycle: Lifecycle;
}

export interface Stores {
  readonly store: Store;
  /** In all graphs, as an invalidation reaches all of them. */
  readonly changes: DataChanges;
  /** Undefined if each process counts for itself. */
  readonly sharedCounts: SharedCounts | undefined;
}

export function openStores(
  options: Options['cache'],
  { metrics: { meter }, logger }: Pick<Telemetry, 'metrics' | 'logger'>,
  peers?: Peers,
): Stores & OpenPart {
  const store = openStore({ options, meter, logger, peers });
  const sharedCounts = openSharedCounts(options, { meter, logger });
  return {
    ...{ store, sharedCounts, changes: new DataChanges() },
    async close() {
      await sharedCounts?.close();
      await store.close();
    },
  };
}

/** What reaches subgraphs. Their connections for subscriptions outlive options. */
export interface Upstreams {
  readonly subscriptions: Pick<SubscriptionTransport, 'lease'>;
  readonly discovery: Discovery;
  readonly linkKeys: SharedLinkKeys;
}

export interface OpenUpstreams extends Upstreams, OpenPart {
  /**
   * Listens for callbacks where a subgraph sends any.
   *
   * @throws {OptionsError} when that is not possible
   */
  listen(options: Options): Promise<void>;
}

/**
 * @param ports how many ports are tried for callbacks, until one is free
 * @param key a secret of the processes of this gateway, which pass on callbacks to one another
 * @param transport opens subscriptions. @default over connections to the subgraphs
 */
export function openUpstreams(
  { host, port, path, publicUrl }: Options['subscriptions']['callback'],
  { metrics: { meter }, logger }: Pick<Telemetry, 'metrics' | 'logger'>,
  {
    ports,
    key,
    transport,
  }: {
    readonly ports?: number;
    readonly key?: string | undefined;
    readonly transport?: Upstreams['subscriptions'] | undefined;
  } = {},
): OpenUpstreams {
  const callbacks = new Callbacks({ host, port, path, publicUrl, ports, key });
  const connected = new SubscriptionTransport({ callbacks, meter });
  return {
    subscriptions: transport ?? connected,
    discovery: new Discovery({ meter, logger }),
    linkKeys: new SharedLinkKeys(),
    async listen({ subgraphs, graphs }) {
      const own = Object.values(graphs?.of ?? {}).map((graph) => graph.subgraphs ?? {});
      const each = [subgraphs, ...own].flatMap((named) => Object.values(named));
      if (!each.some(({ subscriptions: { protocol } }) => protocol === 'callback')) return;
      try {
        await callbacks.listen();
      } catch (error) {
        throw notListening('subscriptions.callback.port', host, port, error);
      }
    },
    async close() {
      connected.close();
      await callbacks.close();
    },
  };
}

/** What a process keeps of the requests of its clients. */
export interface ClientState {
  readonly operations: OperationMemory;
  /** Of all graphs but the default one, which loses none for them. */
  readonly operationsOfOthers: OperationMemory;
  readonly subscriptions: Subscriptions;
  /** What cursors are signed with where there are no link keys. */
  readonly cursorKeys: CursorKeys;
  readonly usedSignatures: UsedSignatures;
}

export function createClientState(cursorKeys: CursorKeys, meter: Meter): ClientState {
  const operations = new OperationMemory();
  const operationsOfOthers = new OperationMemory();
  meter.observe('weir.operations.kept', (observe) => observe(operations.size + operationsOfOthers.size, {}));
  const subscriptions = new Subscriptions(meter);
  return {
    ...{ operations, operationsOfOthers, subscriptions, cursorKeys },
    usedSignatures: new UsedSignatures(),
  };
}
