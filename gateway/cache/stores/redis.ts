import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { redisConnection } from './redis-connection';
import { invalidateScript, lookScript, setScript } from './redis-scripts';
import { type Clock, type Entry, type Found, type Look, type Store, StoreUnavailable } from './store';
import type { Feed, Follower } from './tiered';

export interface RedisStoreOptions {
  /** `redis://` or `rediss://`, optionally with user, password, port and database. */
  readonly url: string;
  /** The prefix of all keys. */
  readonly prefix: string;
  /** The longest lifetime of an entry, in milliseconds, whatever the entry says. */
  readonly longest: number;
  /** Milliseconds between two checks that invalidations by other gateways arrive. */
  readonly proofInterval: number;
  /** The most invalidated tags that are remembered. Beyond, old entries count as invalidated. @default 200,000 */
  readonly maxMarkers?: number;
  /** Milliseconds after a look-up was asked to refresh an entry in which no other one is. @default 10,000 */
  readonly refreshTime?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/**
 * Keeps entries in Redis (6.2 or newer) or Valkey, for all gateways that use the same prefix.
 *
 * Entries from before a restart of the server are not used, as the server may have lost the newest invalidations. The
 * same is true of entries from before a failover to another server. Therefore all keys contain the server's run id.
 */
export class RedisStore implements Store {
  readonly #options: Required<RedisStoreOptions>;
  readonly #redis: ScriptedRedis;
  /** The run id of the connected server; undefined while there is no connection. */
  #run: Promise<string> | undefined;
  #lastError: Error | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = { maxMarkers: 200_000, refreshTime: 10_000, now: Date.now, ...options };
    this.#redis = connect(options.url) as ScriptedRedis;
    this.#redis.on('error', (error: Error) => (this.#lastError = error));
    this.#redis.on('ready', () => {
      this.#run = this.#redis.info('server').then(runOf);
      // Commands that need the run id get the error.
      this.#run.catch(() => undefined);
    });
    this.#redis.on('close', () => (this.#run = undefined));
  }

  get(keys: readonly string[]): Promise<Look> {
    return this.#ask(async (run) => {
      const { now, refreshTime, longest } = this.#options;
      const names = this.#keys(run, keys);
      const [tick, ...found] = (await this.#redis.weirLookBuffer(
        names.length,
        ...names,
        ...[now(), refreshTime, longest],
      )) as [Buffer, ...(Fields | null)[]];
      return { entries: found.map(readEntry), clock: `${run}:${tick.toString()}` };
    });
  }

  set(entries: ReadonlyMap<string, Entry>, clock: Clock): Promise<void> {
    return this.#ask(async (run) => {
      const [runThen, since] = clock.split(':') as [string, string];
      const { now, longest } = this.#options;
      const time = now();
      const alive = [...entries].filter(([, { keptUntil }]) => keptUntil > time);
      if (runThen !== run || alive.length === 0) return;
      const names = this.#keys(
        run,
        alive.map(([key]) => key),
      );
      await this.#redis.weirSet(
        names.length,
        ...names,
        ...[since, longest],
        ...alive.flatMap(([, { value, tags, storedAt, freshUntil, keptUntil }]) => [
          ...[value, tags.map(memberOf).join('\0'), storedAt, freshUntil, keptUntil],
          Math.min(keptUntil - time, longest),
        ]),
      );
    });
  }

  invalidate(tags: readonly string[]): Promise<void> {
    return this.#ask(async (run) => {
      const { longest, maxMarkers } = this.#options;
      const names = this.#keys(run, []);
      const exact = tags.filter((tag) => !tag.endsWith('*')).map(memberOf);
      const prefixes = tags.filter((tag) => tag.endsWith('*')).map((tag) => memberOf(tag.slice(0, -1)));
      await this.#redis.weirInvalidate(
        names.length,
        ...names,
        ...[longest, maxMarkers, maxPrefixes, this.#channel, JSON.stringify(tags), exact.length],
        ...exact,
        ...prefixes,
      );
    });
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }

  /**
   * Reports invalidations by other gateways. On one connection, Redis sends published messages and replies in order. So
   * a reply proves that every invalidation before the command has arrived.
   */
  readonly follow: Feed = (follower) => {
    const { url, proofInterval } = this.#options;
    const redis = connect(url, { autoResubscribe: false, protocol: 3 });
    redis.on('error', () => undefined);
    redis.on('message', (_channel: string, message: string) => hand(follower, message));
    redis.on('ready', () => {
      redis.subscribe(this.#channel).then(
        () => {
          follower.missed();
          prove();
        },
        () => redis.disconnect(true),
      );
    });
    let timer: NodeJS.Timeout | undefined;
    redis.on('close', () => clearTimeout(timer));
    function prove(): void {
      const asked = performance.now();
      redis.ping().then(
        () => {
          follower.proven(asked);
          timer = setTimeout(prove, proofInterval).unref();
        },
        // The client reconnects by itself.
        () => undefined,
      );
    }
    return () => {
      clearTimeout(timer);
      redis.disconnect();
      return Promise.resolve();
    };
  };

  get #channel(): string {
    return `${this.#options.prefix}:invalidated`;
  }

  /** Braces (a hash tag) keep all keys in one slot of a cluster. */
  #keys(run: string, keys: readonly string[]): string[] {
    const base = `{${this.#options.prefix}}:${run}`;
    return [`${base}:clock`, `${base}:prefixes`, ...keys.map((key) => `${base}:entry:${key}`)];
  }

  async #ask<Answer>(question: (run: string) => Promise<Answer>): Promise<Answer> {
    if (this.#run === undefined) throw new StoreUnavailable(this.#lastError);
    try {
      return await question(await this.#run);
    } catch (error) {
      throw new StoreUnavailable(error);
    }
  }
}

