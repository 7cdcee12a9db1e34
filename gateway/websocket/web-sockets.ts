import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type * as GraphqlWs from 'graphql-ws';
import type { WebSocket } from 'ws';
import { networkOf } from '../admission/rates/rates';
import type { Logger } from '../telemetry/logger';
import type { WebSocketStatistics } from '../telemetry/statistics/web-socket-statistics';
import { Appsync } from './appsync-server';
import type { WebSocketConnection } from './connection';
import type * as Connections from './connection';
import { ConnectionsByIdentity } from './connections-by-identity';
import { ConnectionsByNetwork } from './connections-by-network';
import type * as TransportWs from './graphql-transport-ws-server';
import {
  APPSYNC_PROTOCOL,
  hasDifferentHeaderObjects,
  headerObjectOf,
  urlWithoutHeaderObject,
} from './header-object';
import { GOING_AWAY, TRY_AGAIN_LATER } from './protocol';
import type { ConnectionSteps } from './steps';

export interface WebSocketsOptions {
  /** What the options in force do. */
  readonly current: () => ConnectionSteps;
  readonly statistics: WebSocketStatistics;
  readonly logger: Pick<Logger, 'warn'>;
}

/** The WebSocket connections of a process. They outlive a change of the options. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  /** Those that are not being closed, the oldest first. */
  readonly #all = new Set<WebSocketConnection>();
  readonly #byNetwork = new ConnectionsByNetwork<WebSocketConnection>();
  readonly #identities = new ConnectionsByIdentity();
  readonly #timer: NodeJS.Timeout;
  /** Undefined before the first connection. */
  #modules: ReturnType<typeof loadModules> | undefined;
  #isStopping = false;

  constructor(options: WebSocketsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  /**
   * Takes a request to change the protocol, of which path and method are right. What else is wrong is reported with the close
   * of the connection: pages do not see why a handshake fails.
   */
  upgrade(message: IncomingMessage, socket: Socket, head: Buffer): void {
    const { current } = this.#options;
    const { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, GraphqlTransportWs } = (this.#modules ??=
      loadModules());
    const { server, addressOf, headersOfPage } = current();
    const address = addressOf(message);
    server().handleUpgrade(message, socket, head, (webSocket) => {
      const { protocol } = webSocket;
      const header = protocol === APPSYNC_PROTOCOL ? headerObjectOf(message) : undefined;
      const isSpoken = protocol === GRAPHQL_TRANSPORT_WS_PROTOCOL || header !== undefined;
      const connection = this.#open(webSocket, socket, { address, protocol: isSpoken ? protocol : 'other' });
      const own = headersOfPage(message.headers);
      const refusal = own === undefined ? `Pages of ${message.headers.origin} may not connect.` : undefined;
      const { 'sec-websocket-protocol': _offered, ...kept } = own ?? {};
      const handshake = { url: urlWithoutHeaderObject(message), headers: kept, address };
      const options = { connection, handshake, current, identities: this.#identities };
      if (this.#isStopping) connection.close(GOING_AWAY, 'The gateway is shutting down.');
      else if (!isSpoken)
        connection.close(
          CloseCode.SubprotocolNotAcceptable,
          `The sub-protocol must be ${GRAPHQL_TRANSPORT_WS_PROTOCOL}${protocol === '' ? '.' : `, not ${protocol}.`}`,
        );
      else if (header !== undefined)
        connection.protocol = new Appsync({
          ...{ ...options, header },
          refusal: refusal ?? (hasDifferentHeaderObjects(message) ? twoHeaderObjects : undefined),
        });
      else if (refusal !== undefined) connection.close(CloseCode.BadRequest, refusal);
      else connection.protocol = new GraphqlTransportWs(options);
      this.#makeRoom(connection);
    });
  }

  #open(
    webSocket: WebSocket,
    socket: Socket,
    { address, protocol }: { readonly address: string; readonly protocol: string },
  ): WebSocketConnection {
    const { statistics } = this.#options;
    statistics.connections.add(1, { protocol });
    const { WebSocketConnection } = this.#modules!;
    const connection = new WebSocketConnection({
      ...{ webSocket, socket, network: networkOf(address) },
      onClosing: (closing, code) => {
        this.#forget(closing);
        statistics.closes.add(1, { code });
      },
      onEnd: (ended) => {
        this.#forget(ended);
        statistics.connections.add(-1, { protocol });
      },
    });
    this.#all.add(connection);
    this.#byNetwork.add(connection);
    return connection;
  }

  #forget(connection: WebSocketConnection): void {
    this.#all.delete(connection);
    this.#byNetwork.delete(connection);
  }

  /** Has the clients come back elsewhere, not all of them at once. */
  async goAway(milliseconds: number): Promise<void> {
    this.#isStopping = true;
    const all = [...this.#all];
    const start = performance.now();
    for (const [i, connection] of all.entries()) {
      const early = (milliseconds * i) / all.length - (performance.now() - start);
      if (early > 1) await pause(early, undefined, { ref: false });
      connection.protocol?.operations.goAway();
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Closes the newest connection of the network with the most if there are too many. */
  #makeRoom(newest: WebSocketConnection): void {
    const { connections } = this.#options.current().options.subscriptions;
    if (this.#all.size <= connections) return;
    const excess = this.#byNetwork.newestOfMost(newest);
    excess?.close(TRY_AGAIN_LATER, 'There are too many connections at this moment.');
  }

  #look(): void {
    const { subscriptions, timeouts, overload } = this.#options.current().options;
    const now = performance.now();
    for (const connection of this.#all) connection.look(now, subscriptions.heartbeat, timeouts.request);
    this.#bound(overload.unsent, ({ arriving }) => arriving, 'clients do not finish their messages');
    this.#bound(overload.unread, ({ unread }) => unread, 'clients do not read their messages');
  }

  /** Cuts connections, those with the most bytes first, until all together have at most as many as `limit`. */
  #bound(limit: number, bytesOf: (connection: WebSocketConnection) => number, why: string): void {
    let bytes = 0;
    for (const connection of this.#all) bytes += bytesOf(connection);
    if (bytes <= limit) return;
    let cut = 0;
    for (const connection of [...this.#all].sort((one, other) => bytesOf(other) - bytesOf(one))) {
      if (bytes <= limit) break;
      bytes -= bytesOf(connection);
      connection.destroy();
      cut++;
    }
    this.#options.logger.warn({ connections: cut }, `${why}: connections were cut`);
  }
}

/** Loaded with the first connection, as most gateways have none. */
const loadModules = () => {
  const { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL } = require('graphql-ws') as typeof GraphqlWs;
  const { GraphqlTransportWs } = require('./graphql-transport-ws-server') as typeof TransportWs;
  const { WebSocketConnection } = require('./connection') as typeof Connections;
  return { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, GraphqlTransportWs, WebSocketConnection };
};

const twoHeaderObjects = 'The handshake has two header objects that differ.';

/** Milliseconds. */
const lookInterval = 1000;
