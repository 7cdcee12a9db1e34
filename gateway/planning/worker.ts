/** The thread in which operations are planned: one plan at a time, until the thread is terminated. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { refuseHugeArrays } from './huge-arrays';
import { letRequestsGoFirst } from './thread-priority';
import { systemThread } from './thread-time';
import {
  buildQueryPlanner,
  formatQueryPlan,
  type QueryPlannerOptions,
  type SupergraphFacts,
} from './planner';
import { PlanningError, type PlanningFailure } from './planning-error';
import { TimeOver, withTimeLimit } from './time-limit';

/** A request to the thread. */
export interface PlanRequest {
  readonly document: string;
  readonly operationName: string | undefined;
  readonly overrideLabels: readonly string[];
  /** A plan to run, or a text for people. */
  readonly form: 'plan' | 'text';
}

export interface TimedPlanRequest extends PlanRequest {
  /** How long the thread may work on it, in milliseconds. */
  readonly timeLimit: number;
}

/** A message of the thread: first `ready` or `refused`, then one answer per request. */
export type WorkerMessage =
  | {
      readonly kind: 'ready';
      readonly supergraph: SupergraphFacts;
      /** The result of `systemThread`. */
      readonly thread: number | undefined;
    }
  /** The supergraph was refused. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The text for people, or the plan as JSON, which is cheaper to receive than a structured clone of it. */
  | { readonly kind: 'plan'; readonly plan: string }
  | { readonly kind: 'error'; readonly failure: PlanningFailure; readonly reason: string };

/** Answers what comes by a port, after it has said whether the supergraph can be planned. */
export function serve(options: QueryPlannerOptions, port: MessagePort): void {
  const say = (message: WorkerMessage): void => port.postMessage(message);
  let planner: ReturnType<typeof buildQueryPlanner>;
  try {
    planner = buildQueryPlanner(options);
  } catch (error) {
    say({ kind: 'refused', reason: reasonOf(error) });
    return;
  }
  port.on('message', (request: TimedPlanRequest) => {
    const { document, operationName, overrideLabels, form, timeLimit } = request;
    try {
      // Safe to interrupt: the planner caches results between plans only when they are complete.
      const plan = withTimeLimit(timeLimit, () => planner.plan(document, operationName, overrideLabels));
      say({ kind: 'plan', plan: form === 'text' ? formatQueryPlan(plan) : JSON.stringify(plan) });
    } catch (error) {
      const failure =
        error instanceof TimeOver ? 'timeout' : error instanceof PlanningError ? error.failure : 'failed';
      say({ kind: 'error', failure, reason: reasonOf(error instanceof PlanningError ? error.cause : error) });
    }
    const work = firstPlanned;
    firstPlanned = undefined;
    work?.();
  });
  say({ kind: 'ready', supergraph: planner.supergraph, thread: systemThread() });
}

let firstPlanned: (() => void) | undefined;

/** Has `work` done when the thread has answered its first request. */
export function afterFirstPlan(work: () => void): void {
  firstPlanned = work;
}

/** The most that `planning.paths` may be. */
const mostOptions = 1_000_000;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

letRequestsGoFirst();
refuseHugeArrays(mostOptions);
if (parentPort) serve(workerData as QueryPlannerOptions, parentPort);
