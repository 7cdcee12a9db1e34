/** Over 300 lines: most of them say what each member means, and when it is set. */
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { GraphQLError } from 'graphql';
import type { Proof } from '../auth/authenticator';
import { anonymous, type Identity } from '../auth/identity';
import type { SignIdentity } from '../auth/signed-identity';
import { AnswerProvenance } from '../cache/policy';
import { requestError } from '../errors';
import type { HookRequest } from './hooks';
import type { Sink } from './sink';
import type { PlanWaiter, PlanWaits } from '../admission/plan-waits';
import { type Charge, networkOf } from '../admission/rates/rates';
import { requestIdOf } from '../telemetry/request-id';
import { formatTraceparent, startTrace, type TraceContext } from '../telemetry/trace-context';
import { type CallCounts, noCalls } from '../telemetry/call-counts';
import { addedHeader, scopeOf } from '../subgraph-calls/headers';
import type { Live } from '../subgraph-calls/live-set';
import type { Caller } from '../subgraph-calls/transport';

/** The reason of an abortion that nobody is told, because nobody is there any more. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** What is the same for all requests. */
export interface IncomingRequestOptions {
  /** Picks the headers that are handed on to subgraphs. */
  readonly forward: (headers: IncomingHttpHeaders) => Caller['headers'];
  /** What subgraphs are told of who sends it. */
  readonly signIdentity: SignIdentity;
  /** Milliseconds that the request may take. */
  readonly timeout: number;
  /** Called once for each: nothing is worked on for it any more, though its client may not have read its answer. */
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
}

/**
 * One request of a client, from its first byte until its answer is sent or the client is gone. What not all requests
 * need is made when it is first asked for: an answer from the cache is given in less time than all of it takes.
 */
export class IncomingRequest implements Caller, Live, PlanWaiter {
  place = -1;
  /** Whether it has been admitted: before, it is arriving or waits for a slot. */
  isAdmitted = false;
  /** When it came, in milliseconds as `performance.now()` says them. */
  readonly start: number;
  /** Where it comes from: an IP address. Looked up at once, as a closed socket does not know it. */
  readonly address: string;
  readonly head: RequestHead;
  readonly sink: Sink;
  /** What its credentials prove; undefined while nobody has looked at them, and where no mode is configured. */
  proof: Proof | undefined;
  /** Why its credentials prove nothing: the answer to it. */
  refusal: Error | undefined;
  /** Whether it was counted for the rates: why it may not go on, or null when it may. */
  rateRefusal: GraphQLError | null | undefined;
  /** Counts what an operation of it is going to cost; undefined where no rate counts that. */
  charge: Charge | undefined;
  rateHeaders: readonly string[] = [];
  /** What its last operation was counted as. */
  charged: number | undefined;
  /** How many errors its answers do not tell, as they are too many. */
  errorsLeftOut = 0;
  received = 0;
  /** The names of headers that hooks have added for subgraphs; undefined where there are none. */
  added: readonly string[] | undefined;

  readonly #options: IncomingRequestOptions;
  #id: string | undefined;
  #trace: TraceContext | undefined;
  #headers: Caller['headers'] | undefined;
  #tracing: Caller['tracing'] | undefined;
  #calls: CallCounts | undefined;
  #ingredients: AnswerProvenance | undefined;
  #operation: Operation | undefined;
  #scope: string | undefined;
  #shown: HookRequest | undefined;
  /** Whether its operations run. */
  #isLate = false;
  /** What the client is told when its request was ended before its time. */
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

  get trace(): TraceContext {
    const { traceparent, tracestate } = this.head.headers;
    return (this.#trace ??= startTrace(single(traceparent), single(tracestate)));
  }

  get headers(): Caller['headers'] {
    return (this.#headers ??= this.#options.forward(this.head.headers));
  }

  /** Adds a header for subgraphs, before its operations run. */
  forward(name: string, value: string): void {
    if (this.#isLate)
      throw new RangeError(
        `The header "${name}" must be forwarded in \`onRequest\`, before the operation runs.`,
      );
    const [lower, text] = addedHeader(name, value);
    this.#headers = { ...this.headers, [lower]: text };
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

  get ingredients(): AnswerProvenance {
    return (this.#ingredients ??= new AnswerProvenance());
  }

  get deadline(): number {
    return this.start + this.#options.timeout;
  }

  /** As clients of Apollo call themselves; empty when they do not. */
  get clientName(): string {
    return ownName(this.head.headers['apollographql-client-name']);
  }

  get clientVersion(): string {
    return ownName(this.head.headers['apollographql-client-version']);
  }

  /** What it says of the answer that it wants, where that is heard. */
  get cacheControl(): string | undefined {
    return this.head.headers['cache-control'];
  }

  /** Who sends it. Set before anything answers. */
  get identity(): Identity {
    return this.proof?.identity ?? anonymous;
  }

  /** Whoever has proven nothing is known by the address only. */
  get sender(): string {
    const { principal } = this.identity;
    return principal === '' ? networkOf(this.address) : principal;
  }

  /** Known once the document is parsed. A long name is cut: it goes into a line of the log and of audit trails. */
  get operation(): Operation | undefined {
    return this.#operation;
  }

  /** Says what is asked for. Throws where the credentials are not good for it. */
  resolve(operation: Operation): void {
    this.#isLate = true;
    const { name } = operation;
    const isLong = name !== null && name.length > longestName;
    this.#operation = isLong ? { ...operation, name: `${name.slice(0, longestName)}…` } : operation;
    if (operation.type === 'mutation') this.proof?.admitMutation?.();
  }

  get signedIdentity(): string | undefined {
    return this.#options.signIdentity(this.identity);
  }

  get scope(): string {
    return (this.#scope ??= scopeOf(this.headers, this.signedIdentity));
  }

  /**
   * What its answer says of this request alone, names and values of headers in turn. With it the client gets back our
   * place in its trace, as W3C Trace Context's level 2 proposes. Complete when the answer is.
   */
  get ownHeaders(): readonly string[] {
    return ['x-request-id', this.id, 'traceresponse', formatTraceparent(this.trace), ...this.rateHeaders];
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

  /** Ends everything that runs for this request; `reason` is what the client is told, if it is still there. */
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

  /** `release` is called when the request is over, however it ends: at once where it is. */
  onEnd(release: () => void): void {
    if (this.#isOver) release();
    else (this.#atEnd ??= []).push(release);
  }

  end(): void {
    this.#isOver = true;
    this.settle();
    for (const release of this.#atEnd?.splice(0) ?? []) release();
  }

  /** Says that nothing is worked on for it any more: its answer is known, whenever that is read. */
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

function tracingHeaders(id: string, trace: TraceContext): Caller['tracing'] {
  const headers = { 'x-request-id': id, traceparent: formatTraceparent(trace) };
  return trace.state === undefined ? headers : { ...headers, tracestate: trace.state };
}

/** Characters of an operation's name. */
const longestName = 200;

/** Longer ones are not worth their memory. */
const ownName = (header: string | string[] | undefined): string => (single(header) ?? '').slice(0, 64);

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}
