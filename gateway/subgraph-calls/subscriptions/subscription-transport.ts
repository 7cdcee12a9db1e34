import { hash } from 'node:crypto';
import type { Pool } from 'undici';
import type { Meter } from '../../telemetry/metrics/meter';
import { type SubgraphConnectionOptions, SubgraphConnections } from '../endpoints/connections';
import { type Lease, Leases } from '../../net/leases';
import { PendingCalls } from '../sharing/pending-calls';
import type { Signer } from '../contract/signer';
import { parseSubgraphUrl } from '../endpoints/subgraph-url';
import type { TlsFiles } from '../../net/tls-files';
import type { SubgraphRequest } from '../contract/transport';
import { eventStreamFormat, multipartFormat } from './event-formats';
import type { EventBounds } from './event-queue';
import { openEventStream } from './event-stream';
import type { VerifyCallback } from '../signers/signed-callback';
import { appSyncRealTime } from './appsync-real-time';
import { openByCallback } from './callback';
import type { Callbacks } from './callbacks';
import { ConnectionPacing, type PacingOptions } from './connection-pacing';
import { graphqlTransportWs } from './graphql-transport-ws-client';
import { type OpenEvents, resumeBroken } from './resume';
import { SocketPool } from './socket-pool';
import { subscriptionsTransportWs } from './subscriptions-transport-ws';

/**
 * What is spoken with a subgraph: over a WebSocket `graphql-transport-ws`, or what `subscriptions-transport-ws` speaks; over
 * HTTP event streams, Apollo's multipart protocol or callbacks; or the real-time protocol of AWS AppSync.
 */
export type SubscriptionProtocol = SharedProtocol | 'sse' | 'multipart' | 'callback';

/** Those whose WebSockets carry several subscriptions. */
type SharedProtocol = 'websocket' | 'subscriptions-transport-ws' | 'appsync';

/** How to subscribe at one endpoint of a subgraph. */
export interface SubscribedSubgraph {
  readonly name: string;
  /** An http, https, ws or wss URL. */
  readonly url: string;
  /** The IP address to connect to. @default those of the host of `url` */
  readonly address?: string | undefined;
  readonly protocol: SubscriptionProtocol;
  /** Where an AppSync API takes WebSockets: an http, https, ws or wss URL. @default as AppSync has it */
  readonly realTimeUrl?: string | undefined;
  /** Headers of every connection. A client header of the same name is not forwarded. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Signs every connection, or request. Client headers with the names of its headers are not forwarded. */
  readonly signer?: Signer | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Milliseconds that opening may take. @default 10000 */
  readonly timeout?: number | undefined;
  /** Bytes of the largest event. @default 33554432 (32 MiB) */
  readonly maxResponseSize?: number | undefined;
  /**
   * Milliseconds of silence after which a WebSocket is checked, or within which a subgraph calls back, or sends an event or
   * a comment over an event stream; 0: never.
   *
   * @default 30000
   */
  readonly heartbeat?: number | undefined;
  readonly bounds?: EventBounds | undefined;
  /** Checks its callbacks. @default undefined: they are not signed */
  readonly verifyCallback?: VerifyCallback | undefined;
  /** Differs where its signer, or what checks its callbacks, does. @default undefined: there is one of each */
  readonly connection?: string | undefined;
}

/** How the subscriptions of a subgraph outlive their connections. */
export interface ResumedSubgraph {
  readonly name: string;
  readonly protocol: SubscriptionProtocol;
  readonly signer?: Signer | undefined;
  /** Milliseconds that opening may take. @default 10000 */
  readonly timeout?: number | undefined;
  /** Milliseconds from a break until its subscriptions end; 0: they end at once. @default 30000 */
  readonly reconnect?: number | undefined;
}

export interface SubscriptionTransportOptions {
  readonly pacing?: PacingOptions | undefined;
  /** Where callbacks come. */
  readonly callbacks: Callbacks;
  readonly meter: Meter;
}

export type SubscriptionConnections = Omit<SubgraphConnectionOptions, 'connections'>;

/** What an engine subscribes by. Endpoints that are equal for several engines are shared, with all their connections. */
export interface SubscriptionLease {
  /** What opens subscriptions at one endpoint, and ends with its connection. @throws {RangeError} for a URL that must not be called */
  to(subgraph: SubscribedSubgraph): OpenEvents;
  /** Has the subscriptions of a subgraph opened again when they break. @param open at the best of its endpoints */
  resuming(subgraph: ResumedSubgraph, open: OpenEvents): OpenEvents;
  /** Closes those endpoints, and their subscriptions, that no other engine has. To be called once. */
  end(): void;
}

/** Opens subscriptions at subgraphs. One per process: connections outlive generations, and sets of options. */
export class SubscriptionTransport {
  readonly #options: SubscriptionTransportOptions;
  readonly #pending = new PendingCalls();
  /** Those with the same options share what they trust. They hold no connections: each endpoint has its own. */
  readonly #connections = new Leases<SubgraphConnections>(() => undefined);
  readonly #endpoints = new Leases<SubscriptionEndpoint>((endpoint) => endpoint.close());
  readonly #pacings = new Map<string, ConnectionPacing>();

  constructor(options: SubscriptionTransportOptions) {
    this.#options = options;
  }

