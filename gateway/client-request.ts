import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { GraphQLError } from 'graphql';
import type { Proof } from './auth/authenticator';
import { anonymous, type Identity } from './auth/identity';
import type { SignIdentity } from './auth/signed-identity';
import { Ingredients } from './cache/policy';
import type { Served } from './edge/answer-headers';
import { requestError } from './errors';
import { requestIdOf } from './telemetry/request-id';
import { formatTraceparent, startTrace, type TraceContext } from './telemetry/trace-context';
import { noCalls } from './transports/call-counts';
import { scopeOf } from './transports/headers';
import type { Live } from './transports/live-set';
import type { Caller } from './transports/transport';

/** The reason of an abortion that nobody is told, because nobody is there any more. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

export interface ClientRequestOptions {
  readonly headers: IncomingHttpHeaders;
  /** Picks the headers that are handed on to subgraphs. */
  readonly forward: (headers: IncomingHttpHeaders) => Caller['headers'];
  /** What subgraphs are told of who sends it. */
  readonly signIdentity: SignIdentity;
  /** Milliseconds that the request may take. */
  readonly timeout: number;
  /** Where it comes from: an IP address. */
  readonly address: string | undefined;
}

interface Operation {
  readonly name: string | null;
  readonly type: string;
}

/** One request of a client, from its first byte until its answer is sent or the client is gone. */
export class ClientRequest implements Caller, Live {
  place = -1;
  readonly id: string;
  /** As clients of Apollo call themselves; empty when they do not. */
  readonly clientName: string;
  readonly clientVersion: string;
  readonly trace: TraceContext;
  readonly headers: Readonly<Record<string, string>>;
  readonly tracing: Readonly<Record<string, string>>;
  readonly start = performance.now();
  readonly deadline: number;
  readonly calls = noCalls();
  /** Where it comes from: an IP address. */
  readonly address: string | undefined;
  /** What its credentials prove; undefined while nobody has looked at them, and where no mode is configured. */
  proof: Proof | undefined;
  /** Why its credentials prove nothing: the answer to it. */
  refusal: Error | undefined;
  /** Whether it was counted for the rates: why it may not go on, or null when it may. */
  rateRefusal: GraphQLError | null | undefined;
  readonly ingredients = new Ingredients();
  /** What it says of the answer that it wants, where that is heard. */
  readonly cacheControl: string | undefined;
  /** How it is answered, where caches may keep the answer. */
  served: Served | undefined;

  readonly #signIdentity: SignIdentity;
  #operation: Operation | undefined;
  #scope: string | undefined;
  /** What the client is told when its request was ended before its time. */
  #abortion: Error | undefined;
  #onAbort: ((reason: Error) => void) | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #atEnd: (() => void)[] = [];

  constructor({ headers, forward, signIdentity, timeout, address }: ClientRequestOptions) {
    this.address = address;
    this.id = requestIdOf(headers['x-request-id']);
    this.clientName = ownName(headers['apollographql-client-name']);
    this.clientVersion = ownName(headers['apollographql-client-version']);
    this.trace = startTrace(single(headers['traceparent']), single(headers['tracestate']));
    this.headers = forward(headers);
    this.cacheControl = headers['cache-control'];
    this.#signIdentity = signIdentity;
    this.tracing = tracingHeaders(this.id, this.trace);
    this.deadline = this.start + timeout;
    this.#timer = setTimeout(() => this.abort(requestError('GATEWAY_TIMEOUT', { timeout })), timeout);
  }

  /** Who sends it. Set before anything answers. */
  get identity(): Identity {
    return this.proof?.identity ?? anonymous;
  }

  /** Known once the document is parsed. */
  get operation(): Operation | undefined {
    return this.#operation;
  }

  /** Says what is asked for. Throws where the credentials are not good for it. */
  resolve(operation: Operation): void {
    this.#operation = operation;
    if (operation.type === 'mutation') this.proof?.admitMutation?.();
  }

  get signedIdentity(): string | undefined {
    return this.#signIdentity(this.identity);
  }

  get scope(): string {
    return (this.#scope ??= scopeOf(this.headers, this.signedIdentity));
  }

  /** What the client gets back: our place in its trace, as W3C Trace Context's level 2 proposes. */
  get traceresponse(): string {
    return formatTraceparent(this.trace);
  }

  get isGone(): boolean {
    return this.#abortion !== undefined;
  }

  /** Settles as `work` does, or rejects with the reason of the abortion the moment it comes. To be called once. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#abortion !== undefined) {
        reject(this.#abortion);
        return;
      }
      this.#onAbort = reject;
      work().then(resolve, reject);
    });
  }

  /** Ends everything that runs for this request; `reason` is what the client is told, if it is still there. */
  abort(reason: Error): void {
    this.#abortion ??= reason;
    this.#onAbort?.(this.#abortion);
  }

  /** `release` is called when the request is over, however it ends. */
  onEnd(release: () => void): void {
    this.#atEnd.push(release);
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const release of this.#atEnd.splice(0)) release();
  }
}

function tracingHeaders(id: string, trace: TraceContext): Caller['tracing'] {
  const headers = { 'x-request-id': id, traceparent: formatTraceparent(trace) };
  return trace.state === undefined ? headers : { ...headers, tracestate: trace.state };
}

/** Longer ones are not worth their memory. */
const ownName = (header: string | string[] | undefined): string => (single(header) ?? '').slice(0, 64);

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}
