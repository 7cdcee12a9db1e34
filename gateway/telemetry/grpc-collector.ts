import { once } from 'node:events';
import type * as Http2 from 'node:http2';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { tunnelTo } from '../net/outgoing';
import { timeLimit } from '../net/time-limit';

export interface GrpcCollectorOptions {
  /** Of the scheme `http` or `https`; its path does not matter. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a request with all of its attempts, in milliseconds. */
  readonly timeout: number;
  /** Certificates, where the collector has others than Node knows. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> | undefined;
}

/** The paths of OTLP's services. */
export const otlpServices = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
} as const;

/**
 * Sends requests of OTLP over gRPC. Each is one message to and one from the collector, for which Node's HTTP/2 is enough: a
 * frame of five bytes, and a status in the trailers (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 * OpenTelemetry's own exporter over gRPC is 44 packages, and does not repeat what has failed.
 */
export class GrpcCollector {
  readonly #options: GrpcCollectorOptions;
  readonly #origin: URL;
  readonly #closed = new AbortController();
  #session: Promise<Http2.ClientHttp2Session> | undefined;

  constructor(options: GrpcCollectorOptions) {
    this.#options = options;
    this.#origin = new URL(options.url);
  }

  /** Resolves when the collector has taken a message; repeats what may succeed later, and rejects if it has not in time. */
  async send(path: string, message: Uint8Array): Promise<void> {
    const deadline = performance.now() + this.#options.timeout;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#attempt(path, message, Math.max(1, Math.ceil(deadline - performance.now())));
        return;
      } catch (error) {
        const pause = pauseAfter(error, attempt);
        if (pause === undefined || !(performance.now() + pause < deadline)) throw error;
        await sleep(pause, undefined, { signal: this.#closed.signal });
      }
    }
  }

  /** Gives up what is being sent, and ends the connection. */
  close(): void {
    this.#closed.abort();
    this.#disconnect();
  }

  async #attempt(path: string, message: Uint8Array, timeout: number): Promise<void> {
    const limit = timeLimit(timeout);
    const signal = AbortSignal.any([this.#closed.signal, limit]);
    try {
      const session = await (this.#session ??= this.#connect(signal));
      await this.#request(session, path, message, timeout, signal);
    } catch (error) {
      const { code, message: reason } = error as NodeJS.ErrnoException;
      if (code === 'ERR_HTTP2_ERROR') throw new Error(`It does not answer in HTTP/2: ${reason}.`);
      if (!limit.aborted) throw error;
      // Its connection may be dead, which nothing else reports for many minutes.
      this.#disconnect();
      throw new Error(`It did not answer within ${this.#options.timeout} ms.`);
    }
  }

  async #request(
    session: Http2.ClientHttp2Session,
    path: string,
    message: Uint8Array,
    timeout: number,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = session.request(
      {
        ...this.#options.headers,
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': `${timeout}m`,
      },
      { signal },
    );
    let status: Http2.IncomingHttpHeaders = {};
    const note = (found: Http2.IncomingHttpHeaders): void => void (status = { ...status, ...found });
    let bytes = 0;
    // Nothing that is needed is in the message: how many items the collector has dropped.
    stream.on('data', ({ length }: Buffer) => {
      if ((bytes += length) > largestAnswer)
        stream.destroy(new RangeError('Its answer is larger than 4 MiB.'));
    });
    await new Promise<void>((resolve, reject) => {
      stream.on('response', note).on('trailers', note).on('error', reject).on('close', resolve);
      stream.end(framed(message));
    });
    if (status[':status'] === undefined) throw new Error('It closed the connection without an answer.');
    if (status['grpc-status'] !== '0') throw new GrpcFailure(status);
  }

  /** @param signal gives up before it is open */
  #connect(signal: AbortSignal): Promise<Http2.ClientHttp2Session> {
    const forget = (): void => {
      if (this.#session === connecting) this.#session = undefined;
    };
    const connecting = this.#open(signal, forget);
    connecting.catch(forget);
    return connecting;
  }

  async #open(signal: AbortSignal, forget: () => void): Promise<Http2.ClientHttp2Session> {
    signal.throwIfAborted();
    const origin = this.#origin;
    const tunnel = await tunnelTo(origin);
    const { tls = {} } = this.#options;
    const { connect } = require('node:http2') as typeof Http2;
    const session = connect(origin.origin, {
      ...tls,
      ...(tunnel !== undefined && {
        createConnection: () =>
          origin.protocol === 'https:'
            ? connectTls({ ...tls, socket: tunnel, servername: origin.hostname, ALPNProtocols: ['h2'] })
            : tunnel,
      }),
    });
    // A later error closes it, and fails its requests.
    session
      .on('error', () => undefined)
      .once('goaway', forget)
      .once('close', forget);
    try {
      await once(session, 'connect', { signal });
      // After GOAWAY, Node waits for the collector to close the connection, however long.
      session.socket.once('finish', function (this: Socket) {
        this.destroy();
      });
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  #disconnect(): void {
    this.#session?.then(
      (session) => session.destroy(),
      () => undefined,
    );
    this.#session = undefined;
  }
}

