import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { failureOf } from '../network-failure';
import type { KnownLines } from './answer-head';
import { type Http1Call, Http1Connection } from './connection';
import { type MisreadReason, refusals } from './refusals';

export interface Http1PoolOptions {
  readonly url: URL;
  /** Opens a connection, with `readInto`. */
  readonly connect: buildConnector.connector;
  /** The most connections; further calls wait. */
  readonly max: number;
  /** Milliseconds that an idle connection is kept open, unless the subgraph names a shorter time. */
  readonly keepAlive: number;
  /** @default none */
  readonly onPause?: OnPause | undefined;
}

/** The pool is not used for a while, as a response was not understood. */
export type OnPause = (refusal: MisreadReason, pause: Pause) => void;

interface Pause {
  /** What the response is or has: continues a sentence that begins with "the response". */
  readonly response: string;
  readonly seconds: number;
}

/**
 * Sends calls to one origin by HTTP/1.1, and nothing beyond what its `AnswerParser` understands: for calls that may be sent
 * again, by another client. After a response that it does not understand it is not used for a minute; after the next one
 * for two minutes, and so on up to an hour.
 *
 * Calls of one turn of the event loop are sent at its end. A connection gets no call in the turn in which its last response
 * came: what else its subgraph has sent by then is found before, and would be taken for the answer to the call.
 */
export class Http1Pool {
  readonly known: KnownLines = [];
  readonly #connect: buildConnector.connector;
  readonly #origin: buildConnector.Options;
  readonly #max: number;
  readonly #keepAlive: number;
  readonly #onPause: OnPause | undefined;
  readonly #open = new Set<Http1Connection>();
  /** Those without a call, the last used one at the end. */
  readonly #idle: Http1Connection[] = [];
  /** Those whose last response came in this turn. */
  readonly #answered: Http1Connection[] = [];
  #waiting: Http1Call[] = [];
  #opening = 0;
  #isScheduled = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #unusedUntil = 0;
  #pause = 60_000;

  constructor({ url, connect, max, keepAlive, onPause }: Http1PoolOptions) {
    const { protocol, hostname, host, port } = url;
    this.#origin = { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), host, port };
    this.#connect = connect;
    this.#max = max;
    this.#keepAlive = keepAlive;
    this.#onPause = onPause;
  }

  /** Whether calls are to be sent here. */
  get isUsed(): boolean {
    return this.#unusedUntil === 0 || performance.now() >= this.#unusedUntil;
  }

  send(call: Http1Call): void {
    if (this.#state === 'closed') {
      call.onFailure('closed');
      return;
    }
    this.#waiting.push(call);
    this.#schedule();
  }

  /** A call was given up that waits for a connection. */
  onGivenUp(): void {
    this.#schedule();
  }

  /** No call follows: closes each connection when its call is over. */
  close(): void {
    if (this.#state === 'open') this.#state = 'closing';
    this.#schedule();
  }

  /** Closes all connections. Calls fail with `closed`. */
  destroy(): void {
    this.#state = 'closed';
    clearTimeout(this.#idleTimer);
    for (const connection of this.#open) connection.close();
    for (const call of this.#waiting.splice(0)) call.onFailure('closed');
  }

  onIdle(connection: Http1Connection): void {
    const keepAlive = Math.min(this.#keepAlive, connection.keepAlive - closesEarlier);
    if (keepAlive <= 0 || !this.isUsed) {
      connection.close();
      return;
    }
    connection.expires = performance.now() + keepAlive;
    this.#answered.push(connection);
    this.#schedule();
  }

  onRefused(refusal: MisreadReason): void {
    const now = performance.now();
    if (now < this.#unusedUntil) return;
    this.#unusedUntil = now + this.#pause;
    this.#onPause?.(refusal, { response: refusals[refusal], seconds: this.#pause / 1000 });
    this.#pause = Math.min(2 * this.#pause, longestPause);
    for (const connection of this.#idle) connection.close();
    for (const call of this.#waiting.splice(0)) if (!call.isSettled) call.onRefused();
  }

  onClosed(connection: Http1Connection): void {
    this.#open.delete(connection);
    for (const list of [this.#idle, this.#answered]) {
      const at = list.indexOf(connection);
      if (at >= 0) list.splice(at, 1);
    }
    if (this.#waiting.length > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#sendWaiting();
    });
  }

  #sendWaiting(): void {
    const now = performance.now();
    const calls = this.#waiting.filter(({ isSettled }) => !isSettled);
    let sent = 0;
    while (sent < calls.length && this.#idle.length > 0) {
      const connection = this.#idle.pop()!;
      if (connection.isUsable(now)) connection.send(calls[sent++]!);
      else connection.close();
    }
    this.#waiting = sent === 0 ? calls : calls.slice(sent);
    this.#idle.push(...this.#answered.splice(0));
    if (this.#state !== 'open' && this.#waiting.length === 0) for (const each of this.#idle) each.close();
    if (this.#waiting.length === 0) this.#closeUnused();
    else if (this.#idle.length > 0) this.#schedule();
    else this.#openMore();
  }

  #openMore(): void {
    for (let wanted = this.#waiting.length - this.#opening; wanted > 0; wanted--) {
      if (this.#open.size + this.#opening >= this.#max) return;
      this.#opening++;
      this.#connect(this.#origin, (...[error, socket]) => {
        this.#opening--;
        if (error === null) this.#opened(socket);
        else this.#notOpened(error);
      });
    }
  }

  #opened(socket: Socket): void {
    const connection = new Http1Connection(socket, this);
    connection.expires = performance.now() + this.#keepAlive;
    this.#open.add(connection);
    if (this.#state === 'closed') connection.close();
    else this.#idle.push(connection);
    this.#schedule();
  }

  /** Each attempt fails one call, so that the others may have another one. */
  #notOpened(error: Error): void {
    const first = this.#waiting.findIndex(({ isSettled }) => !isSettled);
    if (first >= 0) this.#waiting.splice(first, 1)[0]!.onFailure(failureOf(error), error);
    this.#schedule();
  }

  /** One timer for all connections, as they become idle thousands of times a second. */
  #closeUnused(): void {
    if (this.#idleTimer !== undefined || this.#idle.length === 0) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      const now = performance.now();
      for (const each of this.#idle) if (!each.isUsable(now)) each.close();
      this.#closeUnused();
    }, this.#keepAlive).unref();
  }
}

/** How much sooner than the subgraph the gateway closes a connection, in milliseconds: a call may be on its way meanwhile. */
const closesEarlier = 2000;

/** The longest time for which a pool is not used, in milliseconds. */
const longestPause = 3_600_000;
