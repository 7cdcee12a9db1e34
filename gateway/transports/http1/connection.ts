import net from 'node:net';
import tls from 'node:tls';
import type { Carrier, Exchange } from '../exchange';
import { lookupSubgraph } from '../subgraph-url';
import type { TransportFailure } from '../transport';
import { allocate } from './allocate';
import { ResponseParser } from './response-parser';

/** Where connections lead. */
export interface Origin {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly ca: string[] | undefined;
  readonly connectTimeout: number;
  /** In milliseconds. */
  readonly keepAlive: number;
  /** The last session of TLS, to be resumed. */
  session: Buffer | undefined;
}

/** Whom a connection belongs to. */
export interface ConnectionOwner {
  /** The connection is open and has nothing to do. */
  onIdle(connection: Connection): void;
  /** The connection has ended, perhaps with an exchange that it was to carry. */
  onClose(connection: Connection, failure: TransportFailure, cause: Error | undefined): void;
}

/** One connection: one exchange at a time. */
export class Connection implements Carrier {
  /** When it must not be used any more unless it was used before, in milliseconds of `performance.now()`. */
  idleUntil = 0;
  exchange: Exchange | undefined;
  readonly #origin: Origin;
  readonly #owner: ConnectionOwner;
  readonly #socket: net.Socket;
  #parser = new ResponseParser(0);
  #exchanges = 0;
  #failure: TransportFailure | undefined;
  #error: Error | undefined;
  #opening: NodeJS.Timeout | undefined;

  constructor(origin: Origin, owner: ConnectionOwner) {
    this.#origin = origin;
    this.#owner = owner;
    this.#opening = setTimeout(() => this.#destroy('connect-timeout'), origin.connectTimeout);
    this.#socket = connect(origin, (bytes) => this.#receive(bytes));
    this.#socket
      .on(origin.secure ? 'secureConnect' : 'connect', () => this.#opened())
      .on('session', (session: Buffer) => (origin.session = session))
      .on('error', (error) => (this.#error = error))
      .on('close', () => this.#closed());
  }

  get isOpening(): boolean {
    return this.#opening !== undefined;
  }

  start(exchange: Exchange): void {
    exchange.carrier = this;
    this.exchange = exchange;
    this.#parser = new ResponseParser(exchange.maxResponseSize);
    if (this.#exchanges++ > 0) this.#socket.ref();
    this.#socket.write(requestBytes(exchange));
  }

  /** Whether an exchange was lost because the subgraph had closed the connection before it came. */
  get wasStale(): boolean {
    return this.#exchanges > 1 && !this.#parser.started && this.#failure === undefined;
  }

  abandon(): void {
    this.#socket.destroy();
  }

  #opened(): void {
    clearTimeout(this.#opening);
    this.#opening = undefined;
    this.#owner.onIdle(this);
  }

  #receive(bytes: Buffer): void {
    // Nothing was asked: an answer to nothing must not become the answer to the next exchange.
    if (this.exchange === undefined) this.abandon();
    else this.#proceed(this.exchange, this.#parser.push(bytes));
  }

  #proceed(exchange: Exchange, progress: ReturnType<ResponseParser['push']>): void {
    if (progress === 'more') return;
    if (progress === 'complete') this.#complete(exchange);
    else this.#destroy(progress);
  }

  #complete(exchange: Exchange): void {
    const { status, headers, body, reusable } = this.#parser;
    this.exchange = undefined;
    exchange.carrier = undefined;
    if (reusable && this.#socket.writableLength === 0) {
      this.#socket.unref();
      this.idleUntil = performance.now() + keepAliveOf(headers['keep-alive'], this.#origin.keepAlive);
      this.#owner.onIdle(this);
    } else {
      this.abandon();
    }
    exchange.answer({ status, headers, body });
  }

  #destroy(failure: TransportFailure): void {
    this.#failure = failure;
    this.abandon();
  }

  #closed(): void {
    clearTimeout(this.#opening);
    const { exchange } = this;
    if (exchange !== undefined && this.#failure === undefined && this.#error === undefined) {
      // A response may end with its connection.
      if (this.#parser.end() === 'complete') this.#complete(exchange);
    }
    const failure = this.#failure ?? (this.#error === undefined ? 'reset' : failureOf(this.#error));
    this.#owner.onClose(this, failure, this.#error);
  }
}

/** Head and body in one piece, so that they leave in one write. */
function requestBytes(exchange: Exchange): Buffer {
  const { path, host, headers, bodySize } = exchange;
  let head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]!}: ${headers[index + 1]!}\r\n`;
  head += `content-length: ${bodySize}\r\n\r\n`;
  const bytes = allocate(head.length + bodySize);
  bytes.write(head, 'latin1');
  exchange.writeBody(bytes, head.length);
  return bytes;
}

/** The bytes that a socket reads are handed over in here, one buffer for all sockets. */
const received = Buffer.allocUnsafeSlow(64 * 1024);

function connect(origin: Origin, receive: (bytes: Buffer) => void): net.Socket {
  const { secure, host, port, ca, session } = origin;
  const options = {
    host,
    port,
    lookup: lookupSubgraph,
    noDelay: true,
    onread: {
      buffer: received,
      callback: (size: number) => {
        receive(received.subarray(0, size));
        return true;
      },
    },
  };
  if (!secure) return net.connect(options);
  return tls.connect({
    ...options,
    ALPNProtocols: ['http/1.1'],
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(session === undefined ? {} : { session }),
  });
}

/** How long an idle connection is good for: a second less than the subgraph says it keeps it. */
function keepAliveOf(header: string | string[] | undefined, keepAlive: number): number {
  const seconds = header === undefined ? undefined : /timeout=(\d+)/i.exec(String(header))?.[1];
  return seconds === undefined ? keepAlive : Math.min(keepAlive, Number(seconds) * 1000 - 1000);
}

function failureOf(error: Error): TransportFailure {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'ETIMEDOUT':
      return 'connect-timeout';
    default:
      return 'unreachable';
  }
}
