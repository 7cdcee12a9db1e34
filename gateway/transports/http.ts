import { rootCertificates } from 'node:tls';
import type { Carrier, Connections, Exchange } from './exchange';
import { openConnections } from './connections';
import { type PendingCall, PendingCalls } from './pending-calls';
import { parseSubgraphUrl } from './subgraph-url';
import {
  type Caller,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
  type TransportFailure,
} from './transport';
import { unpack } from './unpack';

/** How to reach one subgraph. */
export interface HttpSubgraph {
  readonly name: string;
  /** An http or https URL. */
  readonly url: string;
  /** Headers that every call has; one of the client's request of the same name is left out. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * How long a call may take, in milliseconds, from `send` to the last byte. Also bounded by the caller's deadline.
   *
   * @default 10000
   */
  readonly timeout?: number | undefined;
  /**
   * The largest response, in bytes, both as sent and unpacked.
   *
   * @default 33554432 (32 MiB)
   */
  readonly maxResponseSize?: number | undefined;
}

export interface HttpTransportOptions {
  /**
   * How many connections there may be to one origin; calls beyond wait for one.
   *
   * @default 256
   */
  readonly connections?: number | undefined;
  /**
   * How long a connection may take to open, in milliseconds.
   *
   * @default 5000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long a connection is kept open that is not used, in milliseconds, unless the subgraph says less.
   *
   * @default 4000
   */
  readonly keepAlive?: number | undefined;
  /**
   * Offers HTTP/2 to subgraphs. No effect for `http:` URLs, where it cannot be negotiated.
   *
   * @default false
   */
  readonly http2?: boolean | undefined;
  /**
   * Asks for packed responses. Worth it where the network is slower than unpacking. Those that come are unpacked
   * whether they were asked for or not.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
  /**
   * Certificates that are trusted in addition to the system's, in PEM.
   */
  readonly ca?: string | Buffer | (string | Buffer)[] | undefined;
}

export interface HttpTransport {
  /**
   * A `Send` to one subgraph. Those to one origin share its connections.
   *
   * Throws a `RangeError` for a URL that must not be called.
   */
  to(subgraph: HttpSubgraph): Send;
  /** Ends calls and connections. */
  close(): Promise<void>;
}

/** Calls subgraphs over HTTP. One for a process: connections outlive generations. */
export function createHttpTransport(options: HttpTransportOptions = {}): HttpTransport {
  const connectionsTo = new Map<string, Connections>();
  const calls = new PendingCalls();

  return {
    to(subgraph) {
      const { name, timeout = 10_000, maxResponseSize = 32 * 1024 * 1024 } = subgraph;
      const url = parseSubgraphUrl(name, subgraph.url);
      let connections = connectionsTo.get(url.origin);
      if (connections === undefined) {
        connections = connect(url, options);
        connectionsTo.set(url.origin, connections);
      }
      const headers = fixedHeaders(subgraph, options);
      const target: Target = {
        name,
        connections,
        path: url.pathname + url.search,
        headers: Object.entries(headers).flat(),
        headerNames: new Set(Object.keys(headers)),
        timeout: positive(name, 'timeout', timeout),
        maxResponseSize: positive(name, 'maxResponseSize', maxResponseSize),
      };
      return (request) => new Promise((resolve, reject) => new Call(target, request, calls, resolve, reject));
    },
    async close() {
      calls.close();
      await Promise.all([...connectionsTo.values()].map((connections) => connections.close()));
    },
  };
}

/** What is the same for every call of a subgraph. */
interface Target {
  readonly name: string;
  readonly connections: Connections;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly headerNames: ReadonlySet<string>;
  readonly timeout: number;
  readonly maxResponseSize: number;
}

/** One call. Settles once; what comes later is dropped. */
class Call implements Exchange, PendingCall {
  readonly caller: Caller;
  readonly expires: number;
  readonly headers: readonly string[];
  carrier: Carrier | undefined;
  givenUp = false;
  readonly #target: Target;
  readonly #request: SubgraphRequest;
  readonly #pending: PendingCalls;
  readonly #resolve: (response: SubgraphResponse) => void;
  readonly #reject: (error: TransportError) => void;

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
    this.#request = request;
    this.#pending = pending;
    this.#resolve = resolve;
    this.#reject = reject;
    const headers = headersOf(target, request.caller);
    this.headers = headers ?? [];
    const failure = headers === undefined ? 'unsendable' : pending.add(this);
    if (failure === undefined) target.connections.send(this);
    else this.fail(failure);
  }

  get path(): string {
    return this.#target.path;
  }

  get maxResponseSize(): number {
    return this.#target.maxResponseSize;
  }

  get bodySize(): number {
    return this.#request.operation.bodyPrefix.length + this.#variables.length + 1;
  }

  writeBody(target: Buffer, offset: number): void {
    const { bodyPrefix } = this.#request.operation;
    let at = offset + bodyPrefix.copy(target, offset);
    at += this.#variables.copy(target, at);
    target[at] = closingBrace;
  }

  giveUp(failure: TransportFailure): void {
    this.fail(failure);
    this.carrier?.abandon();
  }

  fail(failure: TransportFailure, cause?: Error): void {
    if (!this.#settle()) return;
    this.#reject(new TransportError(this.#target.name, failure, cause));
  }

  answer(response: SubgraphResponse): void {
    const encoding = response.headers['content-encoding'];
    if (encoding === undefined) {
      if (this.#settle()) this.#resolve(response);
      return;
    }
    void unpack(response.body, String(encoding), this.maxResponseSize).then((body) => {
      if (typeof body === 'string') this.fail(body);
      else if (this.#settle()) this.#resolve({ ...response, body });
    });
  }

  get #variables(): Buffer {
    const { variables } = this.#request;
    return variables.length === 0 ? noVariables : variables;
  }

  #settle(): boolean {
    if (this.givenUp) return false;
    this.givenUp = true;
    this.#pending.delete(this);
    return true;
  }
}

const noVariables = Buffer.from('{}');
const closingBrace = '}'.charCodeAt(0);

function connect(url: URL, options: HttpTransportOptions): Connections {
  const { connections = 256, connectTimeout = 5000, keepAlive = 4000, http2 = false, ca } = options;
  const trusted = ca === undefined ? undefined : [...rootCertificates, ca].flat().map(String);
  return openConnections({ origin: url.origin, http2, connections, connectTimeout, keepAlive, ca: trusted });
}

function fixedHeaders(
  { name: subgraph, headers: more = {} }: HttpSubgraph,
  { compression = false }: HttpTransportOptions,
): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json',
  };
  if (compression) headers['accept-encoding'] = 'gzip, br';
  for (const [name, value] of Object.entries(more)) {
    if (!isHeader(name, value)) {
      throw new RangeError(`The header "${name}" of subgraph "${subgraph}" cannot be sent`);
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** The headers of a call, or undefined where one of the caller's cannot be sent. */
function headersOf(target: Target, caller: Caller): readonly string[] | undefined {
  const headers = target.headers.slice();
  for (const name in caller.headers) {
    const value = caller.headers[name]!;
    if (target.headerNames.has(name)) continue;
    if (!isHeader(name, value)) return undefined;
    headers.push(name, value);
  }
  return headers;
}

/** These would make one request into two, as much as a line break would. */
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