/** The most prefixes. Each look-up compares all of them with the tags of its entry. */
const maxPrefixes = 100;

type ScriptedRedis = Redis &
  Record<
    'weirLookBuffer' | 'weirSet' | 'weirInvalidate',
    (numberOfKeys: number, ...keysAndArguments: (string | number | Buffer)[]) => Promise<unknown>
  >;

function connect(url: string, options: { autoResubscribe?: boolean; protocol?: 2 | 3 } = {}): Redis {
  return new Redis(url, {
    ...redisConnection,
    scripts: {
      weirLook: { lua: lookScript },
      weirSet: { lua: setScript },
      weirInvalidate: { lua: invalidateScript },
    },
    ...options,
  });
}

function runOf(info: string): string {
  const run = /^run_id:(\w+)/m.exec(info)?.[1];
  if (run === undefined) throw new Error('The server does not tell its run_id.');
  return run.slice(0, 12);
}

/** The name of a tag among the markers. NUL separates tags, so a NUL in a tag is replaced. */
function memberOf(tag: string): string {
  return `=${tag.replaceAll('\0', '\ufffd')}`;
}

type Fields = [value: Buffer, tags: Buffer, storedAt: Buffer, freshUntil: Buffer, keptUntil: Buffer, 0 | 1];

function readEntry(fields: Fields | null): Found | undefined {
  if (fields === null) return undefined;
  const [value, tags, storedAt, freshUntil, keptUntil, refresh] = fields;
  const all = tags.toString();
  return {
    value,
    tags: all === '' ? [] : all.split('\0').map((member) => member.slice(1)),
    storedAt: Number(storedAt.toString()),
    freshUntil: Number(freshUntil.toString()),
    keptUntil: Number(keptUntil.toString()),
    refresh: refresh === 1,
  };
}

function hand(follower: Follower, message: string): void {
  try {
    follower.invalidated(JSON.parse(message) as string[]);
  } catch {
    // An unreadable message on the channel may have been an invalidation.
    follower.missed();
  }
}
