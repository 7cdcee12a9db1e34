import type { RedisOptions } from 'ioredis';

/**
 * The settings of connections to Redis or Valkey. A process has up to four connections, which cannot be shared:
 *
 * - the cache store's commands (`RedisStore`);
 * - invalidations by other gateways (`RedisStore.follow`), which must not wait behind large entries;
 * - what consoles share (`openSharedStore`), which must not delay the cache;
 * - counts of rates (`SharedCounts`), which must not wait behind large entries, and are used without a cache, too.
 */
export const redisConnection = {
  // Commands fail at once without a connection. The gateway continues without an answer.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (times: number) => Math.min(50 * times, 1_000),
  connectTimeout: 2_000,
  // Without this, a connection that is lost silently would be noticed only after minutes.
  socketTimeout: 2_000,
} as const satisfies RedisOptions;
