import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { networkOf } from '../admission/rates/rates';
import type { Logger } from '../telemetry/logger';
import type { WebSocketStatistics } from '../telemetry/statistics/web-socket-statistics';
import { Connection } from './connection';
import { GraphqlTransportWs } from './graphql-transport-ws';
import { GOING_AWAY, TRY_AGAIN_LATER } from './protocol';
import type { Steps } from './steps';

export interface WebSocketsOptions {
  /** What the options in force do. */
  readonly current: () => Steps;
  readonly statistics: WebSocketStatistics;
  readonly logger: Pick<Logger, 'warn'>;
}

/** The WebSocket connections of a process. They outlive a change of the options. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  /** Those that are not being closed, the oldest first. */
  readonly #open = new Set<Connection>();
  readonly #timer: NodeJS.Timeout;
  #isStopping = false;

  constructor(options: WebSocketsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Takes a request to change the protocol, of which path and method are right. What else is wrong is told with the close
   * of the connection: pages do not see why a handshake fails.
   */
  upgrade(message: IncomingMessage, socket: Socket, head: Buffer): void {
    const { current, statistics } = this.#options;
    const { server, addressOf, headersOfPage } = current();
    const address = addressOf(message);
    server.handleUpgrade(message, socket, head, (webSocket) => {
      const { protocol } = webSocket;
      const counted = { protocol: protocol === GRAPHQL_TRANSPORT_WS_PROTOCOL ? protocol : 'other' };
      statistics.connections.add(1, counted);
      const connection = new Connection({
        ...{ webSocket, socket, network: networkOf(address) },
        onClosing: (closing, code) => {
          this.#open.delete(closing);
          statistics.closes.add(1, { code });
        },
        onEnd: (ended) => {
          this.#open.delete(ended);
          statistics.connections.add(-1, counted);
        },
      });
      this.#open.add(connection);
      const headers = headersOfPage(message.headers);
      if (this.#isStopping) connection.close(GOING_AWAY, 'The gateway is shutting down.');
      else if (protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL)
        connection.close(
          CloseCode.SubprotocolNotAcceptable,
          `The sub-protocol must be ${GRAPHQL_TRANSPORT_WS_PROTOCOL}${protocol === '' ? '.' : `, not ${protocol}.`}`,
        );
      else if (headers === undefined)
        connection.close(CloseCode.BadRequest, `Pages of ${message.headers.origin} may not connect.`);
      else {
        const handshake = { url: message.url!, headers, address };
        connection.protocol = new GraphqlTransportWs({ connection, handshake, current });
        this.#makeRoom();
      }
    });
  }

  /** Has the clients come back elsewhere, not all of them at once. */
  async goAway(milliseconds: number): Promise<void> {
    this.#isStopping = true;
    const all = [...this.#open];
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
  #makeRoom(): void {
    const { connections } = this.#options.current().options.subscriptions;
    if (this.#open.size <= connections) return;
    const counts = new Map<string, number>();
    let most = { network: '', count: 0 };
    for (const { network } of this.#open) {
      const count = (counts.get(network) ?? 0) + 1;
      counts.set(network, count);
      if (count >= most.count) most = { network, count };
    }
    const newest = [...this.#open].findLast(({ network }) => network === most.network);
    newest?.close(TRY_AGAIN_LATER, 'There are too many connections at this moment.');
  }

  #look(): void {
    const { logger, current } = this.#options;
    const { subscriptions, timeouts, overload } = current().options;
    const now = performance.now();
    let arriving = 0;
    for (const connection of this.#open) {
      connection.look(now, subscriptions.heartbeat, timeouts.request);
      arriving += connection.arriving;
    }
    if (arriving <= overload.unsent) return;
    let cut = 0;
    for (const connection of [...this.#open].sort((one, other) => other.arriving - one.arriving)) {
      if (arriving <= overload.unsent) break;
      arriving -= connection.arriving;
      connection.destroy();
      cut++;
    }
    logger.warn({ connections: cut }, 'clients do not finish their messages: connections were cut');
  }
}

/** Milliseconds. */
const lookInterval = 1000;
