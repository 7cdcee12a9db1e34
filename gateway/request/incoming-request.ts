/** Over 300 lines: most of them document each member, and when it is set. */
import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Proof } from '../auth/authenticator';
import { claimAt } from '../auth/claim';
import { anonymous, type Identity, type Mode } from '../auth/identity';
import type { SignIdentity } from '../auth/signed-identity';
import { AnswerProvenance } from '../cache/policy';
import { requestError } from '../errors';
import { pathOf } from '../http/paths';
import type { HookRequest } from './hooks';
import { mostRefusals, type Refusal, type RefusedOperation } from './refusals/refusal';
import { reportedError, type ShownError } from './reported-errors';
import type { ClientProtocol } from '../options/values';
import type { Sink } from './sink';
import { ServerTiming } from './server-timing';
import type { PlanWaiter, PlanWaits } from '../admission/plan-waits';
import { type Charge, networkOf } from '../admission/rates/rates';
import { isRequestId, newRequestId } from '../telemetry/request-id';
import { readTrace, type TraceContext } from '../telemetry/trace-context';
import { datadogContext, datadogHeaders } from '../telemetry/traces/datadog';
import type { Span } from '../telemetry/traces/span';
import type { OwnTrace } from '../telemetry/traces/tracer';
import { type CallCounts, noCalls } from '../telemetry/metrics/call-counts';
import type { CacheResult } from '../cache/responses/answer-headers';
import type { Signature } from '../usage/signature';
import {
  addedHeader,
  type CallHeaders,
  type ForwardHeaders,
  joinScope,
  scopeOf,
} from '../subgraph-calls/header-rules';
import { CollectedHeaders } from '../subgraph-calls/wire/collected-headers';
import type { LiveSetMember } from '../subgraph-calls/sharing/live-set';
import { conclude, PendingAnswer } from '../subgraph-calls/contract/pending-answer';
import type { Caller } from '../subgraph-calls/contract/transport';

/** The abort reason when the client has left. No answer is sent. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** One for all clients: thousands may leave at once, and the stack of each error takes a seventh of the time of that. */
export const goneClient = new ClientGone();

/** Settings that all requests share. */
export interface IncomingRequestOptions {
  /** What picks the headers that subgraphs get, in the graph of a request. */
  readonly forwardIn: (graph: string | undefined) => ForwardHeaders;
  /** Makes the identity that is signed for subgraphs. */
  readonly signIdentity: SignIdentity;
  /** Timeout of a request that has no shorter one of its own, in milliseconds. */
  readonly timeout: number;
  /** Whether answers report how long the parts took: in development. */
  readonly reportsTimes: boolean;
  /** Whether Datadog's headers are read and written, too. */
  readonly datadog: boolean;
  /** Called once per request, when all work for it is done. Its client may not have read the answer yet. */
  readonly onSettle: (request: IncomingRequest) => void;
}

/** A request as its sender sent it, without a body. */
export interface RequestHead {
  readonly method: string;
  /** Path and query string. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The id that the platform has given to it. @default undefined: the gateway makes one */
  readonly requestId?: string | undefined;
}

interface OperationSummary {
  readonly name: string | null;
  readonly type: string;
  /** SHA-256 of the document, in hex. */
  readonly id: string;
  readonly document?: string | undefined;
  /** The name in the request; undefined if the request has none. */
  readonly operationName?: string | undefined;
  /** Made at the first call, as that takes about as long as parsing. */
  readonly signature?: (() => Signature) | undefined;
}

/** Why the credentials of a request were refused, and by which auth mode; `none` if they belong to no mode. */
export interface Denial {
  readonly reason: string;
  readonly mode: Mode;
}

/**
 * One client request, from its first byte until its answer is sent or the client is gone. Members that not every
 * request needs are created lazily: creating all of them takes longer than a cached answer.
 */
