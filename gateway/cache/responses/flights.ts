import type { Identity } from '../../auth/identity';
import { AnswerProvenance } from '../policy';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Execution } from '../../execution';
import type { PlanWaits } from '../../admission/plan-waits';
import { noCalls } from '../../telemetry/call-counts';
import type { Caller } from '../../subgraph-calls/transport';
import type { StoredAnswer } from './stored-answer';

/** The caller for whom an operation is run. */
export interface IdentifiedCaller extends Caller {
  readonly identity: Identity;
  /** Settles as `plan` does, or rejects when nobody may wait for it any more. */
  awaitPlan<Plan>(plan: Promise<Plan>, waits: PlanWaits): Promise<Plan>;
}

/** The result of an execution. */
export interface Outcome {
  readonly execution: Execution;
  /** What others may be served; undefined for what must not be kept. */
  readonly answer: StoredAnswer | undefined;
}

/**
 * An execution that identical queries share while it runs. It runs until the last of them has left, and its deadline is
 * the latest of theirs. It uses the headers, the identity and the trace of the request that began it.
 */
export class Flight implements IdentifiedCaller {
  readonly headers: Caller['headers'];
  readonly bySubgraph: Caller['bySubgraph'];
  readonly identity: Identity;
  readonly signedIdentity: string | undefined;
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly calls: Caller['calls'];
  readonly provenance = new AnswerProvenance();
  /** For the client that began it: those who joined get no answer with such headers. */
  readonly #first: IncomingRequest | undefined;
  readonly outcome: Promise<Outcome>;
  readonly #requests: IncomingRequest[] = [];
  /** Has one more client wait for the plan; undefined while none is waited for. */
  #waitWith: ((request: IncomingRequest) => void) | undefined;
  /** Milliseconds of `performance.now()`; set where nobody waits for it. */
  readonly #until: number | undefined;

  /** @param until for an execution that nobody waits for: when it must be over */
  constructor(first: IncomingRequest, run: (flight: Flight) => Promise<Outcome>, until?: number) {
    this.headers = first.headers;
    this.bySubgraph = first.bySubgraph;
    this.identity = first.identity;
    this.signedIdentity = first.signedIdentity;
    this.scope = first.scope;
    this.tracing = first.tracing;
    this.calls = until === undefined ? first.calls : noCalls();
    this.#until = until;
    this.#first = until === undefined ? first : undefined;
    if (until === undefined) this.join(first);
    this.outcome = run(this);
    // Who waits for it gets the error.
    this.outcome.catch(() => undefined);
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
