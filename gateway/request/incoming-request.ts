/** Over 300 lines: most of them say what each member means, and when it is set. */
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { GraphQLError } from 'graphql';
import type { Proof } from '../auth/authenticator';
import { claimAt } from '../auth/claim';
import { anonymous, type Identity, type Mode } from '../auth/identity';
import type { SignIdentity } from '../auth/signed-identity';
import { AnswerProvenance } from '../cache/policy';
import { requestError } from '../errors';
import type { HookRequest } from './hooks';
import type { Sink } from './sink';
import type { PlanWaiter, PlanWaits } from '../admission/plan-waits';
import { type Charge, networkOf } from '../admission/rates/rates';
import { requestIdOf } from '../telemetry/request-id';
import { readTrace, type TraceContext } from '../telemetry/trace-context';
import { type CallCounts, noCalls } from '../telemetry/call-counts';
import type { CacheResult } from '../cache/responses/answer-headers';
import {
  addedHeader,
  type CallHeaders,
  type ForwardHeaders,
  joinScope,
  scopeOf,
} from '../subgraph-calls/headers';
import { CollectedHeaders } from '../subgraph-calls/collected-headers';
import type { Live } from '../subgraph-calls/live-set';
import type { Caller } from '../subgraph-calls/transport';

/** The abort reason when the client has left. Nobody is told. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** What all requests have in common. */
export interface IncomingRequestOptions {
  /** Picks the headers that subgraphs get. */
  readonly forward: ForwardHeaders;
  /** Makes the identity that is signed for subgraphs. */
  readonly signIdentity: SignIdentity;
  /** Milliseconds that the request may take. */
  readonly timeout: number;
  /** Called once per request, when nothing is worked on for it any more; its client may not have read the answer yet. */
  readonly onSettle: (request: IncomingRequest) => void;
}

/** A request as its sender sent it, without a body. */
export interface RequestHead {
  readonly method: string;
  /** Path and query string. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

interface Operation {
  readonly name: string | null;
  readonly type: string;
  /** SHA-256 of the document, in hex. */
  readonly id: string;
}

/** Why the credentials of a request were refused, and by which auth mode; `none` where they are of no mode. */
export interface Denial {
  readonly reason: string;
  readonly mode: Mode;
}

/**
 * One client request, from its first byte until its answer is sent or the client is gone. Members that not all requests
 * need are made lazily: a cached answer takes less time than making all of them.
 */
export class IncomingRequest implements Caller, Live, PlanWaiter {
  indexInSet = -1;
  /** Whether it has been admitted: before, it is arriving or waits for a slot. */
  isAdmitted = false;
  /** When it arrived, in milliseconds of `performance.now()`. */
  readonly start: number;
  /** The IP address of its client. Looked up at once, as a closed socket does not have it. */
  readonly address: string;
  readonly head: RequestHead;
  readonly sink: Sink;
  /** The proof in its credentials; undefined before authentication, and without any auth mode. */
  proof: Proof | undefined;
  /** The error to answer if its credentials were refused. */
  refusal: Error | undefined;
  /** The auth mode that has refused its credentials. */
  refusedBy: Mode | undefined;
  /** Whether it was counted for the rates: why it may not go on, or null when it may. */
  rateRefusal: GraphQLError | null | undefined;
  /** Counts what an operation of it is going to cost; undefined where no rate counts that. */
  charge: Charge | undefined;
  rateHeaders: readonly string[] = [];
  /** What its last operation was counted as. */
  charged: number | undefined;
  /** How many errors were left out of its answers, beyond `limits.errors`. */
  errorsLeftOut = 0;
  /** The codes of the errors in its answers, the first ones of them; undefined where there are none. */
  codes: Set<string> | undefined;
  /** Set where it was answered with 401. */
  denial: Denial | undefined;
  /** How the response cache took part in its last answer. */
  cacheResult: CacheResult | undefined;
  received = 0;
  /** The names of headers that hooks have added for subgraphs; undefined where there are none. */
  added: readonly string[] | undefined;

  readonly #options: IncomingRequestOptions;
  #id: string | undefined;
  #callHeaders: CallHeaders | undefined;
  #bySubgraph: Caller['bySubgraph'];
  #collected: CollectedHeaders | undefined;
  #tracing: Caller['tracing'] | undefined;
  #calls: CallCounts | undefined;
  #provenance: AnswerProvenance | undefined;
  #operation: Operation | undefined;
  #earlierOperations: Operation[] | undefined;
  #scope: string | undefined;
  #shown: HookRequest | undefined;
  /** Whether its operations run. */
  #isLate = false;
  /** The error to answer if the request was aborted. */
  #abortion: Error | undefined;
  #onAbort: ((reason: Error) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;
  #isOver = false;
  #atSettle: (() => void)[] | undefined;
  #atEnd: (() => void)[] | undefined;