export class IncomingRequest implements Caller, LiveSetMember, PlanWaiter {
  indexInSet = -1;
  /** Whether it has been admitted. Until then it is arriving, or waits for a slot. */
  isAdmitted = false;
  /** When it arrived, in milliseconds of `performance.now()`. */
  readonly start: number;
  /** Milliseconds that it may take. */
  readonly timeout: number;
  /** The IP address of its client. Looked up at once, as a closed socket does not have it. */
  readonly address: string;
  /** Replaced where what its client sent is no operation yet. */
  head: RequestHead;
  /** Replaced before anything is answered. */
  sink: Sink;
  /** What its client speaks. Set before anything else is done for it. */
  protocol: ClientProtocol = 'graphql';
  /** The proof in its credentials; undefined before authentication, and without any auth mode. */
  proof: Proof | undefined;
  /** The error to answer if its credentials were refused. */
  refusal: Error | undefined;
  /** The auth mode that has refused its credentials. */
  refusedBy: Mode | undefined;
  /** The result of counting it for the rate limits: the error, or null if it is within them. Undefined before. */
  rateRefusal: GraphQLError | null | undefined;
  /** Counts the estimated cost of an operation for the rate limits; undefined if none limits cost. */
  charge: Charge | undefined;
  rateHeaders: readonly string[] = [];
  /** The cost that was counted for its last operation. */
  charged: number | undefined;
  /** How many errors its answers lack, as there were more than `limits.errors`. */
  errorsLeftOut = 0;
  /** The first error codes in its answers; undefined if there are none. */
  codes: Set<string> | undefined;
  /** The first errors in its answers that differ, as `reportedError` writes them; undefined if there are none. */
  errors: Set<string> | undefined;
  /** Why it, or operations in it, were refused, the first ones; undefined if none was. */
  refusals: readonly Refusal[] | undefined;
  /** Of the operations in it that could not be known the last one. */
  refusedOperation: RefusedOperation | undefined;
  /** What its caller lacks to see all of its operation, as labels of requirements; undefined if it lacks nothing. */
  unmet: readonly string[] | undefined;
  /** Set if it was answered with 401. */
  denial: Denial | undefined;
  /** The graph that it has chosen; undefined where there is only one. */
  graph: string | undefined;
  /** The same in metrics: `other` for one that the options do not name. */
  graphLabel: string | undefined;
  /** How the response cache took part in its last answer. */
  cacheResult: CacheResult | undefined;
  received = 0;
  /** Whether it no longer holds its generation: it is over, or a subscription. */
  isDetached = false;
  /** The cursor of the last answer that its client has of a subscription, where it comes back for those after. */
  after: string | undefined;
  /** Its trace, if it is exported or recorded; else undefined. Unexported, subgraphs get the ids of the client. */
  ownTrace: OwnTrace | undefined;
  /** How long its parts took; undefined where answers do not report it. */
  readonly timing: ServerTiming | undefined;
  /** Called with its answer if that is whole, as JSON, before it is sent. Undefined but for the few that are sampled. */
  keepAnswer: ((body: Buffer) => void) | undefined;
  /** The names of headers that hooks have added for subgraphs; undefined if there are none. */
  added: readonly string[] | undefined;

  readonly #options: IncomingRequestOptions;
  #id: string | undefined;
  #callHeaders: CallHeaders | undefined;
  #bySubgraph: Caller['bySubgraph'];
  #collected: CollectedHeaders | undefined;
  #tracing: Caller['tracing'] | undefined;
  #calls: CallCounts | undefined;
  #provenance: AnswerProvenance | undefined;
  #operation: OperationSummary | undefined;
  #earlierOperations: OperationSummary[] | undefined;
  #scope: string | undefined;
  #shown: HookRequest | undefined;
  /** Whether its operations are running already. */
  #isLate = false;
  #hasForgotten = false;
  /** The error to answer if the request was aborted. */
  #abortion: Error | undefined;
  #onAbort: ((reason: Error) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;
  /** Whether work goes on after the first part of its answer is known. */
  #worksOn = false;
  #isOver = false;
  #atSettle: (() => void)[] | undefined;
  #atEnd: (() => void)[] | undefined;
  #holds: (() => void)[] | undefined;

