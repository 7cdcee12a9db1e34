import { type Dispatcher, errors, Pool } from 'undici';
import type { Carrier, Connections, Exchange } from './exchange';
import { KeptBytes } from './kept-bytes';
import { lookupSubgraph } from './subgraph-url';
import type { TransportFailure } from './transport';

export interface ConnectionOptions {
  readonly origin: string;
  /** Offers HTTP/2 in the TLS handshake. */
  readonly http2: boolean;
  readonly connections: number;
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly ca: string[] | undefined;
}

/**
 * Connections of undici, used through its `dispatch`: its `request` costs a third more, for streams that nobody needs.
 * They speak HTTP/2 where it is offered and the subgraph does, else HTTP/1.1.
 */
export function openConnections(options: ConnectionOptions): Connections {
  const { origin, http2, connections, connectTimeout, keepAlive, ca } = options;
  const pool = new Pool(origin, {
    connections,
    keepAliveTimeout: keepAlive,
    // Each call has its own time.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: http2,
    connect: { timeout: connectTimeout, lookup: lookupSubgraph, ...(ca === undefined ? {} : { ca }) },
  });
  return {
    send(exchange) {
      const { path, headers } = exchange;
      const body = Buffer.allocUnsafe(exchange.bodySize);
      exchange.writeBody(body, 0);
      pool.dispatch({ path, method: 'POST', headers: [...headers], body }, new ResponseHandler(exchange));
    },
    close: () => pool.destroy(),
  };
}

class ResponseHandler implements Dispatcher.DispatchHandler, Carrier {
  readonly #exchange: Exchange;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Record<string, string | string[] | undefined> = {};
  readonly #body = new KeptBytes();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.carrier = this;
  }

  abandon(): void {
    this.#controller?.abort(abandoned);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#exchange.givenUp) this.abandon();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) {
      this.#headers[name] = Array.isArray(value) && name !== 'set-cookie' ? value.join(', ') : value;
    }
    if (Number(headers['content-length']) > this.#exchange.maxResponseSize) this.#fail('too-large');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.append(chunk);
    if (this.#body.length > this.#exchange.maxResponseSize) this.#fail('too-large');
  }

  onResponseEnd(): void {
    this.#exchange.answer({ status: this.#status, headers: this.#headers, body: this.#body.bytes });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (error !== abandoned) this.#exchange.fail(failureOf(error), error);
  }

  #fail(failure: TransportFailure): void {
    this.#exchange.fail(failure);
    this.abandon();
  }
}

const abandoned = new Error('The call was given up.');

function failureOf(error: Error): TransportFailure {
  if (error instanceof errors.HTTPParserError) return 'not-http';
  return failures.get((error as NodeJS.ErrnoException).code ?? '') ?? 'unreachable';
}

const failures = new Map<string, TransportFailure>([
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['UND_ERR_INFO', 'reset'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'reset'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect-timeout'],
  ['ETIMEDOUT', 'connect-timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'too-large'],
  ['UND_ERR_DESTROYED', 'closed'],
  ['UND_ERR_CLOSED', 'closed'],
]);
