/** Subgraph calls over HTTP, with undici. Over 300 lines, as a call is the handler of its own response. */
import type { Dispatcher, Pool } from 'undici';
import { type ConnectionOptions, SubgraphConnections } from './connections';
import { KeptBytes } from './kept-bytes';
import { failureOf } from './network-failure';
import { type PendingCall, PendingCalls } from './pending-calls';
import { bodyOf, requestHeaders } from './request-body';
import type { SignedHeaders, Signer } from './signer';
import type { RecordCall, SubgraphDurations } from '../telemetry/statistics/subgraph-durations';
import { parseSubgraphUrl } from './subgraph-url';
import {
  type Caller,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
  type TransportFailure,
} from './transport';
import type { TlsFiles } from './tls-files';
import { unpack } from './unpack';

/** How to reach one subgraph. */
export interface HttpSubgraph {
  readonly name: string;
  /** An http or https URL. */
  readonly url: string;
  /** The IP address to connect to. @default those of the host of `url` */
  readonly address?: string | undefined;
  /** Headers of every call. A client header of the same name is not forwarded. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Signs every call. Client headers with the names of its headers are not forwarded. */
  readonly signer?: Signer | undefined;
  /** Certificates that the gateway trusts and presents. No effect for `http:` URLs. */
  readonly tls?: TlsFiles | undefined;
  /**
   * Timeout of a call, in milliseconds, from `send` to the last byte. The caller's deadline also ends it.
   *
   * @default 10000
   */
  readonly timeout?: number | undefined;
  /**
   * The largest response, in bytes, both as sent and decompressed.
   *
   * @default 33554432 (32 MiB)
   */
  readonly maxResponseSize?: number | undefined;
}

export interface HttpTransportOptions extends ConnectionOptions {
  /**
   * Asks for compressed responses. Worth it if the network is slower than decompression. Compressed responses are
   * always decompressed, asked for or not.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
  /** Records the duration of each call. @default nothing is recorded */
  readonly durations?: Pick<SubgraphDurations, 'to'> | undefined;
}

export interface HttpTransport {
  /**
   * A `Send` to one subgraph. Subgraphs share no connections, as a subgraph that hangs would use up those of others
   * with the same origin.
   *
   * Throws a `RangeError` for a URL that must not be called.
   */
  to(subgraph: HttpSubgraph): Send;
  /** The same, for an endpoint that is not called for ever. */
  open(subgraph: HttpSubgraph): OpenSend;
  /** For what is no call, but connects to subgraphs as calls do. */
  readonly connections: SubgraphConnections;
  /** Ends all calls and closes all connections. */
  close(): Promise<void>;
}

export interface OpenSend {
  readonly send: Send;
  /** No call follows: closes its connections when the calls in flight are over. To be called once. */
  readonly close: () => void;
}

/** Calls subgraphs over HTTP. One per process: connections outlive generations. */
export function createHttpTransport(options: HttpTransportOptions = {}): HttpTransport {
  const connections = new SubgraphConnections(options);
  const calls = new PendingCalls();

  function open(subgraph: HttpSubgraph): OpenSend {
    const { name, address, signer, tls, timeout = 10_000, maxResponseSize = 32 * 1024 * 1024 } = subgraph;
    const url = parseSubgraphUrl(name, subgraph.url);
    const headers = fixedHeaders(subgraph, options);
    const pool = connections.pool({ name, url, address, tls });
    const target: Target = {
      name,
      pool: pool.value,
      url,
      path: url.pathname + url.search,
      headers: Object.entries(headers).flat(),
      headerNames: new Set([...Object.keys(headers), ...(signer?.headers ?? [])]),
      signer,
      timeout: positive(name, 'timeout', timeout),
      maxResponseSize: positive(name, 'maxResponseSize', maxResponseSize),
      record: options.durations?.to(name, url),
    };
    return {
      send: (request) =>
        new Promise((resolve, reject) => new HttpCall(target, request, calls, resolve, reject)),
      close: () => pool.end(),
    };
  }

  return {
    connections,
    open,
    to: (subgraph) => open(subgraph).send,
    async close() {
      calls.close();
      await connections.close();
    },
  };
}

/** What is the same for all calls of a subgraph. */
interface Target {
  readonly name: string;
  readonly pool: Pool;
  readonly url: URL;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Names of headers that a client header must not replace. */
  readonly headerNames: ReadonlySet<string>;
  readonly signer: Signer | undefined;
  readonly timeout: number;
  readonly maxResponseSize: number;
  readonly record: RecordCall | undefined;
}

/**
 * One call, and the handler of its response: undici's `dispatch` takes a quarter less time than its `request`, which
 * creates a stream per response. The call settles once; later events are ignored.
 */
class HttpCall implements Dispatcher.DispatchHandler, PendingCall {
  readonly caller: Caller;
  readonly expires: number;
  indexInSet = -1;
  readonly #target: Target;
  readonly #pending: PendingCalls;
  readonly #resolve: (response: SubgraphResponse) => void;
  readonly #reject: (error: TransportError) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  /** In milliseconds of `performance.now()`; 0 until the call is sent. */
  #sentAt = 0;
  #status = 0;
  #headers: Record<string, string | string[] | undefined> = noHeaders;
  /** The first piece of the body, which is mostly the whole body. */
  #body: Buffer = empty;
  /** The body, if it comes in several pieces. */
  #pieces: KeptBytes | undefined;

