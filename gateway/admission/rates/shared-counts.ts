import { createRequire } from 'node:module';
import type * as Client from 'ioredis';
import { redisConnection } from '../../cache/stores/redis-connection';
import type { Options } from '../../options';
import type { StoreProtocol } from '../../options/cache';
import type { Logger } from '../../telemetry/logger';
import type { Meter, Sum } from '../../telemetry/meter';
import type { AttributesOf } from '../../telemetry/metric-table';

export interface SharedCountsOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** The prefix of all keys. */
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

/** Opens shared counts if the options name a store that supports them. Otherwise each process counts for itself. */
export function openSharedCounts(
  options: Options['cache'],
  parts: Pick<SharedCountsOptions, 'meter' | 'logger'>,
): SharedCounts | undefined {
  const protocol = new URL(options.store).protocol as StoreProtocol;
  switch (protocol) {
    case 'redis:':
    case 'rediss:':
      return new SharedCounts({ url: options.store, prefix: options.prefix, ...parts });
    case 'memory:':
    case 'dynamodb:':
      return undefined;
    default:
      return protocol satisfies never;
  }
}

/**
 * Adds the counts of all gateways in Redis or Valkey. No request waits for the store: a request is decided by the known
 * total, and gateways exchange counts every 0.1 s. While the store is unavailable each gateway counts for itself.
 */
export class SharedCounts {
  readonly #redis: AddingRedis;
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
    const { Redis } = load('ioredis') as typeof Client;
    this.#redis = new Redis(options.url, {
      ...redisConnection,
      // Without a rate limit there is no connection.
      lazyConnect: true,
      scripts: { weirAdd: { lua: addScript } },
    }) as AddingRedis;
    // Failures are reported by the commands that fail.
    this.#redis.on('error', () => undefined);
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
    this.#redis.disconnect();
  }

  async #exchange(): Promise<void> {
    const wasRefusing = this.#refused.size > 0;
    try {
      if (this.#redis.status === 'wait') await this.#redis.connect();
      const refusals = await this.#sendAll([...this.#changed]);
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
  async #sendAll(counts: readonly SharedCount[]): Promise<readonly string[]> {
    const failures: unknown[] = [];
    const refusals: string[] = [];
    for (let i = 0; i < counts.length; i += mostAtOnce) {
      await this.#send(counts.slice(i, i + mostAtOnce), refusals).catch((error: unknown) =>
        failures.push(error),
      );
    }
    if (failures.length > 0) throw failures[0];
    return refusals;
  }

  /**
   * Counts that were sent without an answer are not sent again: counting a request twice is worse than not counting it.
   */
  async #send(counts: readonly SharedCount[], refusals: string[]): Promise<void> {
    if (this.#redis.status !== 'ready') throw new Error('The store is not connected.');
    const keys = counts.map(({ sharedKey }) => `{${this.#options.prefix}}:rate:${sharedKey}`);
    const amounts = counts.map(({ unsent }) => unsent);
    const added = counts.flatMap(({ unsent, end }) => [unsent, end + kept]);
    for (const count of counts) {
      count.unsent = 0;
      this.#changed.delete(count);
    }
    const answers = await this.#redis.weirAdd(keys.length, ...keys, ...added);
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
const load = createRequire(__filename);

type AddingRedis = Client.Redis & {
  /** Arguments: the keys, then an amount and an expiry for each. Returns a total for each, or why it was refused. */
  weirAdd(keys: number, ...rest: readonly (string | number)[]): Promise<readonly (number | string)[]>;
};

const addScript = `
  local totals = {}
  for i, key in ipairs(KEYS) do
    local total = redis.pcall('INCRBY', key, ARGV[2 * i - 1])
    if type(total) == 'number' then
      redis.call('PEXPIREAT', key, ARGV[2 * i])
      totals[i] = total
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
