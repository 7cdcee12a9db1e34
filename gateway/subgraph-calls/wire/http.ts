/** Subgraph calls over HTTP, with undici. Over 300 lines, as a call is the handler of its own response. */
import type { Dispatcher, Pool } from 'undici';
import { type ArrivingResponse, ArrivingResponses } from './arriving-responses';
import { type SubgraphConnectionOptions, SubgraphConnections } from '../endpoints/connections';
import type { AnswerHead } from './http1/answer-head';
import type { Http1Call, Http1Connection } from './http1/connection';
import type { Http1Pool } from './http1/pool';
import { KeptBytes } from './kept-bytes';
import { failureOf } from './network-failure';
import { PendingAnswer } from '../contract/pending-answer';
import { type PendingCall, PendingCalls } from '../sharing/pending-calls';
import { bodyOf, lengthOf, requestHeaders } from './request-body';
import { restHeaders, restUrl, without } from './rest-request';
import { subjectTokenHeader } from '../header-rules';
import { CallerHeaders, isSendable, linesOf, ReplacedNames } from '../sent-headers';
import { failureOfSigning, type SignedHeaders, type Signer, type UnsignedCall } from '../contract/signer';
import type { RecordCall, SubgraphDurations } from '../../telemetry/statistics/subgraph-durations';
import { parseSubgraphUrl } from '../endpoints/subgraph-url';
import {
  type Caller,
  type HttpRequest,
  isRepeatable,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
  type TransportFailure,
} from '../contract/transport';
import type { TlsFiles } from '../../net/tls-files';
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

export interface HttpTransportOptions extends SubgraphConnectionOptions {
  /**
   * Asks for compressed responses. Worth it if the network is slower than decompression. Compressed responses are
   * always decompressed, requested or not.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
  /** Bounds the memory of large responses. @default they are not bounded together */
  readonly arriving?: ArrivingResponses | undefined;
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
  const callerHeaders = new CallerHeaders();
  const { arriving = new ArrivingResponses(Infinity) } = options;

