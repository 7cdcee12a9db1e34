import { createRequire } from 'node:module';
import type { Meter } from '@opentelemetry/api';
import type { Options } from '../../options';
import type { StoreProtocol } from '../../options/cache';
import type { Logger } from '../../telemetry/logger';
import { CompressedStore } from './compressed';
import type * as DynamoDB from './dynamodb';
import { GuardedStore } from './guard';
import { MemoryStore } from './memory';
import { PeerMemoryStore, type Peers } from './peer-memory';
import type * as Redis from './redis';
import type { Store } from './store';
import { type Feed, TieredStore } from './tiered';

export interface OpenStoreOptions {
  readonly options: Options['cache'];
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Processes with a memory of their own that invalidate together. A shared store needs none. @default none */
  readonly peers?: Peers | undefined;
}

/** Opens the store that the options name. A store that is away is no reason to fail. */
export function openStore({ options, meter, logger, peers }: OpenStoreOptions): Store {
  const shared = openShared(options);
  if (shared === undefined) {
    const memory = { maxBytes: options.memory };
    return peers === undefined ? new MemoryStore(memory) : new PeerMemoryStore(memory, peers);
  }
  const available = meter.createUpDownCounter('weir.cache.store.available', {
    description: 'Whether the shared cache store can be reached: 1 or 0.',
  });
  available.add(1);
  const guarded = new GuardedStore(shared.store, {
    timeout: options.timeout,
    onChange(state, reason) {
      available.add(state === 'away' ? -1 : 1);
      if (state === 'away') logger.warn({ err: reason }, 'the cache store is unavailable');
      else logger.info('the cache store is available again');
    },
  });
  const store = new CompressedStore(guarded, options.compressAbove);
  if (!options.tiered) return store;
  const { memory, memoryBound: bound } = options;
  return new TieredStore({ shared: store, feed: shared.feed, bound, memory: { maxBytes: memory } });
}

interface SharedStore {
  readonly store: Store;
  readonly feed: Feed;
}

const load = createRequire(__filename);

/** Loads the client of the store that is used, and no other: they take a while. */
function openShared({
  store: text,
  prefix,
  longest,
  memoryBound,
}: Options['cache']): SharedStore | undefined {
  const url = new URL(text);
  const common = { prefix, longest, proofInterval: memoryBound / 4 };
  const protocol = url.protocol as StoreProtocol;
  switch (protocol) {
    case 'memory:':
      return undefined;
    case 'redis:':
    case 'rediss:': {
      const { RedisStore } = load('./redis') as typeof Redis;
      const store = new RedisStore({ url: text, ...common });
      return { store, feed: store.follow };
    }
    case 'dynamodb:': {
      const { createDynamoStore } = load('./dynamodb') as typeof DynamoDB;
      const place = { endpoint: url.searchParams.get('endpoint'), region: url.searchParams.get('region') };
      const store = createDynamoStore({ table: url.hostname, ...common }, place);
      return { store, feed: store.follow };
    }
    default:
      return protocol satisfies never;
  }
}
