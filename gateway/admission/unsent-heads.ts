import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { answerLate, awaitsHead } from '../http/connection-errors';
import { maxHandshakeSize } from '../http/header-limits';
import type { Logger } from '../telemetry/logger';
import { networkOf } from './rates/rates';
import { tooMuch, type MemoryHolder } from './unsent-requests';

export interface UnsentHeadsOptions {
  /** Of HTTP/1.1, perhaps beside HTTP/2, which bounds heads itself. */
  readonly server: Server;
  /** The most bytes of heads that may be arriving. */
  readonly limit: () => number;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not finish the heads of their requests from filling the memory until `headersTimeout` ends them: a
 * head may have 64 KiB, and takes about as much memory as it has bytes. When all together have too many, answers just
 * enough of them with 408: from the network that sends most, largest first. A head that comes while the request before it
 * on the connection is answered does not count: those requests are bounded.
 */
export class UnsentHeads {
  readonly #options: UnsentHeadsOptions;
  readonly #heads = new Map<Socket, UnsentHead>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: UnsentHeadsOptions) {
    this.#options = options;
    for (const event of ['connection', 'secureConnection'])
      options.server.on(event, (socket: Socket) => this.#follow(socket));
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** To be called when a connection has another protocol: no head comes over it any more. */
  forget(socket: Socket): void {
    this.#heads.delete(socket);
  }

  #follow(socket: Socket): void {
    this.#heads.set(socket, new UnsentHead(socket));
    socket.once('close', () => this.#heads.delete(socket));
  }

  #look(): void {
    const { limit, logger } = this.#options;
    const most = limit();
    // So few cannot be too much.
    if (this.#heads.size * maxHandshakeSize <= most) return;
    for (const head of this.#heads.values()) head.look();
    const given = tooMuch([...this.#heads.values()], most, ({ kept }) => kept);
    for (const { socket } of given) answerLate(socket);
    if (given.size > 0)
      logger.warn(
        { connections: given.size },
        'clients do not finish their headers: connections were closed',
      );
  }
}

/** Milliseconds between two checks. */
const lookInterval = 100;

/** The head that is arriving on a connection. */
class UnsentHead implements MemoryHolder {
  readonly sender: string;
  readonly start = performance.now();
  kept = 0;
  /** Bytes that had come, and had been sent, when no head was arriving for all that is known. */
  #readBefore = 0;
  #written = 0;

  constructor(readonly socket: Socket) {
    this.sender = networkOf(socket.remoteAddress ?? '');
  }

  look(): void {
    const { bytesRead, bytesWritten } = this.socket;
    // Each request has an answer, so that none has come where nothing was sent.
    if (!awaitsHead(this.socket) || bytesWritten !== this.#written) {
      this.#written = bytesWritten;
      this.#readBefore = bytesRead;
    }
    this.kept = bytesRead - this.#readBefore;
  }
}
