import type { OnReadOpts } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type * as Undici from 'undici';
import { type Lease, Leases } from '../../net/leases';
import { connectByProxies } from '../../net/outgoing';
import { readInto } from '../wire/http1/connection';
import { Http1Pool, type OnPause } from '../wire/http1/pool';
import { lookupSubgraph, lookUpAs } from './subgraph-url';
import { connectWithFiles, type TlsFiles } from '../../net/tls-files';
import { buildConnector, Pool } from '../../net/undici';

export interface SubgraphConnectionOptions {
  /**
   * The most connections of a subgraph to one origin. Further calls wait for a connection. Null: no limit.
   *
   * @default 256
   */
  readonly connections?: number | null | undefined;
  /**
   * Timeout for opening a connection, in milliseconds.
   *
   * @default 5000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long an idle connection is kept open, in milliseconds, unless the subgraph names a shorter time.
   *
   * @default 4000
   */
  readonly keepAlive?: number | undefined;
  /**
   * Offers HTTP/2 to subgraphs. No effect for `http:` URLs, where it cannot be negotiated.
   *
   * @default false
   */
  readonly http2?: boolean | undefined;
  /**
   * Sends what may be sent again by the client of `http1/`, over connections of its own. No effect where HTTP/2 is offered.
   *
   * @default false
   */
  readonly strict?: boolean | undefined;
  /**
   * Returns the function that is called when the strict client is not used for a while. Called once for each target.
   *
   * @default none
   */
  readonly watchStrict?: WatchStrict | undefined;
  /**
   * Certificates that are trusted in addition to the system's, in PEM.
   */
  readonly ca?: string | Buffer | (string | Buffer)[] | undefined;
}

/** An origin as one subgraph is connected to it. */
export interface ConnectionTarget {
  /**
   * The name of the subgraph. Subgraphs share no connections, as a subgraph that hangs would use up those of others with the
   * same origin.
   */
  readonly name: string;
  readonly url: URL;
  /** The IP address to connect to. @default those of the host of `url` */
  readonly address?: string | undefined;
  readonly tls?: TlsFiles | undefined;
}

export type WatchStrict = (target: Pick<ConnectionTarget, 'name' | 'url' | 'address'>) => OnPause;

/**
 * How connections to subgraphs are opened, whatever is spoken over them: with the same certificates and proxies, and never
 * to a refused address.
 */
export class SubgraphConnections {
  readonly #options: SubgraphConnectionOptions;
  /** What is ended closes when its last call is over. All may have been destroyed before. */
  readonly #pools = new Leases<Undici.Pool>((pool) => {
    if (!pool.destroyed) void pool.close();
  });
  readonly #strictPools = new Leases<Http1Pool>((pool) => pool.close());

  constructor(options: SubgraphConnectionOptions) {
    this.#options = options;
  }

  /** The connections for HTTP requests. One pool for equal targets. */
  pool(target: ConnectionTarget): Lease<Undici.Pool> {
    return this.#pools.take(keyOf(target), () => this.ownPool(target));
  }

  /** Further connections for HTTP requests, by the strict client. Undefined if it is not used for the target. */
  strictPool(target: ConnectionTarget): Lease<Http1Pool> | undefined {
    const { url } = target;
    const {
      connections = mostConnections,
      keepAlive = 4000,
      strict = false,
      http2 = false,
      watchStrict,
    } = this.#options;
    if (!strict || (http2 && url.protocol === 'https:')) return undefined;
    return this.#strictPools.take(keyOf(target), () => {
      const connect = this.connector(target, { http2: false, onread: readInto });
      const onPause = watchStrict?.(target);
      return new Http1Pool({ url, connect, max: connections ?? Infinity, keepAlive, onPause });
    });
  }

  /** Connections for HTTP requests that nobody else gets. `close` does not end them: the caller does. */
  ownPool(target: ConnectionTarget): Undici.Pool {
    const { connections = mostConnections, keepAlive = 4000, http2 = false } = this.#options;
    return new Pool(target.url.origin, {
      connections,
      keepAliveTimeout: keepAlive,
      // Each call has its own timeout.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: http2,
      connect: this.connector(target, { http2 }),
    });
  }

  /** Opens single connections. @param onread what is done with the bytes that come, other than by events */
  connector(
    { url, address, tls }: ConnectionTarget,
    { http2, onread }: { readonly http2: boolean; readonly onread?: OnReadOpts },
  ): Undici.buildConnector.connector {
    const { connectTimeout = 5000, ca } = this.#options;
    const lookup = address === undefined ? lookupSubgraph : lookUpAs(address);
    const settings = { timeout: connectTimeout, lookup, allowH2: http2, ...(onread && { onread }) };
    const hasOwnTrust = ca !== undefined && url.protocol === 'https:';
    const connect =
      tls === undefined
        ? buildConnector({ ...settings, ...(hasOwnTrust && { secureContext: trusting(ca) }) })
        : connectWithFiles(tls, settings);
    return connectByProxies(connect, connectTimeout, address);
  }

  async close(): Promise<void> {
    for (const pool of this.#strictPools.values) pool.destroy();
    await Promise.all(this.#pools.values.map((pool) => pool.destroy()));
  }
}

let latest: { readonly certificates: string; readonly context: SecureContext } | undefined;

/** Reading the system's certificates takes 30 ms, and a reload of the options seldom changes the others. */
function trusting(ca: NonNullable<SubgraphConnectionOptions['ca']>): SecureContext {
  const certificates = [ca].flat().map(String);
  const joined = certificates.join('\n');
  if (latest?.certificates !== joined)
    latest = {
      certificates: joined,
      context: createSecureContext({ ca: [...rootCertificates, ...certificates] }),
    };
  return latest.context;
}

const mostConnections = 256;

const keyOf = ({ name, url, address, tls }: ConnectionTarget): string =>
  JSON.stringify([name, url.origin, address, tls]);