  constructor(
    options: IncomingRequestOptions,
    head: RequestHead,
    address: string,
    sink: Sink,
    start: number,
    timeout = options.timeout,
  ) {
    this.#options = options;
    this.timing = options.reportsTimes ? new ServerTiming() : undefined;
    this.start = start;
    this.timeout = timeout;
    this.head = head;
    this.address = address;
    this.sink = sink;
  }

  /** Of the gateway or of its platform, never of the client: subgraphs get it with calls that other clients may share. */
  get id(): string {
    return (this.#id ??= this.head.requestId ?? newRequestId());
  }

  /** The client's own `x-request-id`, for logs; undefined without one, and for one that is not valid. */
  get clientRequestId(): string | undefined {
    const sent = this.head.headers['x-request-id'];
    return isRequestId(sent) ? sent : undefined;
  }

  /** Not remembered: most requests have no trace context, and for others it is read only twice. */
  get trace(): Pick<TraceContext, 'traceId'> | undefined {
    return this.ownTrace?.isLocal === false ? this.ownTrace : this.#sentTrace;
  }

  get #sentTrace(): TraceContext | undefined {
    const { headers } = this.head;
    const sent = readTrace(single(headers['traceparent']), single(headers['tracestate']));
    return sent === undefined && this.#options.datadog ? datadogContext(headers) : sent;
  }

