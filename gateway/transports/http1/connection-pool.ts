import type { Connections, Exchange } from '../exchange';
import type { TransportFailure } from '../transport';
import { Connection, type ConnectionOwner, type Origin } from './connection';

/** How many connections open at a time: a burst of calls must not become a burst of handshakes. */
const maxOpening = 16;

/** The connections to one origin. The one that was used last is used next, so that the others can go. */
export class ConnectionPool implements Connections, ConnectionOwner {
  readonly #origin: Origin;
  readonly #maxConnections: number;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  #sweeper: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(origin: Origin, maxConnections: number) {
    this.#origin = origin;
    this.#maxConnections = maxConnections;
  }

  send(exchange: Exchange): void {
    if (this.#isClosed) {
      exchange.fail('closed');
      return;
    }
    const connection = this.#takeIdle();
    if (connection === undefined) {
      this.#waiting.push(exchange);
      this.#openForWaiting();
    } else {
      connection.start(exchange);
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const exchange of this.#waiting.splice(0)) exchange.fail('closed');
    for (const connection of this.#open) connection.abandon();
    return Promise.resolve();
  }

  onIdle(connection: Connection): void {
    const exchange = this.#nextWaiting();
    if (exchange !== undefined) {
      connection.start(exchange);
      this.#openForWaiting();
      return;
    }
    this.#idle.push(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), 1000).unref();
  }

  onClose(connection: Connection, failure: TransportFailure, cause: Error | undefined): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);

    const { exchange } = connection;
    if (connection.isOpening) {
      // It was opened for one that waits, and there is no telling which.
      this.#nextWaiting()?.fail(failure, cause);
    } else if (exchange !== undefined && !exchange.givenUp) {
      exchange.carrier = undefined;
      if (exchange.repeatable && connection.wasStale && !this.#isClosed) this.#waiting.unshift(exchange);
      else exchange.fail(failure, cause);
    }
    this.#openForWaiting();
  }

  #takeIdle(): Connection | undefined {
    const now = performance.now();
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (now < connection.idleUntil) return connection;
      connection.abandon();
    }
    return undefined;
  }

  #nextWaiting(): Exchange | undefined {
    let exchange = this.#waiting.shift();
    while (exchange?.givenUp) exchange = this.#waiting.shift();
    return exchange;
  }

  #openForWaiting(): void {
    if (this.#isClosed || this.#waiting.length === 0 || this.#open.size >= this.#maxConnections) return;
    let opening = 0;
    for (const connection of this.#open) if (connection.isOpening) opening++;
    const wanted = Math.min(this.#waiting.length, maxOpening);
    for (; opening < wanted && this.#open.size < this.#maxConnections; opening++) {
      this.#open.add(new Connection(this.#origin, this));
    }
  }

  #sweep(): void {
    const now = performance.now();
    while (this.#idle.length > 0 && now >= this.#idle[0]!.idleUntil) this.#idle.shift()!.abandon();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
