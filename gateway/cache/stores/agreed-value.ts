import type { Options } from '../../options';
import { storeKindOf } from '../../options/cache';
import type * as OpenRedis from '../../redis/open-redis';
import type * as DynamoDB from './dynamodb';

/**
 * Has all gateways that share a store use the same value: the first one that was proposed under this name.
 *
 * @returns that value; rejects when the store cannot be reached. Undefined where gateways share no store.
 */
export function openAgreement(
  options: Options['cache'],
  name: string,
): ((proposed: string) => Promise<string>) | undefined {
  const kind = storeKindOf(options);
  switch (kind) {
    case 'redis':
      return (proposed) => agreeInRedis(options, `{${options.prefix}}:${name}`, proposed);
    case 'dynamodb': {
      const { agreeInTable } = require('./dynamodb') as typeof DynamoDB;
      return (proposed) => agreeInTable(new URL(options.store), `${options.prefix}#${name}`, proposed);
    }
    case 'memory':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/** Milliseconds for a server that does not answer. */
const patience = 5_000;

/** Over a connection of its own, as it is needed once in a while. */
async function agreeInRedis(
  { store: url, redis: settings }: Options['cache'],
  key: string,
  proposed: string,
): Promise<string> {
  const { leave, RedisServer } = require('../../redis/open-redis') as typeof OpenRedis;
  const redis = await new RedisServer({ url, ...settings }, ['cache', 'redis']).open({
    key,
    signal: AbortSignal.timeout(patience),
  });
  try {
    await redis.set(key, proposed, 'NX');
    return (await redis.get(key)) ?? proposed;
  } finally {
    leave(redis);
  }
}