  get span(): Span | undefined {
    return this.ownTrace?.span;
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
    return (this.#callHeaders ??= this.#options.forwardIn(this.graph)(
      this.head.headers,
      this.identity.claims,
      this.proof?.token,
    ));
  }

  /** Keeps what cannot hold a credential of what was sent: nothing that is done or written from now on sees more. */
  forgetCredentials(): void {
    if (this.#hasForgotten) return;
    this.#hasForgotten = true;
    const { method, url, headers, requestId } = this.head;
    this.head = { method, url: pathOf(url), headers: headersWithoutCredentials(headers), requestId };
  }

  /** Adds a header for subgraphs. Call it before its operations run. */
  forward(name: string, value: string): void {
    if (this.#isLate)
      throw new RangeError(
        `The header "${name}" must be forwarded in \`onRequest\`, before the operation runs.`,
      );
    const [lower, text] = addedHeader(name, value);
    const { headers, own, shared } = this.#forwarded;
    const withAdded = (each: Caller['headers']): Caller['headers'] => ({ ...each, [lower]: text });
    this.#callHeaders = {
      headers: withAdded(headers),
      own: own && new Map([...own].map(([subgraph, each]) => [subgraph, withAdded(each)])),
      shared,
    };
    this.added = [...(this.added ?? []), lower];
  }

  get shown(): HookRequest {
    return (this.#shown ??= showToHooks(this));
  }

  get tracing(): Caller['tracing'] {
    return (this.#tracing ??= this.#readTracing());
  }

  #readTracing(): Caller['tracing'] {
    const ids =
      this.ownTrace?.isLocal !== false
        ? tracingHeaders(this.id, this.#sentTrace, this.#options.datadog)
        : this.ownTrace.headersFor(this.id);
    const { shared } = this.#forwarded;
    return shared === undefined ? ids : { ...shared, ...ids };
  }

  get tracestate(): string | undefined {
    return this.#sentTrace?.tracestate;
  }

  get calls(): CallCounts {
    return (this.#calls ??= noCalls());
  }

  /** Subgraph calls that were sent, retries included. A shared call counts for the first of its requests. */
  get callsSent(): number {
    return this.#calls?.sent ?? 0;
  }

  /** Notes an error that its client gets. */
  noteError(error: ShownError): void {
    const code = error.extensions?.['code'];
    if (typeof code !== 'string') return;
    const codes = (this.codes ??= new Set());
    if (codes.size < mostCodes) codes.add(code);
    const errors = (this.errors ??= new Set());
    if (errors.size < mostCodes) errors.add(reportedError(error));
  }

  /** Notes why it, or an operation in it, is refused. */
  noteRefusals(refusals: readonly Refusal[]): void {
    this.refusals = [...(this.refusals ?? []), ...refusals].slice(0, mostRefusals);
  }

  get provenance(): AnswerProvenance {
    return (this.#provenance ??= new AnswerProvenance());
  }

  /** The response headers of subgraphs for its client. */
  get collected(): CollectedHeaders {
    return (this.#collected ??= new CollectedHeaders());
  }

  /**
   * Whether caches between the gateway and its client must not store its answer: the answer depends on headers that
   * hooks have added, or has response headers of subgraphs for this client alone.
   */
  get isForOneClient(): boolean {
    return this.added !== undefined || this.#collected?.isEmpty === false;
  }

  get deadline(): number {
    return this.start + this.timeout;
  }

  /** The name in Apollo's client header; empty without one. */
  get clientName(): string {
    return ownName(this.head.headers['apollographql-client-name']);
  }

  get clientVersion(): string {
    return ownName(this.head.headers['apollographql-client-version']);
  }

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

  /** The sender for fair queues: the principal of the caller, or the address of an anonymous one. */
  get sender(): string {
    const { principal } = this.identity;
    return principal === '' ? networkOf(this.address) : principal;
  }

  /** Known once the document is parsed. A long name is truncated, as it goes into log lines and audit trails. */
  get operation(): OperationSummary | undefined {
    return this.#operation;
  }

  /** How many of its operations were found and begun. */
  get operations(): number {
    return this.#operation === undefined ? 0 : 1 + (this.#earlierOperations?.length ?? 0);
  }

  /** The other operations of a batch; undefined where there are none. */
  get earlierOperations(): readonly OperationSummary[] | undefined {
    return this.#earlierOperations;
  }

  /** Sets the operation that is about to run. Throws if the credentials are not valid for it. */
  resolve(operation: OperationSummary): void {
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

  /** Response headers for this request alone, names and values in turn. Complete once the answer is. */
  get ownHeaders(): readonly string[] {
    const own = ['x-request-id', this.id, ...this.rateHeaders];
    if (this.timing !== undefined)
      own.push('server-timing', this.timing.write(this.cacheResult, performance.now() - this.start));
    return this.#collected === undefined ? own : [...own, ...this.#collected.list];
  }

  get isGone(): boolean {
    return this.#abortion !== undefined;
  }

  /**
   * Calls `done` with the result of `work`; or `failed` with its error, whether it throws or rejects, or with the abort
   * reason as soon as the request is aborted. One of them is called once, unless the request is settled before. Called
   * once itself.
   *
   * If `work` settles at the deadline or later, that is a timeout, even if the timer has not fired yet: subgraph calls
   * end at the same deadline, so the result would lack their data.
   */
  run<Result>(
    work: () => Promise<Result>,
    done: (result: Result) => void,
    failed: (reason: unknown) => void,
  ): void {
    this.#onAbort = failed;
    const left = this.deadline - performance.now();
    if (left <= 0) this.#timeOut();
    else if (this.#abortion !== undefined) this.abort(this.#abortion);
    if (this.#abortion !== undefined) return;
    // Rounded, as Node has a list of timers for each number of milliseconds.
    this.#timer = setTimeout(() => this.#timeOut(), Math.ceil(left));
    conclude(
      begun(work),
      undefined,
      (result) => {
        if (this.#endsWork()) done(result);
      },
      (error) => {
        if (this.#endsWork()) failed(error);
      },
    );
  }

  #timeOut(): void {
    this.abort(requestError('GATEWAY_TIMEOUT', { timeout: this.timeout }));
  }

  /** @returns whether the end of its work is still awaited */
  #endsWork(): boolean {
    if (performance.now() >= this.deadline) this.#timeOut();
    const isAwaited = this.#onAbort !== undefined;
    this.settle();
    return isAwaited;
  }

  awaitPlan<Plan>(plan: Promise<Plan>, waits: PlanWaits): Promise<Plan> {
    return waits.wait(this, plan);
  }

  /** Aborts everything that runs for this request; `reason` is the error to answer, if the client is still there. */
  abort(reason: Error): void {
    const abortion = (this.#abortion ??= reason);
    const onAbort = this.#onAbort;
    this.#onAbort = undefined;
    // Not at once: whoever aborts many requests is not to be interrupted by their answers.
    if (onAbort !== undefined) void Promise.resolve(abortion).then(onAbort);
    this.#worksOn = false;
    this.settle();
  }

  /** Work goes on after the first part of its answer is known. It settles when what is returned is called. */
  workOn(): () => void {
    this.#worksOn = true;
    return () => {
      this.#worksOn = false;
      this.settle();
    };
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  onSettle(release: () => void): void {
    if (this.#isSettled) release();
    else if (this.#atSettle === undefined) this.#atSettle = [release];
    else this.#atSettle.push(release);
  }

  /** Calls `release` when the request is over, however it ends; at once if it is over already. */
  onEnd(release: () => void): void {
    if (this.#isOver) release();
    else if (this.#atEnd === undefined) this.#atEnd = [release];
    else this.#atEnd.push(release);
  }

  /** Keeps what it runs on open until the request is over, or gives that back. */
  hold(release: () => void): void {
    if (this.#isOver) release();
    else if (this.#holds === undefined) this.#holds = [release];
    else this.#holds.push(release);
  }

  /** Gives back what it runs on: a subscription outlives it. */
  letGo(): void {
    this.isDetached = true;
    const held = this.#holds;
    this.#holds = undefined;
    releaseAll(held);
  }

  end(): void {
    if (this.protocol === 'mcp') this.forgetCredentials();
    this.#isOver = true;
    this.#worksOn = false;
    this.settle();
    this.letGo();
    const atEnd = this.#atEnd;
    this.#atEnd = undefined;
    releaseAll(atEnd);
  }

  /** Called when its answer, or the first part of it, is known. The client may read it later. */
  settle(): void {
    if (this.#isSettled) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    // Frees the execution at once. The client may read slowly, and a request that lived long is in V8's old generation,
    // where it would keep its whole execution until a full collection.
    this.#timer = undefined;
    this.#onAbort = undefined;
    if (this.#worksOn) return;
    this.#isSettled = true;
    const atSettle = this.#atSettle;
    this.#atSettle = undefined;
    releaseAll(atSettle);
    this.#options.onSettle(this);
  }
}

/** Begins work; rejects with what it throws. */
function begun<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return work();
  } catch (error) {
    const failed = new PendingAnswer<Result>();
    failed.reject(error);
    return failed;
  }
}

function releaseAll(releases: readonly (() => void)[] | undefined): void {
  if (releases !== undefined) for (const release of releases) release();
}

function showToHooks(request: IncomingRequest): HookRequest {
  const { id, head, address, identity } = request;
  const headers = Object.freeze({ ...head.headers });
  const forward = (name: string, value: string): void => request.forward(name, value);
  return Object.freeze({ id, method: head.method, url: head.url, headers, address, identity, forward });
}

function tracingHeaders(id: string, trace: TraceContext | undefined, datadog: boolean): Caller['tracing'] {
  if (trace === undefined) return { 'x-request-id': id };
  const headers = { 'x-request-id': id, traceparent: trace.traceparent };
  return datadog ? { ...headers, ...datadogHeaders(trace) } : headers;
}

/** Error codes that are noted per request, and errors. */
const mostCodes = 10;
/** Characters of an operation's name that are kept. */
const longestName = 200;

/** A name in a client header, cut to 64 characters. */
function ownName(header: string | string[] | undefined): string {
  const name = single(header) ?? '';
  // Copied, as V8 keeps the whole header for a slice of it, and names outlive their requests.
  return name.length <= 64 ? name : Buffer.from(name.slice(0, 64)).toString();
}

/** Headers of agents: any other may hold a credential, however it is named. */
const harmless = [
  ...['accept', 'accept-language', 'content-length', 'content-type', 'host', 'origin', 'user-agent'],
  ...['mcp-method', 'mcp-name', 'mcp-protocol-version', 'x-request-id', 'traceparent', 'tracestate'],
  ...['apollographql-client-name', 'apollographql-client-version'],
];

function headersWithoutCredentials(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {};
  for (const name of harmless) if (headers[name] !== undefined) kept[name] = headers[name];
  return kept;
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}
