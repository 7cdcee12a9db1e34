import { isIP } from 'node:net';
import { Redis, type RedisOptions } from 'ioredis';
import { decoded } from '../options/urls';
import { awsCredentials, type GetCredentials } from '../net/aws-credentials';
import type { RedisSettings } from './settings';
import { type Trust, trusting } from './trust';
import { presign } from '../net/sigv4';

export interface OpenRedis {
  /** One of the keys that the connection is for, which in a cluster must all have the same hash tag. */
  readonly key: string;
  readonly scripts?: RedisOptions['scripts'];
  /** Ends the connection, or gives up opening it. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a server which does not close a connection is waited for. @default 2,000 */
  readonly disconnectTimeout?: number;
}

/**
 * A Redis or Valkey, as the options name it: one server, a primary whose name is given to another server when it fails,
 * or a cluster.
 *
 * A connection is to one server for as long as it lasts, also in a cluster, where it is the server that holds the key.
 * So what is known of the server, and the order of its messages and replies, hold for the whole connection. That is why
 * the cluster client of the library is not used: it sends a command to another server without a report.
 */
export class RedisServer {
  readonly #settings: typeof shared & { username?: string; db?: number };
  readonly #first: Node;
  readonly #trust: Trust | undefined;
  readonly #password: () => string | Promise<string>;
  readonly #renewEvery: number;
  /** Where the servers of the cluster are, as far as they are known; the first one is that of the URL. */
  #nodes: readonly Node[];
  /** Which of them is tried next. */
  #turn = 0;

