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
  /** What all keys begin with. */
  readonly prefix: string;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** A count that other gateways add to. */
export interface SharedCount {
  /** The same in all gateways, and different in each window. */
  readonly sharedKey: string;
  /** When the window ends, in Unix milliseconds. */
  readonly end: number;
  /** By all gateways, as far as is known here. */
  used: number;
  /** How much of it the others have not been told of. */
  unsent: number;
}

/** Where the options name a store that can add; otherwise each process counts for itself. */
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
 * Adds what gateways count in Redis or Valkey. No request waits for it: each is decided by what is known here, and a
 * tenth of a second later gateways know of each other. While the store is away each counts for itself.
 */
export class SharedCounts {
  readonly #redis: AddingRedis;
  readonly #options: SharedCountsOptions;
  readonly #failures: Sum<AttributesOf<'weir.rates.store.failures'>>;
  readonly #changed = new Set<SharedCount>();
  /** Counts that the store does not add to, such as one whose key holds something else. */
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
      // Where there is no rate, there is no connection.
      lazyConnect: true,
      scripts: { weirAdd: { lua: addScript } },
    }) as AddingRedis;
    // What fails is said where it is used.
    this.#redis.on('error', () => undefined);
    this.#failures = options.meter.sum('weir.rates.store.failures');
  }

  add(count: SharedCount, requests: number): void {
    count.unsent += requests;
    this.#changed.add(count);
    this.#plan();
  }

  /** Tells the others what they do not know yet, so that quotas outlive a restart. */
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

  /** A command that fails keeps no other from being sent. Resolves with what the store refused, and why. */
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

  /** What was sent without an answer is not sent again: rather one too few than one too many. */
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
        // It was not added: it is sent with what is counted next.
        count.unsent += amounts[i]!;
        refusals.push(`${keys[i]!}: ${answer}`);
        this.#refused.add(count);
      }
    }
  }
}

/** The client is loaded where it is used only: that takes a while. */
const load = createRequire(__filename);

type AddingRedis = Client.Redis & {
  /** Keys, then how much is added to each and when it expires. Answers a total for each, or why it was refused. */
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

/** Counts in one command: Redis does nothing else meanwhile. */
const mostAtOnce = 500;
/** Milliseconds. */
const interval = 100;
/** How long a count outlives its window, for gateways whose clocks are late. Milliseconds. */
const kept = 10_000;
