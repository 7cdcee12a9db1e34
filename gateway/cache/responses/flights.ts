import type { Identity } from '../../auth/identity';
import type { DataChanges } from '../data-changes';
import { AnswerProvenance } from '../policy';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Execution } from '../../execution';
import type { PlanWaits } from '../../admission/plan-waits';
import { noCalls } from '../../telemetry/call-counts';
import type { Caller } from '../../subgraph-calls/transport';
import type { Span } from '../../telemetry/traces/span';
import type { StoredAnswer } from './stored-answer';

/** The caller for whom an operation is run. */
export interface IdentifiedCaller extends Caller {
  readonly identity: Identity;
  /** Settles as `plan` does, or rejects when all waiting requests have been refused. */
  awaitPlan<Plan>(plan: Promise<Plan>, waits: PlanWaits): Promise<Plan>;
}

/** The result of an execution. */
export interface Outcome {
  readonly execution: Execution;
  /** The answer for other requests; undefined if it must not be cached. */
  readonly answer: StoredAnswer | undefined;
}

/**
 * An execution that identical queries share. It is aborted when the last of them has left, and has the latest of their
 * deadlines. It uses the headers, the identity and the trace of the first request.
 */
export class Flight implements IdentifiedCaller {
  readonly headers: Caller['headers'];
  readonly bySubgraph: Caller['bySubgraph'];
  readonly identity: Identity;
  readonly signedIdentity: string | undefined;
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly calls: Caller['calls'];
  readonly span: Span | undefined;
  readonly provenance = new AnswerProvenance();
  /**
   * The first request, which gets response headers for one client alone. Requests that join never get such an answer.
   */
  readonly #first: IncomingRequest | undefined;
  readonly outcome: Promise<Outcome>;
  readonly #requests: IncomingRequest[] = [];
  /** Makes another request wait for the plan; undefined while no plan is awaited. */
  #waitWith: ((request: IncomingRequest) => void) | undefined;
  /** The deadline of a background execution, in milliseconds of `performance.now()`. */
  readonly #until: number | undefined;
  /** The count of changes when it began. */
  readonly #changes: number;

  /** @param until the deadline, for a background execution */
  constructor(
    first: IncomingRequest,
    run: (flight: Flight) => Promise<Outcome>,
    { count }: Pick<DataChanges, 'count'>,
    until?: number,
  ) {
    this.#changes = count;
    this.headers = first.headers;
    this.bySubgraph = first.bySubgraph;
    this.identity = first.identity;
    this.signedIdentity = first.signedIdentity;
    this.scope = first.scope;
    this.tracing = first.tracing;
    this.span = first.span;
    this.calls = until === undefined ? first.calls : noCalls();
    this.#until = until;
    this.#first = until === undefined ? first : undefined;
    if (until === undefined) this.join(first);
    this.outcome = run(this);
    // Requests that wait for the outcome get the error.
    this.outcome.catch(() => undefined);
  }

  /** Whether requests may join: not if it began before the last change, nor if all its requests have left, as it then ends. */
  isJoinable({ count }: Pick<DataChanges, 'count'>): boolean {
    return this.#changes === count && !this.isGone;
  }

  /** Whether the answer may go to a request that has joined. */
  isFor(request: IncomingRequest): boolean {
    return this.provenance.isShareable || this.#first === request;
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

  get collected(): Caller['collected'] {
    return this.#first?.collected;
  }

  get isGone(): boolean {
    return this.#until === undefined && this.#requests.every(({ isGone }) => isGone);
  }

  get deadline(): number {
    return this.#requests.reduce((latest, { deadline }) => Math.max(latest, deadline), this.#until ?? 0);
  }
}