  function open(subgraph: HttpSubgraph): OpenSend {
    const { name, address, signer, tls, timeout = 10_000, maxResponseSize = 32 * 1024 * 1024 } = subgraph;
    const url = parseSubgraphUrl(name, subgraph.url);
    const path = url.pathname + url.search;
    const own = ownHeaders(subgraph, options);
    const headers = Object.entries({ ...requestHeaders, ...own }).flat();
    const connected = { name, url, address, tls };
    const pool = connections.pool(connected);
    const strict = connections.strictPool(connected);
    const target: CallTarget = {
      name,
      pool: pool.value,
      url,
      path,
      strict: strict?.value,
      headers,
      own,
      head: `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n${linesOf(headers)!}`,
      callerHeaders,
      replaced: new ReplacedNames([
        ...headers.filter((_, i) => i % 2 === 0),
        ...(signer?.headers ?? []),
        subjectTokenHeader,
      ]),
      signer,
      timeout: positive(name, 'timeout', timeout),
      maxResponseSize: positive(name, 'maxResponseSize', maxResponseSize),
      arriving,
      record: options.durations?.to(name, url),
    };
    return {
      send: (request) => new HttpCall(target, request, calls).answer,
      close: () => {
        pool.end();
        strict?.end();
      },
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
interface CallTarget {
  readonly name: string;
  readonly pool: Pool;
  /** For what may be sent again. Undefined if all calls are sent by `pool`. */
  readonly strict: Http1Pool | undefined;
  readonly url: URL;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Those of them that do not depend on what is sent. */
  readonly own: Readonly<Record<string, string>>;
  /** The head of a request over HTTP/1.1, with these headers and without an end. */
  readonly head: string;
  readonly callerHeaders: CallerHeaders;
  /** Names of headers that a client header must not replace. */
  readonly replaced: ReplacedNames;
  readonly signer: Signer | undefined;
  readonly timeout: number;
  readonly maxResponseSize: number;
  readonly arriving: ArrivingResponses;
  readonly record: RecordCall | undefined;
}

/**
 * One call, and the handler of its response: undici's `dispatch` takes a quarter less time than its `request`, which
 * creates a stream per response. The call settles once; later events are ignored.
 *
 * A call that may be sent again is sent by the strict client, and by undici if that does not understand the response.
 */
class HttpCall implements Dispatcher.DispatchHandler, Http1Call, PendingCall, ArrivingResponse {
  readonly answer = new PendingAnswer<SubgraphResponse>();
  readonly caller: Caller;
  readonly expires: number;
  indexInSet = -1;
  /** Of the strict client. */
  connection: Http1Connection | undefined;
  message: Buffer = empty;
  taken = 0;
  announced = 0;
  readonly #request: SubgraphRequest;
  readonly #target: CallTarget;
  readonly #pending: PendingCalls;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #awaitsSignature = false;
  /** In milliseconds of `performance.now()`; 0 until the call is sent. */
  #sentAt = 0;
  #status = 0;
  #headers: Record<string, string | string[] | undefined> = noHeaders;
  /** The first piece of the body, which is mostly the whole body. */
  #body: Buffer = empty;
  /** The body, if it comes in several pieces. */
  #pieces: KeptBytes | undefined;

  constructor(target: CallTarget, request: SubgraphRequest, pending: PendingCalls) {
    this.caller = request.caller;
    const now = performance.now();
    this.expires = now + target.timeout;
    this.#request = request;
    this.#target = target;
    this.#pending = pending;
    const failure = pending.add(this, now);
    if (failure !== undefined) this.giveUp(failure);
    else if (request.http !== undefined) this.#sendRest(request.http, now);
    else if (target.strict?.isUsed === true && isRepeatable(request.operation))
      this.#send(target.strict, now);
    else this.#send(undefined, now);
  }

  giveUp(failure: TransportFailure): void {
    // The subgraph has no part in it that the signature takes too long.
    this.#fail(failure === 'timeout' && this.#awaitsSignature ? 'unsigned' : failure);
    this.#controller?.abort(givenUp);
    if (this.connection !== undefined) this.connection.close();
    else if (this.message.length > 0) this.#target.strict!.onGivenUp();
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  get maxBody(): number {
    return this.#target.maxResponseSize;
  }

  get target(): object {
    return this.#target;
  }

  pause(): void {
    if (this.connection !== undefined) this.connection.pause();
    else this.#controller?.pause();
  }

  resume(): void {
    if (this.connection !== undefined) this.connection.resume();
    else this.#controller?.resume();
  }

  onPiece(taken: number, announced: number): void {
    this.taken = taken;
    this.announced = announced;
    // Small ones are bounded by their number.
    if (!this.#settled && Math.max(taken, announced) > small) this.#target.arriving.add(this);
  }

  onAnswer({ status, headers }: Pick<AnswerHead, 'status' | 'headers'>, body: Buffer): void {
    this.#status = status;
    this.#headers = headers;
    this.#unpack(body);
  }

  onFailure(failure: TransportFailure, cause?: Error): void {
    this.#fail(failure, cause);
  }

  onRefused(): void {
    this.connection = undefined;
    this.message = empty;
    this.#target.arriving.delete(this);
    if (!this.#settled) this.#send(undefined, performance.now());
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
    else this.onPiece(this.#pieces?.taken ?? piece.length, this.#contentLength);
  }

  onResponseEnd(): void {
    this.#unpack(this.#pieces?.bytes ?? this.#body);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(failureOf(error), error);
  }

  #unpack(body: Buffer): void {
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

  /** @param strict the client that sends it; undefined for undici */
  #send(strict: Http1Pool | undefined, now: number): void {
    const { signer, url } = this.#target;
    if (signer === undefined) {
      this.#sendSigned(strict, now, unsigned, undefined);
      return;
    }
    const body = bodyOf(this.#request);
    this.#sign(signer, { url, body }, (signed) => this.#sendSigned(strict, performance.now(), signed, body));
  }

  #sendRest(http: HttpRequest, now: number): void {
    const { url: base, own, signer, callerHeaders, replaced, pool } = this.#target;
    const url = restUrl(base, http.path);
    const headers = restHeaders(http, own, signer);
    if (url === undefined || headers === undefined) {
      this.#fail('unsendable');
      return;
    }
    const { method, body } = http;
    const send = (signed: SignedHeaders, at: number): void => {
      const added = callerHeaders.of(this.caller, replaced).list;
      this.#sentAt = at;
      const list = [
        ...Object.entries(headers).flat(),
        ...without(added, headers),
        ...this.#more(at),
        ...signed,
      ];
      pool.dispatch({ path: url.pathname + url.search, method, headers: list, body: body ?? null }, this);
    };
    if (signer === undefined) send(unsigned, now);
    else
      this.#sign(signer, { method, url, body: body ?? empty, headers, isRest: true }, (signed) =>
        send(signed, performance.now()),
      );
  }

  #sign(
    signer: Signer,
    unsignedCall: Omit<UnsignedCall, 'caller'>,
    signedCall: (signed: SignedHeaders) => void,
  ): void {
    const send = (signed: SignedHeaders): void => {
      this.#awaitsSignature = false;
      // The call may have timed out while it was signed.
      if (!this.#settled) signedCall(signed);
    };
    const fail = (error: unknown): void => this.#fail(failureOfSigning(error), error as Error);
    try {
      const signed = signer.sign({ ...unsignedCall, caller: this.caller });
      this.#awaitsSignature = 'then' in signed;
      if ('then' in signed) signed.then(send).catch(fail);
      else send(signed);
    } catch (error) {
      fail(error);
    }
  }

  /** @param body undefined if it was not needed for the signature */
  #sendSigned(
    strict: Http1Pool | undefined,
    now: number,
    signed: SignedHeaders,
    body: Buffer | undefined,
  ): void {
    const { pool, path, head, headers: fixed, callerHeaders, replaced } = this.#target;
    const request = this.#request;
    const added = callerHeaders.of(this.caller, replaced);
    this.#sentAt = now;
    if (strict === undefined) {
      const headers = [...fixed, ...added.list, ...this.#more(now), ...signed];
      pool.dispatch({ path, method: 'POST', headers, body: body ?? bodyOf(request) }, this);
      return;
    }
    const { lines } = added;
    const signature = signed === unsigned ? '' : linesOf(signed);
    if (lines === undefined || signature === undefined) {
      this.#fail('unsendable');
      return;
    }
    const length = lengthOf(request);
    const whole = `${head}${lines}${signature}x-request-timeout: ${this.#left(now)}\r\ncontent-length: ${length}\r\n\r\n`;
    this.message = bodyOf(request, whole);
    strict.send(this);
  }

  /** Headers of this call alone. */
  #more(now: number): string[] {
    const { tracestate } = this.caller;
    const headers = ['x-request-timeout', this.#left(now)];
    if (tracestate !== undefined && !isRepeatable(this.#request.operation))
      headers.push('tracestate', tracestate);
    return headers;
  }

  /** Milliseconds that are left. */
  #left(now: number): string {
    return String(Math.ceil(Math.min(this.expires, this.caller.deadline ?? Infinity) - now));
  }

  /** The `content-length` of the response; 0 if it has none. */
  get #contentLength(): number {
    return Number(this.#headers['content-length']) || 0;
  }

  #answer(body: Buffer): void {
    if (this.#settle(undefined)) this.answer.resolve({ status: this.#status, headers: this.#headers, body });
  }

  #fail(failure: TransportFailure, cause?: Error): void {
    if (this.#settle(failure)) this.answer.reject(new TransportError(this.#target.name, failure, cause));
  }

  #settle(failure: TransportFailure | undefined): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    if (this.#sentAt > 0) {
      const seconds = (performance.now() - this.#sentAt) / 1000;
      const method = this.#request.http?.method ?? 'POST';
      this.#target.record?.(seconds, this.#status, failure, this.caller.span, method);
    }
    this.#pending.delete(this);
    if (this.taken > 0 || this.announced > 0) this.#target.arriving.delete(this);
    return true;
  }
}

const empty: Buffer = Buffer.alloc(0);
/** Bytes of a response. */
const small = 64 * 1024;
const noHeaders = {};
const unsigned: SignedHeaders = [];
const givenUp = new Error('The call was given up.');

/** The headers of every call, beside those for what is sent. */
function ownHeaders(
  { name: subgraph, headers: more = {} }: HttpSubgraph,
  { compression = false }: HttpTransportOptions,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (compression) headers['accept-encoding'] = 'gzip, br';
  for (const [name, value] of Object.entries(more)) {
    if (!isSendable(name, value)) {
      throw new RangeError(`The header "${name}" of subgraph "${subgraph}" cannot be sent`);
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

function positive(subgraph: string, name: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`"${name}" of subgraph "${subgraph}" must be a positive number, but got: ${value}`);
}
