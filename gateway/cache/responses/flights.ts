import type { Identity } from '../../auth/identity';
import type { DataChanges } from '../data-changes';
import { AnswerProvenance } from '../policy';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Execution } from '../../execution';
import type { PlanWaits } from '../../admission/plan-waits';
import { noCalls } from '../../telemetry/metrics/call-counts';
import { type LiveSetMember, outOfSet } from '../../subgraph-calls/sharing/live-set';
import { PendingAnswer } from '../../subgraph-calls/contract/pending-answer';
import type { Caller } from '../../subgraph-calls/contract/transport';
import type { Span } from '../../telemetry/traces/span';
import type { StoredAnswer } from './stored-answer';

/** The caller for whom an operation is run. */
export interface IdentifiedCaller extends Caller {
  readonly identity: Identity;
  /** Settles as `plan` does, or rejects when all waiting requests have been refused. */
  awaitPlan<Plan>(plan: Promise<Plan>, waits: PlanWaits): Promise<Plan>;
}

/**
 * An execution that identical queries share. It is aborted when the last of them has left, and has the latest of their
 * deadlines. It uses the headers, the identity and the trace of the first request.
 */
export class QueryFlight implements IdentifiedCaller, LiveSetMember {
  indexInSet = outOfSet;
  /** Queries with equal keys may join. */
  readonly key: string;
  readonly provenance = new AnswerProvenance();
  /** The answer for other requests, once the query is executed; undefined if it must not be cached. */
  answer: StoredAnswer | undefined;
  readonly #first: IncomingRequest;
  readonly #requests: IncomingRequest[];
  /** Makes another request wait for the plan; undefined while no plan is awaited. */
  #waitWith: ((request: IncomingRequest) => void) | undefined;
  /** The deadline of a background execution, in milliseconds of `performance.now()`. */
  readonly #until: number | undefined;
  /** The count of changes when it began. */
  readonly #changes: number;
  /** The calls of a background execution. */
  #calls: Caller['calls'] | undefined;
  /** Undefined until somebody waits for it: most queries are executed for one request alone. */
  #execution: Promise<Execution> | undefined;
  /** Of each request that waits by itself. */
  #waiting: PendingAnswer<Execution>[] | undefined;

  /** @param until the deadline, for a background execution */
  constructor(key: string, first: IncomingRequest, { count }: Pick<DataChanges, 'count'>, until?: number) {
    this.key = key;
    this.#first = first;
    this.#changes = count;
    this.#until = until;
    this.#requests = until === undefined ? [first] : [];
  }

  /** Settles when the query is executed. */
  get execution(): Promise<Execution> {
    return (this.#execution ??= new PendingAnswer<Execution>());
  }

  /** Sets what settles. Without it `land` or `crash` is to be called. */
  set execution(execution: Promise<Execution>) {
    this.#execution = execution;
  }

  /** Settles as `execution` does, by `land` or `crash`. For one request alone, which may `follow` it. */
  wait(): PendingAnswer<Execution> {
    const own = new PendingAnswer<Execution>();
    (this.#waiting ??= []).push(own);
    return own;
  }

  /** Resolves `execution`, if anybody waits for it. */
  land(execution: Execution): void {
    this.#settle((waiting) => waiting.resolve(execution));
  }

  /** Rejects `execution`, if anybody waits for it. */
  crash(error: unknown): void {
    this.#settle((waiting) => waiting.reject(error));
  }

  #settle(settle: (waiting: PendingAnswer<Execution>) => void): void {
    if (this.#execution instanceof PendingAnswer) settle(this.#execution as PendingAnswer<Execution>);
    const waiting = this.#waiting;
    // Not at once: the first request is answered first.
    if (waiting !== undefined) queueMicrotask(() => waiting.forEach(settle));
  }

  get headers(): Caller['headers'] {
    return this.#first.headers;
  }

  get bySubgraph(): Caller['bySubgraph'] {
    return this.#first.bySubgraph;
  }

  get identity(): Identity {
    return this.#first.identity;
  }

  get signedIdentity(): string | undefined {
    return this.#first.signedIdentity;
  }

  get scope(): string {
    return this.#first.scope;
  }

  get tracing(): Caller['tracing'] {
    return this.#first.tracing;
  }

  get span(): Span | undefined {
    return this.#first.span;
  }

  get calls(): Caller['calls'] {
    return this.#until === undefined ? this.#first.calls : (this.#calls ??= noCalls());
  }

  /** The first request gets response headers for one client alone. Requests that join never get such an answer. */
  get collected(): Caller['collected'] {
    return this.#until === undefined ? this.#first.collected : undefined;
  }

  /** Whether requests may join: not if it began before the last change, nor if all its requests have left, as it then ends. */
  isJoinable({ count }: Pick<DataChanges, 'count'>): boolean {
    return this.#changes === count && !this.isGone;
  }

  /** Whether the answer may go to a request that has joined. */
  isFor(request: IncomingRequest): boolean {
    return this.provenance.isShareable || (this.#until === undefined && this.#first === request);
  }

  join(request: IncomingRequest): void {
    this.#requests.push(request);
    this.#waitWith?.(request);
  }

  awaitPlan<Plan>(plan: Promise<Plan>, waits: PlanWaits): Promise<Plan> {
    if (this.#requests.length === 0) return plan;
    let waiting = 0;
    return new Promise<Plan>((resolve) => {
      this.#waitWith = (request) => {
        waiting++;
        const waited = waits.wait(request, plan);
        waited.then(resolve, () => {
          if (--waiting === 0) resolve(waited);
        });
      };
      for (const request of this.#requests) this.#waitWith(request);
    }).finally(() => (this.#waitWith = undefined));
  }

  /** How many requests have joined it. */
  get size(): number {
    return this.#requests.length;
  }

  get isGone(): boolean {
    if (this.#until !== undefined) return false;
    for (const request of this.#requests) if (!request.isGone) return false;
    return true;
  }

  get deadline(): number {
    let latest = this.#until ?? 0;
    for (const { deadline } of this.#requests) if (deadline > latest) latest = deadline;
    return latest;
  }
}
