import type { Meter } from '@opentelemetry/api';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import { CompressedStore } from './compressed';
import { GuardedStore } from './guard';
import { MemoryStore } from './memory';
import { RedisStore } from './redis';
import type { Store } from './store';
import { type Feed, TieredStore } from './tiered';

export interface OpenStoreOptions {
  readonly options: Options['cache'];
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** Opens the store that the options name. A store that is away is no reason to fail. */
export function openStore({ options, meter, logger }: OpenStoreOptions): Store {
  const shared = openShared(options);
  if (shared === undefined) return new MemoryStore({ maxBytes: options.memory });
  const available = meter.createUpDownCounter('weir.cache.store.available', {
    description: 'Whether the shared cache store can be reached: 1 or 0.',
  });
  available.add(1);
  const guarded = new GuardedStore(shared.store, {
    timeout: options.timeout,
    onChange(state, reason) {
      available.add(state === 'away' ? -1 : 1);
      if (state === 'away') logger.warn({ err: reason }, 'the cache store is away');
      else logger.info('the cache store is back');
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

function openShared({ store: url, prefix, longest, memoryBound }: Options['cache']): SharedStore | undefined {
  const common = { prefix, longest, proofInterval: memoryBound / 4 };
  switch (new URL(url).protocol) {
    case 'redis:':
    case 'rediss:': {
      const store = new RedisStore({ url, ...common });
      return { store, feed: store.follow };
    }
    default:
      return undefined;
  }
}
