import { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';

/**
 * A request whose body can be read in one piece. Node's stream takes five turns of its machinery to deliver a body of one
 * packet and its end.
 */
export class WholeRequest extends IncomingMessage {
  static {
    // So that Node lets go of a request as soon as it is answered. TypeScript takes it for a field.
    Object.defineProperty(this.prototype, 'readableEnded', {
      get(this: WholeRequest): boolean {
        return this.#state === 'done' || this.#hasBeenRead;
      },
    });
  }

  /** Bytes of the body that have come. */
  arrived = 0;
  #state: 'streamed' | 'held' | 'dropped' | 'done' = 'streamed';
  #take: ((body: Buffer) => void) | undefined;
  #missing = 0;
  #pieces: Buffer[] | undefined;
  #hasEnded = false;
  /** Whether no more is read off the connection. */
  #isStopped = false;
  /** Bytes that had been read off the connection when the first chunk came. */
  #readBefore: number | undefined;
  #isRefused = false;

  /** Keeps what comes of the body, until `takeBody`, `handOn` or `forget` is called. */
  hold(): void {
    this.#state = 'held';
  }

  /**
   * Calls `take` once when `size` bytes of the body have arrived. None of it can be read until `handOn` is called. A
   * client that leaves before has no answer to get.
   */
  takeBody(size: number, take: (body: Buffer) => void): void {
    this.#state = 'held';
    this.#missing = size - this.arrived;
    if (this.#missing > 0) this.#take = take;
    else take(this.#whole());
    this.#goOn();
  }

  /** Lets others read the body, from its beginning. */
  handOn(): void {
    this.#state = 'streamed';
    for (const piece of this.#pieces?.splice(0) ?? []) super.push(piece);
    if (this.#hasEnded) super.push(null);
    this.#goOn();
  }

  /** Whether more of its body is to come. For Node a request is complete after it has handed on the last of it. */
  get isArriving(): boolean {
    if (this.complete) return false;
    const { 'content-length': length, 'transfer-encoding': coding } = this.headers;
    return coding !== undefined || this.arrived < Number(length ?? 0);
  }

  /**
   * Called when nobody will read anything: the request is answered. One that is still arriving Node keeps, so that it can
   * be distinguished from one that is complete.
   */
  forget(): void {
    this.#state = this.isArriving ? 'dropped' : 'done';
    this.#pieces = undefined;
    this.#take = undefined;
    this.#goOn();
  }

  /** Node's parser hands on what has arrived with this; null at the end. */
  override push(piece: Buffer | null): boolean {
    if (this.#isRefused) return false;
    if (piece !== null) {
      this.arrived += piece.length;
      if (this.headers['transfer-encoding'] !== undefined && this.#isMostlyFraming()) {
        this.#refuse();
        return false;
      }
    }
    if (this.#state === 'streamed') return super.push(piece);
    if (piece === null) this.#hasEnded = true;
    else if (this.#state === 'held') return this.#hold(piece);
    return true;
  }

  /** Node wants to have what nobody has read off the connection: nothing is kept. */
  override resume(): this {
    return this.#state === 'done' || this.#state === 'dropped' ? this : super.resume();
  }

  get #hasBeenRead(): boolean {
    return Reflect.get<IncomingMessage, 'readableEnded'>(IncomingMessage.prototype, 'readableEnded', this);
  }

  /** @returns whether more may come */
  #hold(piece: Buffer): boolean {
    if (this.#pieces === undefined) this.#pieces = [piece];
    else this.#pieces.push(piece);
    const take = this.#take;
    if (take === undefined) {
      this.#isStopped = this.arrived > mostUnasked;
      return !this.#isStopped;
    }
    this.#missing -= piece.length;
    if (this.#missing > 0) return true;
    this.#take = undefined;
    take(this.#whole());
    return true;
  }

  #whole(): Buffer {
    const pieces = this.#pieces!;
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** What is read belongs to this body until all of it has come, but for what was read together with its end. */
  #isMostlyFraming(): boolean {
    const { bytesRead } = this.socket;
    this.#readBefore ??= bytesRead;
    return isMostlyFraming(bytesRead - this.#readBefore - this.arrived, this.arrived);
  }

  /** As Node does where its parser finds a fault. */
  #refuse(): void {
    this.forget();
    this.#isRefused = true;
    this.socket.emit('error', Object.assign(new Error('Too much framing.'), { code: tooMuchFraming }));
  }

  #goOn(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this._read(0);
  }
}

/**
 * Requests of which those alone change the protocol that `mayUpgrade` names. Node asks when the headers are there; else it
 * would take every request with an `Upgrade` header out of HTTP, such as one of a client that would like HTTP/2.
 */
export function upgradableRequests(mayUpgrade: (request: IncomingMessage) => boolean): typeof WholeRequest {
  class UpgradableRequest extends WholeRequest {
    static {
      // TypeScript takes it for a field.
      Object.defineProperty(this.prototype, 'upgrade', {
        get(this: UpgradableRequest): boolean {
          if (this[asksToUpgrade] !== true) return false;
          return (this[upgrades] ??= this.method === 'CONNECT' || mayUpgrade(this));
        },
        set(this: UpgradableRequest, asks: boolean | null) {
          this[asksToUpgrade] = asks;
        },
      });
    }

    declare [asksToUpgrade]: boolean | null;
    declare [upgrades]: boolean | undefined;
  }
  return UpgradableRequest;
}

/** The value of Node's parser. */
const asksToUpgrade = Symbol('asksToUpgrade');
/** As it was decided at Node's first call: it calls again when the connection may have another state. */
const upgrades = Symbol('upgrades');

/** Bytes of a body that are kept before it is read. */
const mostUnasked = 16 * 1024;

/**
 * Whether the chunks or frames of a body take far more bytes than what is in them: small ones cost time, and extensions of
 * chunks are dropped. What comes with one read of the connection may be more.
 */
export const isMostlyFraming = (framing: number, body: number): boolean => framing > body / 2 + mostFraming;

/** Bytes. */
const mostFraming = 128 * 1024;
/** What Node calls it where a single chunk has too long extensions. */
export const tooMuchFraming = 'HPE_CHUNK_EXTENSIONS_OVERFLOW';

/**
 * A response that can be sent in one piece with its head, or in chunks that are written in advance: Node need not check, join
 * and copy them.
 */
export class WholeResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  static {
    // Newer versions of Node know it only of what is sent with `end`. TypeScript takes it for a field.
    Object.defineProperty(this.prototype, 'writableFinished', {
      get(this: WholeResponse): boolean {
        return this.#isSent ?? this.#hasFinished;
      },
    });
  }

  /** Whether the system has taken all of it; undefined when it is not sent in one piece. */
  #isSent: boolean | undefined;

  get #hasFinished(): boolean {
    return Reflect.get<Writable, 'writableFinished'>(ServerResponse.prototype, 'writableFinished', this);
  }

  /** Whether it can: it is this response's turn on the connection, which stays open, and nothing is sent yet. */
  get takesMessage(): boolean {
    return this.socket?.writable === true && this.shouldKeepAlive && !this.headersSent && !this.writableEnded;
  }

  /**
   * Sends a whole response.
   *
   * @param message a text has a byte in each character
   * @returns whether the system has taken all of it already; otherwise its bytes must not be changed any more
   */
  sendMessage(status: number, message: Buffer | string): boolean {
    const socket = this.socket!;
    this.statusCode = status;
    // oxlint-disable-next-line typescript/no-deprecated -- what `writableEnded` reads
    this.finished = true;
    socket.write(message, 'latin1');
    this.#isSent = socket.writableLength === 0;
    if (this.#isSent) this.emit('finish');
    else
      socket.write(nothing, (error) => {
        if (error) return;
        this.#isSent = true;
        this.emit('finish');
      });
    return this.#isSent;
  }

  /** Whether it is sent in chunks, and those before have gone to the connection: then more of them can be sent. */
  get takesChunks(): boolean {
    return this.chunkedEncoding && this.socket !== null && !this.writableEnded;
  }

  /**
   * Sends chunks (RFC 9112, section 7.1) with their framing. Node would write each in four pieces. Call it after the first
   * `write`, which sends the head.
   *
   * @returns whether the connection has room for more; its `drain` says when it has again
   */
  sendChunks(chunks: Buffer): boolean {
    return this.socket!.write(chunks);
  }
}

const nothing = Buffer.alloc(0);

/** Milliseconds; longer than load balancers keep a connection, so that it is they who close it. */
export const keepAliveTimeout = 72_000;