/** The collector has refused a message. */
class GrpcFailure extends Error {
  override readonly name = 'GrpcFailure';
  /** Of gRPC; -1 without one. */
  readonly status: number;
  /** Milliseconds, if the collector has sent when to try again; negative: never. */
  readonly pushback: number | undefined;

  constructor(headers: Http2.IncomingHttpHeaders) {
    const { ':status': http, 'grpc-status': status, 'grpc-retry-pushback-ms': pushback } = headers;
    const isGrpc = typeof status === 'string' && /^\d{1,3}$/.test(status);
    super(
      isGrpc
        ? `It answered with the gRPC status ${status}.`
        : `It does not answer in gRPC: its HTTP status is ${String(http)}.`,
    );
    this.status = isGrpc ? Number(status) : -1;
    const details = headers['grpc-status-details-bin'];
    this.pushback =
      typeof pushback === 'string'
        ? /^\d{1,6}$/.test(pushback)
          ? Number(pushback)
          : -1
        : typeof details === 'string'
          ? retryDelayIn(Buffer.from(details, 'base64'))
          : undefined;
  }
}

/** Milliseconds before the next attempt; undefined if there is to be none. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (attempt === mostAttempts) return undefined;
  const doubled = Math.min(firstPause * 2 ** (attempt - 1), longestPause) * (0.8 + 0.4 * Math.random());
  if (error instanceof RangeError) return undefined;
  if (!(error instanceof GrpcFailure)) return (error as Error).name === 'AbortError' ? undefined : doubled;
  if (error.pushback !== undefined) return error.pushback < 0 ? undefined : error.pushback;
  return retryable.has(error.status) ? doubled : undefined;
}

/**
 * The milliseconds of a `RetryInfo` in the details of a status, as OTLP's specification has it; undefined without one. It is an
 * `Any`: after the name of its type there is a message with a `Duration`, which has seconds and nanoseconds.
 */
function retryDelayIn(details: Buffer): number | undefined {
  const type = 'google.rpc.RetryInfo';
  const start = details.indexOf(type);
  // A tag and a length in front of each of the two messages.
  const duration = details.subarray(start + type.length + 4);
  if (start === -1 || duration.length === 0) return undefined;
  let milliseconds = 0;
  for (let at = 0; at < duration.length;) {
    const unit = { 0x08: 1000, 0x10: 1e-6 }[duration[at++]!];
    if (unit === undefined) break;
    let scale = 1;
    for (let more = true; more && at < duration.length; scale *= 128) {
      const byte = duration[at++]!;
      milliseconds += (byte & 127) * scale * unit;
      more = byte > 127;
    }
  }
  return milliseconds;
}

/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS, as OTLP's specification has them. */
const retryable = new Set([1, 4, 10, 11, 14, 15]);
const mostAttempts = 5;
/** Milliseconds. */
const [firstPause, longestPause] = [1000, 5000];

/** Bytes, as clients of gRPC have by default. */
const largestAnswer = 4 * 1024 * 1024;

/** A message without compression. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