  constructor(
    target: Target,
    request: SubgraphRequest,
    pending: PendingCalls,
    resolve: (response: SubgraphResponse) => void,
    reject: (error: TransportError) => void,
  ) {
    this.caller = request.caller;
    this.expires = performance.now() + target.timeout;
    this.#target = target;
    this.#pending = pending;
    this.#resolve = resolve;
    this.#reject = reject;
    const failure = pending.add(this);
    if (failure === undefined) this.#dispatch(request);
    else this.giveUp(failure);
  }

  giveUp(failure: TransportFailure): void {
    this.#fail(failure);
    this.#controller?.abort(givenUp);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(givenUp);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    for (const name in headers) {
      const value = headers[name];
      if (typeof value === 'object' && name !== 'set-cookie') headers[name] = value.join(', ');
    }
    this.#status = status;
    this.#headers = headers;
    if (this.#contentLength > this.#target.maxResponseSize) this.giveUp('too-large');
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#body.length === 0) {
      this.#body = piece;
    } else {
      this.#pieces ??= new KeptBytes(this.#body, this.#contentLength);
      this.#pieces.append(piece);
    }
    if ((this.#pieces ?? this.#body).length > this.#target.maxResponseSize) this.giveUp('too-large');
  }

  onResponseEnd(): void {
    const body = this.#pieces?.bytes ?? this.#body;
    const encoding = this.#headers['content-encoding'];
    if (encoding === undefined) {
      this.#answer(body);
    } else {
      void unpack(body, String(encoding), this.#target.maxResponseSize).then((unpacked) => {
        if (typeof unpacked === 'string') this.#fail(unpacked);
        else this.#answer(unpacked);
      });
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(failureOf(error), error);
  }

  #dispatch(request: SubgraphRequest): void {
    const { caller } = request;
    const { headers: fixed, headerNames, signer } = this.#target;
    const headers = fixed.slice();
    for (const name in caller.headers) {
      if (!headerNames.has(name)) headers.push(name, caller.headers[name]!);
    }
    for (const name in caller.tracing) headers.push(name, caller.tracing[name]!);
    const left = Math.min(this.expires, caller.deadline ?? Infinity) - performance.now();
    headers.push('x-request-timeout', String(Math.ceil(left)));
    const body = bodyOf(request);
    if (signer === undefined) this.#send(headers, body);
    else this.#sign(signer, headers, body);
  }

  #sign(signer: Signer, headers: string[], body: Buffer): void {
    const { url } = this.#target;
    const send = (signed: SignedHeaders): void => {
      for (const part of signed) headers.push(part);
      // The call may have timed out while it was signed.
      if (!this.#settled) this.#send(headers, body);
    };
    const fail = (error: unknown): void => this.#fail('unsigned', error as Error);
    try {
      const signed = signer.sign({ url, body, caller: this.caller });
      if ('then' in signed) signed.then(send).catch(fail);
      else send(signed);
    } catch (error) {
      fail(error);
    }
  }

  #send(headers: string[], body: Buffer): void {
    const { pool, path } = this.#target;
    this.#sentAt = performance.now();
    pool.dispatch({ path, method: 'POST', headers, body }, this);
  }

  /** The `content-length` of the response; 0 if it has none. */
  get #contentLength(): number {
    return Number(this.#headers['content-length']) || 0;
  }

  #answer(body: Buffer): void {
    if (this.#settle(undefined)) this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  #fail(failure: TransportFailure, cause?: Error): void {
    if (this.#settle(failure)) this.#reject(new TransportError(this.#target.name, failure, cause));
  }

  #settle(failure: TransportFailure | undefined): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    if (this.#sentAt > 0) {
      const seconds = (performance.now() - this.#sentAt) / 1000;
      this.#target.record?.(seconds, this.#status, failure, this.caller.span);
    }
    this.#pending.delete(this);
    return true;
  }
}

const empty: Buffer = Buffer.alloc(0);
const noHeaders = {};
const givenUp = new Error('The call was given up.');

function fixedHeaders(
  { name: subgraph, headers: more = {} }: HttpSubgraph,
  { compression = false }: HttpTransportOptions,
): Record<string, string> {
  const headers: Record<string, string> = { ...requestHeaders };
  if (compression) headers['accept-encoding'] = 'gzip, br';
  for (const [name, value] of Object.entries(more)) {
    if (!isHeader(name, value)) {
      throw new RangeError(`The header "${name}" of subgraph "${subgraph}" cannot be sent`);
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** These headers would let one request be read as two, as a line break would. */
const framing = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
  'upgrade',
  'expect',
  'te',
]);

const isHeader = (name: string, value: string): boolean =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) &&
  !framing.has(name.toLowerCase()) &&
  !/[^\t\x20-\x7e\x80-\xff]/.test(value);

function positive(subgraph: string, name: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`"${name}" of subgraph "${subgraph}" must be a positive number, but got: ${value}`);
}
