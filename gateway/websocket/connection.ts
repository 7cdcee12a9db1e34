import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ClientConnection } from '../request/sink';
import { POLICY_VIOLATION, type Protocol } from './protocol';
import { writeTextFrame } from './text-frame';

export interface WebSocketConnectionOptions {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  /** Of the client's address: those of one network share what a process has room for. */
  readonly network: string;
  /** Called when the gateway closes it, with the code. */
  readonly onClosing: (connection: WebSocketConnection, code: number) => void;
  /** Called when it is over. */
  readonly onEnd: (connection: WebSocketConnection) => void;
}

/** A client's WebSocket. `ws` reads it, and answers its pings and its close; messages are written here. */
export class WebSocketConnection implements ClientConnection {
  readonly socket: Socket;
  readonly network: string;
  protocol: Protocol | undefined;
  readonly #webSocket: WebSocket;
  readonly #onClosing: WebSocketConnectionOptions['onClosing'];
  /** When something came, or the client was pinged because nothing did; in milliseconds of `performance.now()`. */
  #seen = performance.now();
  #isPinged = false;
  /** Bytes that had come when the last message was complete, and those of pings and pongs since. */
  #readBefore: number;
  /** Since when the message that is arriving was seen to arrive. */
  #arrivingSince: number | undefined;
  #waiting: (() => void)[] | undefined;

  constructor({ webSocket, socket, network, onClosing, onEnd }: WebSocketConnectionOptions) {
    this.#webSocket = webSocket;
    this.socket = socket;
    this.network = network;
    this.#onClosing = onClosing;
    this.#readBefore = socket.bytesRead;
    webSocket.on('message', (data) => {
      this.#noteSeen();
      this.#readBefore = socket.bytesRead;
      // What comes while the connection is being closed has no answer.
      if (!this.isOpen) return;
      this.protocol?.receive(data as Buffer);
      this.#waitForReader();
    });
    // They may come between the pieces of a message (RFC 6455, section 5.4).
    const passOver = (data: Buffer): void => {
      this.#noteSeen();
      // What came with the message before it is counted already.
      this.#readBefore = Math.min(socket.bytesRead, this.#readBefore + controlFrameHead + data.length);
    };
    webSocket.on('ping', passOver);
    webSocket.on('pong', passOver);
    // `ws` reports what is wrong with a frame to the client by its close code.
    webSocket.on('error', () => undefined);
    webSocket.on('close', () => {
      this.protocol?.end();
      onEnd(this);
    });
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Bytes of a message that has not come to its end. */
  get arriving(): number {
    return this.socket.bytesRead - this.#readBefore;
  }

  /** Bytes that wait for a client that has no operation: those of operations `overload.unread` bounds with their requests. */
  get unread(): number {
    return (this.protocol?.operations.count ?? 0) === 0 ? this.socket.writableLength : 0;
  }

  /** Sends a whole message. Sends nothing once the connection is being closed. */
  send(message: string, onTaken?: (error?: Error | null) => void): void {
    if (this.isOpen) writeTextFrame(this.socket, Buffer.from(message), undefined, onTaken);
  }

  /**
   * Sends `head`, `body` and a closing brace as one message. Sends nothing once the connection is being closed.
   *
   * @param onTaken called when the system has taken all of it: until then the bytes of `body` must not change
   * @returns whether there is room for more; if not, wait for `room` first
   */
  sendJoined(head: Buffer, body: Buffer, onTaken?: () => void): boolean {
    if (this.isOpen) return writeTextFrame(this.socket, head, body, onTaken);
    onTaken?.();
    return true;
  }

  /** Resolves when there is room for more, or the connection is over. */
  room(): Promise<void> {
    const { socket } = this;
    if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#whenRead(resolve));
  }

  /** Closes it, with a reason that is cut to what a close frame has room for. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#onClosing(this, code);
    this.#webSocket.close(code, shortened(reason));
  }

  /**
   * To be called from time to time: pings a client of whom nothing has come for `heartbeat`, and cuts it when nothing
   * comes for as long again.
   *
   * @param heartbeat milliseconds; 0 for never
   * @param longestArrival milliseconds that a message may take to arrive
   */
  look(now: number, heartbeat: number, longestArrival: number): void {
    if (this.arriving === 0) this.#arrivingSince = undefined;
    else if (now - (this.#arrivingSince ??= now) > longestArrival)
      this.close(POLICY_VIOLATION, 'The message did not arrive in time.');
    this.protocol?.look?.(now);
    if (heartbeat === 0 || now - this.#seen < heartbeat) return;
    if (this.#isPinged) {
      this.destroy();
      return;
    }
    this.#isPinged = true;
    this.#seen = now;
    if (this.isOpen) this.#webSocket.ping();
  }

  #noteSeen(): void {
    this.#seen = performance.now();
    this.#isPinged = false;
  }

  /** Stops reading from a client that does not read its answers. */
  #waitForReader(): void {
    if (this.socket.writableLength < mostUnread || this.#webSocket.isPaused) return;
    this.#webSocket.pause();
    this.#whenRead(() => this.#webSocket.resume());
  }

  #whenRead(next: () => void): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(next);
      return;
    }
    const { socket } = this;
    const waiting = (this.#waiting = [next]);
    const goOn = (): void => {
      socket.off('drain', goOn).off('close', goOn);
      this.#waiting = undefined;
      for (const each of waiting) each();
    };
    socket.on('drain', goOn).on('close', goOn);
  }
}

/** Bytes of answers that may wait for a client that sends more operations. */
const mostUnread = 1024 * 1024;

/** Bytes of a client's ping or pong before what is in it: two, and the mask. */
const controlFrameHead = 6;

/** A close frame has room for 123 bytes (RFC 6455, section 5.5). */
function shortened(reason: string): string {
  if (Buffer.byteLength(reason) <= longestReason) return reason;
  const bytes = Buffer.from(reason).subarray(0, longestReason - Buffer.byteLength('…'));
  // A character that is cut in two becomes the replacement character.
  return `${bytes.toString().replace(/\uFFFD$/, '')}…`;
}

const longestReason = 123;
