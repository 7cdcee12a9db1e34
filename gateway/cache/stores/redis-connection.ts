import type { RedisOptions } from 'ioredis';

/**
 * How a process connects to Redis or Valkey. It has up to three connections, each for a purpose that cannot share one:
 *
 * - the cache store's commands (`RedisStore`);
 * - invalidations by other gateways (`RedisStore.follow`), which must not wait behind large entries either;
 * - counts of rates (`SharedCounts`), which must not wait behind large entries, and are there without a cache.
 */
export const redisConnection = {
  // What cannot be asked now is not asked later: the gateway does without an answer.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (times: number) => Math.min(50 * times, 1_000),
  connectTimeout: 2_000,
  // A connection that is cut without a word would be noticed after minutes otherwise.
  socketTimeout: 2_000,
} as const satisfies RedisOptions;
