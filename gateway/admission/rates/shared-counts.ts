import type { Redis } from 'ioredis';
import type { Options } from '../../options';
import { storeKindOf } from '../../options/cache';
import type * as OpenRedis from '../../redis/open-redis';
import type * as Connection from '../../redis/redis-connection';
import type { Logger } from '../../telemetry/logger';
import type { Meter, Sum } from '../../telemetry/metrics/meter';
import type { AttributesOf } from '../../telemetry/metrics/metric-table';

export interface SharedCountsOptions {
  /** Connects to the store when a count has to be sent, and not before. */
  readonly connection: { ready(): Promise<unknown>; close(): void };
  readonly prefix: string;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** A count to which other gateways add. */
export interface SharedCount {
  /** The key in the store: equal in all gateways, and different for each window. */
  readonly sharedKey: string;
  /** When the window ends, in Unix milliseconds. */
  readonly end: number;
  /** The total of all gateways, as far as this one knows. */
  used: number;
  /** The part that has not been sent to the store yet. */
  unsent: number;
}

/**
 * Opens shared counts if the options name a store that supports them. Otherwise each process counts for itself.
 *
 * @throws {OptionsError} if a file that the options name cannot be used
 */
export function openSharedCounts(
  options: Options['cache'],
  parts: Pick<SharedCountsOptions, 'meter' | 'logger'>,
): SharedCounts | undefined {
  const kind = storeKindOf(options);
  switch (kind) {
    case 'redis':
      return new SharedCounts({ connection: connect(options), prefix: options.prefix, ...parts });
    case 'memory':
    case 'dynamodb':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/**
 * Adds the counts of all gateways in Redis or Valkey. No request waits for the store: a request is decided by the known
 * total, and gateways exchange counts every 0.1 s. While the store is unavailable each gateway counts for itself.
 */
export class SharedCounts {
  readonly #options: SharedCountsOptions;
  readonly #failures: Sum<AttributesOf<'weir.rates.store.failures'>>;
  readonly #changed = new Set<SharedCount>();
  /** Counts that the store refused, for example because their key holds another type. */
  readonly #refused = new Set<SharedCount>();
  #timer: NodeJS.Timeout | undefined;
  #exchanging: Promise<void> | undefined;
  #isClosed = false;
  #isAway = false;

  constructor(options: SharedCountsOptions) {
    this.#options = options;
    this.#failures = options.meter.sum('weir.rates.store.failures');
  }

  add(count: SharedCount, requests: number): void {
    count.unsent += requests;
    this.#changed.add(count);
    this.#plan();
  }

  /** Sends the remaining counts, so that quotas outlive a restart. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#exchanging;
    if (this.#changed.size > 0) await this.#exchange();
    this.#options.connection.close();
  }

  async #exchange(): Promise<void> {
    const wasRefusing = this.#refused.size > 0;
    try {
      const redis = (await this.#options.connection.ready()) as AddingRedis;
      const refusals = await this.#sendAll(redis, [...this.#changed]);
      if (refusals.length > 0) this.#failures.add(1, {});
      if (refusals.length > 0 && !wasRefusing)
        this.#options.logger.warn(
          { err: new Error(refusals[0]), refused: refusals.length },
          'the rate store refuses some counts: each gateway counts those for itself',
        );
      if (this.#isAway) this.#options.logger.info('the rate store is available again');
      this.#isAway = false;
    } catch (error) {
      this.#failures.add(1, {});
      if (!this.#isAway)
        this.#options.logger.warn(
          { err: error },
          'the rate store is unavailable: each gateway counts for itself',
        );
      this.#isAway = true;
    } finally {
      const now = Date.now();
      for (const counts of [this.#changed, this.#refused])
        for (const count of counts) if (count.end <= now) counts.delete(count);
      if (wasRefusing && this.#refused.size === 0)
        this.#options.logger.info('the rate store accepts all counts again');
      this.#timer = undefined;
      if (this.#changed.size > 0) this.#plan();
    }
  }

  #plan(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#exchanging = this.#exchange();
    }, interval).unref();
  }

  /** Sends counts in several commands, even if one fails. Resolves with the refused counts and the reasons. */
  async #sendAll(redis: AddingRedis, counts: readonly SharedCount[]): Promise<readonly string[]> {
    const failures: unknown[] = [];
    const refusals: string[] = [];
    for (let i = 0; i < counts.length; i += mostAtOnce) {
      await this.#send(redis, counts.slice(i, i + mostAtOnce), refusals).catch((error: unknown) =>
        failures.push(error),
      );
    }
    if (failures.length > 0) throw failures[0];
    return refusals;
  }

  /**
   * Counts that were sent without an answer are not sent again: counting a request twice is worse than not counting it.
   * A server that answers with an error has not added them: another one may hold them by now.
   */
  async #send(redis: AddingRedis, counts: readonly SharedCount[], refusals: string[]): Promise<void> {
    if (redis.status !== 'ready') throw new Error('The store is not connected.');
    const keys = counts.map(({ sharedKey }) => `{${this.#options.prefix}}:rate:${sharedKey}`);
    const amounts = counts.map(({ unsent }) => unsent);
    const added = counts.flatMap(({ unsent, end }) => [unsent, end + kept]);
    for (const count of counts) {
      count.unsent = 0;
      this.#changed.delete(count);
    }
    const answers = await redis.weirAdd(keys.length, ...keys, ...added).catch((error: unknown) => {
      if ((error as Error).name === 'ReplyError')
        for (const [i, count] of counts.entries()) {
          count.unsent += amounts[i]!;
          this.#changed.add(count);
        }
      throw error;
    });
    for (const [i, count] of counts.entries()) {
      const answer = answers[i]!;
      if (typeof answer === 'number') {
        count.used = answer + count.unsent;
        this.#refused.delete(count);
      } else {
        // The store did not add it, so it is sent again with the next counts.
        count.unsent += amounts[i]!;
        refusals.push(`${keys[i]!}: ${answer}`);
        this.#refused.add(count);
      }
    }
  }
}

/** The client is loaded only if it is used, as loading is slow. */
function connect({ store: url, prefix, redis }: Options['cache']): Connection.RedisConnection {
  const { RedisServer } = require('../../redis/open-redis') as typeof OpenRedis;
  const { RedisConnection } = require('../../redis/redis-connection') as typeof Connection;
  const server = new RedisServer({ url, ...redis }, ['cache', 'redis']);
  return new RedisConnection({ server, key: `{${prefix}}:rate`, scripts: { weirAdd: { lua: addScript } } });
}

type AddingRedis = Redis & {
  /** Arguments: the keys, then an amount and an expiry for each. Returns a total for each, or why it was refused. */
  weirAdd(keys: number, ...rest: readonly (string | number)[]): Promise<readonly (number | string)[]>;
};

/** A replica refuses all counts; then the connection ends, as for a script that fails with this error. */
const addScript = `
  local totals = {}
  for i, key in ipairs(KEYS) do
    local total = redis.pcall('INCRBY', key, ARGV[2 * i - 1])
    if type(total) == 'number' then
      redis.call('PEXPIREAT', key, ARGV[2 * i])
      totals[i] = total
    elseif string.find(total.err, 'READONLY', 1, true) then
      return redis.error_reply(total.err)
    else
      totals[i] = total.err
    end
  end
  return totals`;

/** The most counts in one command, as Redis runs one command at a time. */
const mostAtOnce = 500;
/** Milliseconds between two exchanges of counts. */
const interval = 100;
/** Milliseconds that a count is kept after its window, for gateways whose clocks are slow. */
const kept = 10_000;
