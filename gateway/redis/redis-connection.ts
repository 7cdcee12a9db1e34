import type { Redis } from 'ioredis';
import { leave, type OpenRedis, type RedisServer } from './open-redis';

export interface RedisConnectionOptions extends Pick<OpenRedis, 'key' | 'scripts'> {
  readonly server: RedisServer;
  /** Called with each connection when it is open. */
  readonly onOpen?: (redis: Redis) => void;
  /** Called when it has ended. */
  readonly onEnd?: () => void;
}

/**
 * A connection to a Redis or Valkey that is opened again whenever it ends, also to another server. A process has up to
 * four of them, which cannot be shared:
 *
 * - the cache store's commands (`RedisStore`);
 * - invalidations by other gateways (`RedisStore.follow`), which must not wait behind large entries;
 * - what consoles share (`openSharedStore`), which must not delay the cache;
 * - counts of rates (`SharedCounts`), which must not wait behind large entries, and are used without a cache, too.
 */
export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  readonly #closing = new AbortController();
  #state: ConnectionState = { kind: 'idle' };
  /** How many attempts there were since a connection lasted. */
  #attempts = 0;
  #lastError: Error | undefined;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
  }

  /** Why there was no connection the last time that there was none. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** The connection if there is one, or when the attempt in progress has made one. Rejects if there is none. */
  async ready(): Promise<Redis> {
    switch (this.#state.kind) {
      case 'idle':
        return this.#connect();
      case 'opening':
        return this.#state.opening;
      case 'open':
        return this.#state.redis;
      case 'waiting':
        throw this.#lastError!;
      case 'closed':
        throw new Error('The connection is closed.');
    }
  }

  /** Opens it, and keeps it open. */
  start(): void {
    // Attempts go on.
    this.ready().catch(() => undefined);
  }

  close(): void {
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer);
    this.#state = { kind: 'closed' };
    this.#closing.abort();
  }

  #connect(): Promise<Redis> {
    const { server, key, scripts } = this.#options;
    const opening = server
      .open({ key, ...(scripts && { scripts }), signal: this.#closing.signal })
      .then((redis) => this.#keep(redis));
    this.#state = { kind: 'opening', opening };
    opening.catch((error: unknown) => this.#wait(error as Error));
    return opening;
  }

  #keep(redis: Redis): Redis {
    if (this.#state.kind === 'closed' || redis.status !== 'ready') {
      leave(redis);
      throw new Error('The connection is closed.');
    }
    const openedAt = performance.now();
    let reason = new Error('The connection has ended.');
    redis.on('error', (error: Error) => (reason = error));
    redis.once('end', () => {
      if (performance.now() - openedAt > lasting) this.#attempts = 0;
      this.#options.onEnd?.();
      this.#wait(reason);
    });
    this.#state = { kind: 'open', redis };
    this.#options.onOpen?.(redis);
    return redis;
  }

  #wait(error: Error): void {
    if (this.#state.kind === 'closed') return;
    this.#lastError = error;
    const pause = Math.min(50 * ++this.#attempts, 1_000);
    const timer = setTimeout(() => void this.#connect(), pause).unref();
    this.#state = { kind: 'waiting', timer };
  }
}

type ConnectionState =
  | { readonly kind: 'idle' | 'closed' }
  | { readonly kind: 'opening'; readonly opening: Promise<Redis> }
  | { readonly kind: 'open'; readonly redis: Redis }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout };

/** Milliseconds after which a connection counts as one that lasted. */
const lasting = 1_000;
