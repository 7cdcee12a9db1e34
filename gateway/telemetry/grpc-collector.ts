import type * as Http2 from 'node:http2';
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
        if (pause === undefined || performance.now() + pause >= deadline) throw error;
        await sleep(pause, undefined, { signal: this.#closed.signal });
      }
    }
  }

  /** Gives up what is being sent, and ends the connection. */
  close(): void {
    this.#closed.abort();
    this.#session?.then(
      (session) => session.destroy(),
      () => undefined,
    );
  }

  async #attempt(path: string, message: Uint8Array, timeout: number): Promise<void> {
    const session = await (this.#session ??= this.#connect());
    const { headers } = this.#options;
    const signal = AbortSignal.any([this.#closed.signal, timeLimit(timeout)]);
    const stream = session.request(
      {
        ...headers,
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
    await new Promise<void>((resolve, reject) => {
      stream.on('response', note).on('trailers', note).on('error', reject).on('close', resolve);
      // Nothing that is needed is in the message: how many items the collector has dropped.
      stream.resume().end(framed(message));
    });
    if (status[':status'] === undefined) throw new Error('It closed the connection without an answer.');
    if (status['grpc-status'] !== '0') throw new GrpcFailure(status);
  }

  async #connect(): Promise<Http2.ClientHttp2Session> {
    const forget = (): void => void (this.#session = undefined);
    try {
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
      session.once('goaway', forget).once('close', forget);
      await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject));
      // A later error closes it, and fails its requests.
      return session.on('error', () => undefined);
    } catch (error) {
      forget();
      throw error;
    }
  }
}

/** The collector has refused a message. */
class GrpcFailure extends Error {
  override readonly name = 'GrpcFailure';
  /** Of gRPC; -1 without one. */
  readonly status: number;
  /** Milliseconds, if the collector says when to try again; negative: never. */
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
    this.pushback =
      typeof pushback === 'string' ? (/^\d{1,6}$/.test(pushback) ? Number(pushback) : -1) : undefined;
  }
}

/** Milliseconds before the next attempt; undefined if there is to be none. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (attempt === mostAttempts) return undefined;
  const doubled = Math.min(firstPause * 2 ** (attempt - 1), longestPause) * (0.8 + 0.4 * Math.random());
  if (!(error instanceof GrpcFailure)) return (error as Error).name === 'AbortError' ? undefined : doubled;
  if (error.pushback !== undefined) return error.pushback < 0 ? undefined : error.pushback;
  return retryable.has(error.status) ? doubled : undefined;
}

/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS, as OTLP's specification has them. */
const retryable = new Set([1, 4, 10, 11, 14, 15]);
const mostAttempts = 5;
/** Milliseconds. */
const [firstPause, longestPause] = [1000, 5000];

/** A message without compression. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
