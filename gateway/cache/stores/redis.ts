import type { Redis } from 'ioredis';
import { leave, type RedisServer } from '../../redis/open-redis';
import { RedisConnection } from '../../redis/redis-connection';
import { invalidateScript, lookScript, setScript } from './redis-scripts';
import { type Clock, type CacheEntry, type CacheHit, type Look, type Store, StoreUnavailable } from './store';
import type { InvalidationFeed, InvalidationListener } from './tiered';

export interface RedisStoreOptions {
  readonly server: RedisServer;
  readonly prefix: string;
  /** The longest lifetime of an entry, in milliseconds, whatever the entry's own. */
  readonly longest: number;
  /** Milliseconds between two checks that invalidations by other gateways arrive. */
  readonly proofInterval: number;
  /** The most invalidated tags that are remembered. Beyond, old entries count as invalidated. @default 200,000 */
  readonly maxMarkers?: number;
  /** Milliseconds in which one look-up alone refreshes an entry. @default 10,000 */
  readonly refreshTime?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/**
 * Keeps entries in Redis (6.2 or newer) or Valkey, for all gateways that use the same prefix. All keys have the same hash
 * tag, so that in a cluster one server holds them.
 *
 * Entries from before a restart of the server are not used, as the server may have lost the newest invalidations. The
 * same is true of entries from before a failover to another server. Therefore all keys contain the server's run id.
 */
export class RedisStore implements Store {
  readonly #options: Required<RedisStoreOptions>;
  readonly #connection: RedisConnection;
  /** The connection and the run id of its server; undefined while there is no connection. */
  #open: { readonly redis: ScriptedRedis; readonly run: Promise<string> } | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = { maxMarkers: 200_000, refreshTime: 10_000, now: Date.now, ...options };
    this.#connection = new RedisConnection({
      server: options.server,
      key: this.#nothing,
      scripts: {
        weirLook: { lua: lookScript },
        weirSet: { lua: setScript },
        weirInvalidate: { lua: invalidateScript },
      },
      onOpen: (redis) => {
        const run = redis.info('server').then(runOf);
        // Commands that need the run id get the error.
        run.catch(() => undefined);
        this.#open = { redis: redis as ScriptedRedis, run };
      },
      onEnd: () => (this.#open = undefined),
    });
    this.#connection.start();
  }

  get(keys: readonly string[]): Promise<Look> {
    return this.#run(async (redis, run) => {
      const { now, refreshTime, longest } = this.#options;
      const names = this.#keys(run, keys);
      const [tick, ...found] = (await redis.weirLookBuffer(
        names.length,
        ...names,
        ...[now(), refreshTime, longest],
      )) as [Buffer, ...(EntryRow | null)[]];
      return { entries: found.map(readEntry), clock: `${run}:${tick.toString()}` };
    });
  }

  set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    return this.#run(async (redis, run) => {
      const [runThen, since] = clock.split(':') as [string, string];
      const { now, longest } = this.#options;
      const time = now();
      const alive = [...entries].filter(([, { keptUntil }]) => keptUntil > time);
      if (runThen !== run || alive.length === 0) return;
      const names = this.#keys(
        run,
        alive.map(([key]) => key),
      );
      await redis.weirSet(
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
    return this.#run(async (redis, run) => {
      const { longest, maxMarkers } = this.#options;
      const names = this.#keys(run, []);
      const exact = tags.filter((tag) => !tag.endsWith('*')).map(memberOf);
      const prefixes = tags.filter((tag) => tag.endsWith('*')).map((tag) => memberOf(tag.slice(0, -1)));
      await redis.weirInvalidate(
        names.length,
        ...names,
        ...[longest, maxMarkers, maxPrefixes, this.#channel, JSON.stringify(tags), exact.length],
        ...exact,
        ...prefixes,
      );
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  /**
   * Reports invalidations by other gateways. On one connection, Redis sends published messages and replies in order. So
   * a reply proves that every invalidation before the command has arrived, if invalidations are made at this server:
   * therefore the command is a write, which a replica refuses, and a server that another one has replaced in a cluster.
   */
  readonly follow: InvalidationFeed = (follower) => {
    const { server, proofInterval } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const prove = (redis: Redis): void => {
      const sentAt = performance.now();
      redis.zrem(this.#nothing, '').then(
        () => {
          follower.proven(sentAt);
          timer = setTimeout(() => prove(redis), proofInterval).unref();
        },
        () => leave(redis),
      );
    };
    const connection = new RedisConnection({
      server,
      key: this.#nothing,
      onOpen: (redis) => {
        redis.on('message', (_channel: string, message: string) => hand(follower, message));
        redis.subscribe(this.#channel).then(
          () => {
            follower.missed();
            prove(redis);
          },
          () => leave(redis),
        );
      },
      onEnd: () => clearTimeout(timer),
    });
    connection.start();
    return () => {
      clearTimeout(timer);
      connection.close();
      return Promise.resolve();
    };
  };

  get #channel(): string {
    return `${this.#options.prefix}:invalidated`;
  }

  /** A key that does not exist, where the others are. */
  get #nothing(): string {
    return `${this.#base}:nothing`;
  }

  /** Braces make it the hash tag of all keys. */
  get #base(): string {
    return `{${this.#options.prefix}}`;
  }

  #keys(run: string, keys: readonly string[]): string[] {
    const base = `${this.#base}:${run}`;
    return [`${base}:clock`, `${base}:prefixes`, ...keys.map((key) => `${base}:entry:${key}`)];
  }

  async #run<Result>(command: (redis: ScriptedRedis, run: string) => Promise<Result>): Promise<Result> {
    try {
      // Nobody waits for a connection but for the first one.
      if (this.#open === undefined && this.#connection.lastError === undefined)
        await this.#connection.ready();
      if (this.#open === undefined) throw this.#connection.lastError!;
      const { redis, run } = this.#open;
      return await command(redis, await run);
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

function runOf(info: string): string {
  const run = /^run_id:(\w+)/m.exec(info)?.[1];
  if (run === undefined) throw new Error('The server reports no run_id.');
  return run.slice(0, 12);
}

/** The name of a tag among the markers. NUL separates tags, so a NUL in a tag is replaced. */
function memberOf(tag: string): string {
  return `=${tag.replaceAll('\0', '\ufffd')}`;
}

type EntryRow = [value: Buffer, tags: Buffer, storedAt: Buffer, freshUntil: Buffer, keptUntil: Buffer, 0 | 1];

function readEntry(fields: EntryRow | null): CacheHit | undefined {
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

function hand(follower: InvalidationListener, message: string): void {
  try {
    follower.invalidated(JSON.parse(message) as string[]);
  } catch {
    // An unreadable message on the channel may have been an invalidation.
    follower.missed();
  }
}