  constructor(
    options: IncomingRequestOptions,
    head: RequestHead,
    address: string,
    sink: Sink,
    start: number,
  ) {
    this.#options = options;
    this.start = start;
    this.head = head;
    this.address = address;
    this.sink = sink;
  }

  get id(): string {
    return (this.#id ??= requestIdOf(this.head.headers['x-request-id']));
  }

  /** Read anew each time: most requests have none, and others are asked twice. */
  get trace(): TraceContext | undefined {
    const { traceparent, tracestate } = this.head.headers;
    return readTrace(single(traceparent), single(tracestate));
  }

  get headers(): Caller['headers'] {
    return this.#forwarded.headers;
  }

  get bySubgraph(): Caller['bySubgraph'] {
    const { own } = this.#forwarded;
    if (own === undefined) return undefined;
    return (this.#bySubgraph ??= new Map(
      [...own].map(([name, headers]) => [name, { headers, scope: scopeOf(headers, this.signedIdentity) }]),
    ));
  }

  get #forwarded(): CallHeaders {
    return (this.#callHeaders ??= this.#options.forward(this.head.headers, this.identity.claims));
  }

  /** Adds a header for subgraphs. Call it before its operations run. */
  forward(name: string, value: string): void {
    if (this.#isLate)
      throw new RangeError(
        `The header "${name}" must be forwarded in \`onRequest\`, before the operation runs.`,
      );
    const [lower, text] = addedHeader(name, value);
    const { headers, own } = this.#forwarded;
    const withAdded = (each: Caller['headers']): Caller['headers'] => ({ ...each, [lower]: text });
    this.#callHeaders = {
      headers: withAdded(headers),
      own: own && new Map([...own].map(([subgraph, each]) => [subgraph, withAdded(each)])),
    };
    this.added = [...(this.added ?? []), lower];
  }