  lease(options: SubscriptionConnections = {}): SubscriptionLease {
    const key = hash('sha256', JSON.stringify(options));
    // Each event stream has a connection as long as it lives.
    const connections = this.#connections.take(
      key,
      () => new SubgraphConnections({ ...options, connections: null }),
    );
    const endpoints: Lease<SubscriptionEndpoint>[] = [];
    return {
      to: (subgraph) => {
        const endpoint = this.#endpoints.take(`${key} ${endpointKey(subgraph)}`, () =>
          this.#open(subgraph, connections.value, options),
        );
        endpoints.push(endpoint);
        return endpoint.value.open;
      },
      resuming: (subgraph, open) => this.#resuming(subgraph, open),
      end: () => {
        for (const endpoint of endpoints) endpoint.end();
        connections.end();
      },
    };
  }

  #open(
    subgraph: SubscribedSubgraph,
    connections: SubgraphConnections,
    { keepAlive = 4_000 }: SubscriptionConnections,
  ): SubscriptionEndpoint {
    const { name, address, protocol, headers = {}, signer, tls } = subgraph;
    const {
      timeout = 10_000,
      maxResponseSize = 32 * 1024 * 1024,
      heartbeat = 30_000,
      bounds = {},
    } = subgraph;
    const urlOf = (text: string): URL => parseSubgraphUrl(name, text.replace(/^ws/i, 'http'));
    const url = urlOf(subgraph.url);
    const realTimeUrl = subgraph.realTimeUrl === undefined ? undefined : urlOf(subgraph.realTimeUrl);
    const { callbacks, meter } = this.#options;
    const dropped = meter.sum('weir.subgraph.events.dropped');
    const shared = {
      ...{ subgraph: name, timeout, maxResponseSize, bounds, pending: this.#pending },
      onDropped: (count: number) => dropped.add(count, { subgraph: name }),
    };
    const target = { name, url, address, tls };
    const request = { ...shared, url, headers, signer, heartbeat };
    switch (protocol) {
      case 'sse':
      case 'multipart': {
        const pool = connections.ownPool(target);
        const format = protocol === 'sse' ? eventStreamFormat : multipartFormat;
        return withPool(openEventStream({ ...request, pool, format }), pool);
      }
      case 'callback': {
        const { verifyCallback: verify } = subgraph;
        const pool = connections.ownPool(target);
        return withPool(openByCallback({ ...request, pool, callbacks, verify }), pool);
      }
      case 'websocket':
      case 'subscriptions-transport-ws':
      case 'appsync': {
        const open = meter.sum('weir.subgraph.connections');
        const dialect = dialects[protocol]({ url, realTimeUrl, headers, signer });
        const connect = connections.connector({ ...target, url: realTimeUrl ?? url }, { http2: false });
        return new SocketPool(
          { ...shared, heartbeat, keepAlive, dialect, connect },
          sharedKey(protocol, signer),
          (change) => open.add(change, { subgraph: name, protocol }),
        );
      }
    }
  }

  #resuming(subgraph: ResumedSubgraph, open: OpenEvents): OpenEvents {
    const { name, protocol, signer, timeout = 10_000, reconnect: patience = 30_000 } = subgraph;
    const breaks = this.#options.meter.sum('weir.subgraph.subscriptions.broken');
    let pacing = this.#pacings.get(name);
    if (pacing === undefined) this.#pacings.set(name, (pacing = new ConnectionPacing(this.#options.pacing)));
    // Others have a connection for each subscription.
    return resumeBroken(open, {
      ...{ subgraph: name, pacing, patience, timeout, pending: this.#pending },
      keyOf: isShared(protocol) ? sharedKey(protocol, signer) : () => undefined,
      onBreak: (result) => breaks.add(1, { subgraph: name, result }),
    });
  }

  /** Ends subscriptions and connections. */
  close(): void {
    this.#pending.close();
    for (const endpoint of this.#endpoints.values) endpoint.close();
  }
}

const dialects = {
  websocket: graphqlTransportWs,
  'subscriptions-transport-ws': subscriptionsTransportWs,
  appsync: appSyncRealTime,
} satisfies Record<SharedProtocol, unknown>;

const isShared = (protocol: SubscriptionProtocol): protocol is SharedProtocol => protocol in dialects;

/**
 * Equal for endpoints with the same connections. What signs and checks is equal where `connection` is. Callers hand over whole
 * subgraphs: their other options are no part of it.
 */
const endpointKey = ({
  name,
  url,
  address,
  realTimeUrl,
  protocol,
  headers,
  tls,
  timeout,
  maxResponseSize,
  heartbeat,
  bounds,
  connection,
}: SubscribedSubgraph): string =>
  JSON.stringify([
    ...[name, url, address, realTimeUrl, protocol, headers, tls, timeout, maxResponseSize, heartbeat, bounds],
    connection,
  ]);

/** Its connections end with it. */
const withPool = (endpoint: SubscriptionEndpoint, pool: Pool): SubscriptionEndpoint => ({
  open: endpoint.open,
  close: () => {
    endpoint.close();
    void pool.destroy();
  },
});

/**
 * What is equal for subscriptions that may share a WebSocket. Those that begin after a position have others than those that
 * begin anew, whose events would wait behind what is replayed. An AppSync API gets nothing of callers but their token, and
 * no position.
 */
const sharedKey =
  (protocol: SharedProtocol, signer: Signer | undefined) =>
  ({ caller: { scope }, after, variables }: SubgraphRequest): string => {
    if (protocol === 'appsync') return signer?.usesCaller === true ? scope : '';
    return after === undefined ? scope : `${scope} ${resumedIn(after, variables)}`;
  };

/** One of a few: so many that replays seldom wait for each other, and so few that a subgraph which returns gets no crowd. */
const resumedIn = (after: string, variables: Buffer): number =>
  parseInt(hash('sha256', `${after} ${variables.toString()}`).slice(0, 8), 16) % resumedConnections;

/** How many WebSockets those who share a scope have at most for what begins after a position. */
const resumedConnections = 8;

interface SubscriptionEndpoint {
  readonly open: OpenEvents;
  close(): void;
}