  /**
   * @param path the name of the option that has the settings, for errors
   * @throws {OptionsError} if the file of certificates cannot be used
   */
  constructor(
    { url, ca, iam }: RedisSettings,
    path: readonly string[],
    { credentials, renewEvery = 3_600_000 }: IamSource = {},
  ) {
    const { protocol, hostname, port, username, password, pathname } = new URL(url);
    this.#first = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) };
    this.#nodes = [this.#first];
    this.#trust = protocol === 'rediss:' ? trusting(ca, [...path, 'ca']) : undefined;
    this.#renewEvery = iam === undefined ? Infinity : renewEvery;
    const own = decoded(password);
    this.#password = iam === undefined ? () => own : iamTokens(iam, credentials ?? awsCredentials());
    this.#settings = {
      ...shared,
      ...((iam !== undefined || username !== '' || password !== '') && {
        username: iam?.user ?? decoded(username),
      }),
      ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    };
  }

  /**
   * Opens a connection that does not reopen itself: it ends when the server leaves, and when it reports that the keys are
   * no longer its own. In a cluster one of the known servers is tried, each time another one if it does not answer.
   */
  async open({ key, ...options }: OpenRedis): Promise<Redis> {
    let node = this.#nodes[this.#turn % this.#nodes.length]!;
    try {
      for (let hops = 0; ; hops++) {
        const redis = await this.#connect(node, options);
        const [slots, found] = await Promise.allSettled([redis.cluster('SLOTS'), redis.exists(key)]);
        if (slots.status === 'fulfilled') this.#nodes = [this.#first, ...nodesOf(slots.value)];
        const error = found.status === 'rejected' ? (found.reason as Error) : undefined;
        if (error === undefined || !isElsewhere(error)) return redis;
        leave(redis);
        const moved = movedTo(error, node);
        if (moved === undefined) throw error;
        if (hops === mostHops) throw new Error(`The cluster names another server for ${key} each time.`);
        node = moved;
      }
    } catch (error) {
      this.#turn++;
      throw error;
    }
  }

  async #connect({ host, port }: Node, { signal, ...options }: Omit<OpenRedis, 'key'>): Promise<Redis> {
    const password = await this.#password();
    const secureContext = await this.#trust?.();
    signal?.throwIfAborted();
    // Certificates of a server that a cluster knows by its address are checked for the name in the URL.
    const name = [host, this.#first.host].find((each) => isIP(each) === 0);
    const redis = new Redis({
      ...this.#settings,
      ...(this.#settings.username !== undefined && { password }),
      ...{ host, port },
      ...(secureContext !== undefined && {
        tls: { secureContext, ...(name !== undefined && { servername: name }) },
      }),
      ...options,
    });
    let reason: Error | undefined;
    // Later ones get it from the commands that fail.
    redis.on('error', (error: Error) => {
      reason ??= error;
      ignoreErrorsOf(redis);
    });
    const onAbort = (): void => leave(redis);
    signal?.addEventListener('abort', onAbort);
    redis.once('end', () => signal?.removeEventListener('abort', onAbort));
    try {
      await redis.connect();
    } catch (error) {
      leave(redis);
      throw explained(reason ?? (error as Error), `${host}:${port}`, this.#trust !== undefined);
    }
    if (this.#renewEvery !== Infinity) this.#renew(redis);
    return redis;
  }

  /** AWS ends a connection with IAM 12 hours after its last token. */
  #renew(redis: Redis): void {
    const timer = setInterval(() => {
      Promise.resolve(this.#password())
        .then((password) => redis.auth(this.#settings.username!, password))
        // At worst the connection ends, and is opened again.
        .catch(() => undefined);
    }, this.#renewEvery).unref();
    redis.once('end', () => clearInterval(timer));
  }
}

export interface IamSource {
  /** @default as the AWS SDK finds them */
  readonly credentials?: GetCredentials;
  /** Milliseconds between two tokens of one connection. @default an hour */
  readonly renewEvery?: number;
}

/** Ends a connection, unless it has ended already: then ioredis would keep a timer for it. */
export function leave(redis: Redis): void {
  if (redis.status === 'end') return;
  ignoreErrorsOf(redis);
  redis.disconnect();
}

/**
 * ioredis listens for the first error of a socket only. TLS may have another one, as where a record that cannot be read
 * follows a certificate that is refused: unheard, it would end the process.
 */
function ignoreErrorsOf({ stream }: Redis): void {
  // There is none before the first attempt.
  (stream as typeof stream | undefined)?.on('error', () => undefined);
}

/** Milliseconds without an answer after which a connection counts as lost. Otherwise that would be noticed after minutes. */
export const silence = 2_000;

const shared = {
  lazyConnect: true,
  // Commands fail at once without a connection. The gateway continues without an answer.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  retryStrategy: () => null,
  // Ends the connection.
  reconnectOnError: isElsewhere,
  connectTimeout: 2_000,
  socketTimeout: silence,
} as const satisfies RedisOptions;

/**
 * Whether this error of a server means that it does not hold the keys, or no longer: it is a replica, another one holds
 * them, or the cluster has lost it.
 */
function isElsewhere({ message }: Error): boolean {
  return /^(MOVED|CLUSTERDOWN) |READONLY /.test(message);
}

interface Node {
  readonly host: string;
  readonly port: number;
}

const mostHops = 5;
/** The most servers of a cluster that are remembered. */
const mostNodes = 100;

/** Each range of slots: its first and last one, then its servers. A server that does not know its own name has none. */
function nodesOf(slots: unknown): Node[] {
  const found = new Map<string, Node>();
  for (const [, , ...servers] of slots as [number, number, ...[host: string | null, port: number][]][])
    for (const [host, port] of servers) if (host) found.set(`${host}:${port}`, { host, port });
  return [...found.values()].slice(0, mostNodes);
}

/** Where `MOVED SLOT HOST:PORT` points; without a host it is another port of the same one. */
function movedTo({ message }: Error, { host }: Node): Node | undefined {
  const [, name, port] = /^MOVED \d+ (.*):(\d+)$/.exec(message) ?? [];
  return port === undefined ? undefined : { host: name || host, port: Number(port) };
}

/** With the address, and with what to do where that is known. */
function explained(error: Error, address: string, isSecure: boolean): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const failure = (text: string): Error => new Error(text, { cause: error });
  const hint = isSecure
    ? 'If it does not speak TLS, it needs redis://.'
    : 'If it speaks TLS, it needs rediss://.';
  if (untrusted.has(code))
    return failure(
      `The certificate of ${address} is not trusted (${message}): if it is of an authority of your own, name that in \`ca\`.`,
    );
  switch (code || message) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return failure(`The certificate of ${address} is for another name. ${message}`);
    case 'ETIMEDOUT':
      return failure(`${address} did not answer in time. ${hint}`);
    case 'ECONNRESET':
    case 'Connection is closed.':
      return failure(`${address} closed the connection. ${hint}`);
    default:
      // If several addresses of a name were tried, the error has no message of its own.
      return failure(`${address} cannot be used: ${message || code}`);
  }
}

const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Makes the password of a connection to ElastiCache or MemoryDB with IAM authentication: a request to `connect` that is
 * signed by Signature Version 4, as a URL without its scheme. AWS takes it for 15 minutes, so each connection needs a
 * new one. Rejects if there are no credentials.
 */
export function iamTokens(
  { service, cache, user, region, serverless }: NonNullable<RedisSettings['iam']>,
  credentials: GetCredentials,
): () => Promise<string> {
  const sign = presign({ service, region, credentials });
  const query = {
    Action: 'connect',
    User: user,
    ...(serverless && { ResourceType: 'ServerlessCache' }),
  };
  // AWS keeps names of caches in lower case.
  const host = cache.toLowerCase();
  return async () => {
    const url = await sign(new URL(`http://${host}/?${String(new URLSearchParams(query))}`), validity);
    return url.href.slice('http://'.length);
  };
}

/** Seconds: the most that AWS allows. */
const validity = 900;
