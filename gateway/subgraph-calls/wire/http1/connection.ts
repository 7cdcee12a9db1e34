import type { Socket } from 'node:net';
import { failureOf } from '../network-failure';
import type { TransportFailure } from '../../contract/transport';
import type { AnswerHead, KnownLines } from './answer-head';
import { AnswerParser } from './answer-parser';
import type { MisreadReason } from './refusals';

/** A call over HTTP/1.1. One of `onAnswer`, `onFailure` and `onRefused` is called, once. */
export interface Http1Call {
  /** The request, head and body. */
  readonly message: Buffer;
  /** The largest body of a response, in bytes. */
  readonly maxBody: number;
  /** Whether nobody waits for it any more. */
  readonly isSettled: boolean;
  /** Where it is in flight; undefined while it waits. */
  connection: Http1Connection | undefined;
  /**
   * Called after each piece but the last of a response.
   *
   * @param taken bytes of memory that hold what has come of its body
   * @param announced bytes of its body, as its head announces them; 0 if it announces none
   */
  onPiece(taken: number, announced: number): void;
  /** @param head is read at once: it is overwritten by the next one */
  onAnswer(head: Pick<AnswerHead, 'status' | 'headers'>, body: Buffer): void;
  onFailure(failure: TransportFailure, cause?: Error): void;
  /** The response is not one that this client understands: another client may send the call again. */
  onRefused(): void;
}

/** Whose connection it is. */
interface ConnectionOwner {
  readonly known: KnownLines;
  /** It may have another call, from the next turn of the event loop on. */
  onIdle(connection: Http1Connection): void;
  /** It had a response that was not understood, or bytes that belong to none. */
  onRefused(refusal: MisreadReason): void;
  onClosed(connection: Http1Connection): void;
}

/** A connection with one call in flight at most. */
export class Http1Connection {
  /** Until when it may be used, in milliseconds of `performance.now()`, while it is idle. */
  expires = 0;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: AnswerParser;
  #call: Http1Call | undefined;
  #error: Error | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#parser = new AnswerParser(owner.known);
    (socket as OwnedSocket)[ownConnection] = this;
    // What waits for a call keeps the process running.
    socket.unref();
    socket.on('error', (error) => (this.#error = error));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
    // Of a tunnel, which was not opened with `readInto`.
    socket.on('data', (piece: Buffer) => this.onBytes(piece, piece.length));
  }

  /** How long the subgraph keeps the connection open by its `Keep-Alive`, in milliseconds. */
  get keepAlive(): number {
    return this.#parser.head.keepAlive;
  }

  isUsable(now: number): boolean {
    return now < this.expires && !this.#socket.destroyed;
  }

  send(call: Http1Call): void {
    this.#call = call;
    call.connection = this;
    this.#parser.maxBody = call.maxBody;
    this.#socket.write(call.message);
  }

  /** Reads no further, so that no more is sent. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes it. A call in flight fails, unless it is settled. */
  close(): void {
    this.#socket.destroy();
  }

  onBytes(bytes: Buffer, size: number): void {
    const call = this.#call;
    if (call === undefined) {
      // No call is open: the next one would get it as its answer. What comes behind the last answer is not read.
      if (!this.#socket.destroyed) this.#owner.onRefused('excess');
      this.close();
      return;
    }
    const progress = this.#parser.read(bytes, size);
    if (progress === 'more') {
      call.onPiece(this.#parser.taken, this.#parser.announced);
      return;
    }
    this.#call = undefined;
    call.connection = undefined;
    const { head } = this.#parser;
    const body = this.#parser.takeBody();
    // A response that comes before its request is sent would leave the rest of that on the connection.
    if (progress === 'complete' && head.isReusable && this.#socket.writableLength === 0)
      this.#owner.onIdle(this);
    else this.close();
    switch (progress) {
      case 'complete':
        call.onAnswer(head, body);
        break;
      case 'too-large':
        call.onFailure('too-large');
        break;
      default:
        this.#owner.onRefused(progress);
        call.onRefused();
    }
  }

  #closed(): void {
    const call = this.#call;
    this.#call = undefined;
    this.#owner.onClosed(this);
    if (call === undefined) return;
    call.connection = undefined;
    // A connection that is ended in good order has no error.
    const error =
      this.#error ?? Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' });
    call.onFailure(failureOf(error), error);
  }
}

const ownConnection = Symbol('connection');
type OwnedSocket = Socket & { [ownConnection]?: Http1Connection };

/** One buffer for all sockets: a connection copies what it keeps before it returns, and then the next one may read. */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/** The `onread` of a socket that an `Http1Connection` is made of. Saves the memory that a stream takes for each read. */
export const readInto = {
  buffer: shared,
  callback(this: OwnedSocket, size: number): boolean {
    const connection = this[ownConnection];
    if (connection === undefined) this.destroy();
    else connection.onBytes(shared, size);
    return true;
  },
};