  /** What hooks see of it. */
  get shown(): HookRequest {
    return (this.#shown ??= showToHooks(this));
  }

  get tracing(): Caller['tracing'] {
    return (this.#tracing ??= tracingHeaders(this.id, this.trace));
  }

  get calls(): CallCounts {
    return (this.#calls ??= noCalls());
  }

  /** How many calls of subgraphs were made for it in the first place. */
  get callsSent(): number {
    return this.#calls?.sent ?? 0;
  }

  /** Notes the code of an error that its client is told. */
  noteCode(code: unknown): void {
    if (typeof code !== 'string') return;
    const codes = (this.codes ??= new Set());
    if (codes.size < mostCodes) codes.add(code);
  }

  get provenance(): AnswerProvenance {
    return (this.#provenance ??= new AnswerProvenance());
  }

  /** The response headers of subgraphs for its client. */
  get collected(): CollectedHeaders {
    return (this.#collected ??= new CollectedHeaders());
  }

  /**
   * Whether its answer depends on more than caches between the gateway and its client know: on headers that hooks have
   * added, or with headers of subgraphs that are for this client alone.
   */
  get isForOneClient(): boolean {
    return this.added !== undefined || this.#collected?.isEmpty === false;
  }

  get deadline(): number {
    return this.start + this.#options.timeout;
  }

  /** The name in Apollo's client header; empty without one. */
  get clientName(): string {
    return ownName(this.head.headers['apollographql-client-name']);
  }

  get clientVersion(): string {
    return ownName(this.head.headers['apollographql-client-version']);
  }

  /** The `Cache-Control` of the client, if that is honoured. */
  get cacheControl(): string | undefined {
    return this.head.headers['cache-control'];
  }

  /** The authenticated caller. Set before any answer. */
  get identity(): Identity {
    return this.proof?.identity ?? anonymous;
  }

  /** A claim of the caller; a name with dots may name a member of a claim. */
  claim(name: string): unknown {
    return claimAt(this.identity.claims, name);
  }

  /** The sender for fair queues: anonymous callers are known only by their address. */
  get sender(): string {
    const { principal } = this.identity;
    return principal === '' ? networkOf(this.address) : principal;
  }

  /** Known once the document is parsed. A long name is truncated, as it goes into log lines and audit trails. */
  get operation(): Operation | undefined {
    return this.#operation;
  }

  /** How many of its operations were found and begun. */
  get operations(): number {
    return this.#operation === undefined ? 0 : 1 + (this.#earlierOperations?.length ?? 0);
  }

  /** The other operations of a batch; undefined where there are none. */
  get earlierOperations(): readonly Operation[] | undefined {
    return this.#earlierOperations;
  }

  /** Sets the operation. Throws if the credentials are not valid for it. */
  resolve(operation: Operation): void {
    this.#isLate = true;
    if (this.#operation !== undefined) (this.#earlierOperations ??= []).push(this.#operation);
    const { name } = operation;
    const isLong = name !== null && name.length > longestName;
    this.#operation = isLong ? { ...operation, name: `${name.slice(0, longestName)}…` } : operation;
    if (operation.type === 'mutation') this.proof?.admitMutation?.();
  }

  get signedIdentity(): string | undefined {
    return this.#options.signIdentity(this.identity);
  }

  get scope(): string {
    return (this.#scope ??= this.#scopeOfAll());
  }

  #scopeOfAll(): string {
    let scope = scopeOf(this.headers, this.signedIdentity);
    for (const [subgraph, own] of this.bySubgraph ?? []) scope = joinScope(scope, subgraph, own.scope);
    return scope;
  }

  /** What its answer says of this request alone, names and values of headers in turn. Complete when the answer is. */
  get ownHeaders(): readonly string[] {
    const own = ['x-request-id', this.id, ...this.rateHeaders];
    return this.#collected === undefined ? own : [...own, ...this.#collected.list];
  }

  get isGone(): boolean {
    return this.#abortion !== undefined;
  }

  /**
   * Settles as `work` does, or rejects with the reason of the abortion the moment it comes. To be called once.
   *
   * What settles at the deadline or later is a timeout, whether or not the timer has come: calls of subgraphs end at the
   * same time, and what is left without them is no answer.
   */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const { timeout } = this.#options;
    return new Promise<Result>((resolve, reject) => {
      const left = this.deadline - performance.now();
      const end = (): void => this.abort(requestError('GATEWAY_TIMEOUT', { timeout }));
      if (left <= 0) end();
      if (this.#abortion !== undefined) {
        reject(this.#abortion);
        return;
      }
      this.#onAbort = reject;
      this.#timer = setTimeout(end, left);
      const settleBy =
        <Value>(how: (value: Value) => void) =>
        (value: Value): void => {
          if (performance.now() >= this.deadline) end();
          else how(value);
          this.settle();
        };
      work().then(settleBy(resolve), settleBy(reject));
    });
  }

  awaitPlan<Plan>(plan: Promise<Plan>, waits: PlanWaits): Promise<Plan> {
    return waits.wait(this, plan);
  }

  /** Aborts everything that runs for this request; `reason` is the error to answer, if the client is still there. */
  abort(reason: Error): void {
    this.#abortion ??= reason;
    this.#onAbort?.(this.#abortion);
    this.settle();
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  onSettle(release: () => void): void {
    if (this.#isSettled) release();
    else (this.#atSettle ??= []).push(release);
  }

  /** Calls `release` when the request is over, however it ends; at once if it is over already. */
  onEnd(release: () => void): void {
    if (this.#isOver) release();
    else (this.#atEnd ??= []).push(release);
  }

  end(): void {
    this.#isOver = true;
    this.settle();
    for (const release of this.#atEnd?.splice(0) ?? []) release();
  }

  /** To be called when its answer is known and nothing is worked on for it any more, whenever the answer is read. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    // Its client may read slowly; and a request that was there for long is among the old objects, and keeps what it refers
    // to until all of them are collected: here its whole execution.
    this.#timer = undefined;
    this.#onAbort = undefined;
    for (const release of this.#atSettle?.splice(0) ?? []) release();
    this.#options.onSettle(this);
  }
}

function showToHooks(request: IncomingRequest): HookRequest {
  const { id, head, address, identity } = request;
  const headers = Object.freeze({ ...head.headers });
  const forward = (name: string, value: string): void => request.forward(name, value);
  return Object.freeze({
    id,
    ...{ method: head.method, url: head.url, headers },
    address,
    identity,
    forward,
  });
}

function tracingHeaders(id: string, trace: TraceContext | undefined): Caller['tracing'] {
  if (trace === undefined) return { 'x-request-id': id };
  const { traceparent, tracestate } = trace;
  const headers = { 'x-request-id': id, traceparent };
  return tracestate === undefined ? headers : { ...headers, tracestate };
}

/** Codes of errors that are kept of one request. */
const mostCodes = 10;
/** Characters of an operation's name. */
const longestName = 200;

/** Longer ones are not worth their memory. */
const ownName = (header: string | string[] | undefined): string => (single(header) ?? '').slice(0, 64);

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}
