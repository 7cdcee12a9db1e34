import type { Options } from '../../options';
import { isShared, type StoreKind, storeKindOf } from '../../options/cache';
import type { Logger } from '../../telemetry/logger';
import type * as OpenRedis from '../../redis/open-redis';
import type { Meter } from '../../telemetry/metrics/meter';
import { CompressedStore } from './compressed';
import type * as DynamoDB from './dynamodb';
import { GuardedStore, type GuardOptions } from './guard';
import { MemoryStore } from './memory';
import { type Peers, PeerStore } from './peer';
import type * as Redis from './redis';
import type { Store } from './store';
import { type InvalidationFeed, TieredStore } from './tiered';

export interface OpenStoreOptions {
  readonly options: Options['cache'];
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Processes with own stores, which get this process's invalidations. Unused with a shared store. @default none */
  readonly peers?: Peers | undefined;
}

/**
 * Opens the store that the options name. It does not fail if the store is unavailable.
 *
 * @throws {OptionsError} if a file that the options name cannot be used
 */
export function openStore({ options, meter, logger, peers }: OpenStoreOptions): Store {
  const opened = open(options);
  if (opened.kind === 'own') return peers === undefined ? opened.store : new PeerStore(opened.store, peers);
  const available = meter.sum('weir.cache.store.available');
  available.add(1, {});
  const store = guard(opened.store, options, {
    timeout: options.timeout,
    onChange(state, reason) {
      available.add(state === 'away' ? -1 : 1, {});
      if (state === 'away') logger.warn({ err: reason }, 'the cache store is unavailable');
      else logger.info('the cache store is available again');
    },
    onReason: (reason) => logger.warn({ err: reason }, 'the cache store is still unavailable'),
  });
  if (!options.tiered) return store;
  const { memory, memoryBound: bound } = options;
  return new TieredStore({ shared: store, feed: opened.feed, bound, memory: { maxBytes: memory } });
}

/**
 * Opens the store that the options name once more, for what is no cached answer: over a connection of its own, so that it
 * neither delays cached answers nor takes their memory. Its failures are not logged.
 *
 * @param timeout milliseconds for each of its operations
 * @returns undefined if gateways do not share the store
 */
export function openSharedStore(options: Options['cache'], timeout: number): Store | undefined {
  if (!isShared(options)) return undefined;
  const { store } = open(options);
  return guard(store, options, { timeout, onChange: () => undefined });
}

const guard = (store: Store, { compressAbove }: Options['cache'], options: GuardOptions): Store =>
  new CompressedStore(new GuardedStore(store, options), compressAbove);

/** A store of this process, which reports invalidations to its peers, or one whose invalidations all gateways follow. */
type OpenedStore =
  | { readonly kind: 'own'; readonly store: Store }
  | { readonly kind: 'shared'; readonly store: Store; readonly feed: InvalidationFeed };

const open = (options: Options['cache']): OpenedStore =>
  stores[storeKindOf(options)](new URL(options.store), options);

/** A client is loaded only if it is used, as loading is slow. */
const stores: { readonly [Kind in StoreKind]: (url: URL, options: Options['cache']) => OpenedStore } = {
  memory: (_, { memory }) => ({ kind: 'own', store: new MemoryStore({ maxBytes: memory }) }),
  redis: (_, options) => {
    const { RedisStore } = require('./redis') as typeof Redis;
    const { RedisServer } = require('../../redis/open-redis') as typeof OpenRedis;
    const server = new RedisServer({ url: options.store, ...options.redis }, ['cache', 'redis']);
    const store = new RedisStore({ server, ...sharedBy(options) });
    return { kind: 'shared', store, feed: store.follow };
  },
  dynamodb: ({ hostname, searchParams }, options) => {
    const { createDynamoStore } = require('./dynamodb') as typeof DynamoDB;
    const location = { endpoint: searchParams.get('endpoint'), region: searchParams.get('region') };
    const store = createDynamoStore({ table: hostname, ...sharedBy(options) }, location);
    return { kind: 'shared', store, feed: store.follow };
  },
};

const sharedBy = ({ prefix, longest, memoryBound }: Options['cache']) => ({
  ...{ prefix, longest, proofInterval: memoryBound / 4 },
});
