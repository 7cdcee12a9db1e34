/** The thread in which operations are planned: one plan at a time, until the thread is terminated. */
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import {
  buildQueryPlanner,
  formatQueryPlan,
  type QueryPlannerOptions,
  type SupergraphFacts,
} from './planner';
import { PlanningError, type PlanningFailure } from './planning-error';
import { TimeOver, withTimeLimit } from './time-limit';

/** What the thread is asked. */
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

/** What the thread says: first that it is ready (or not), then one answer for each request. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly supergraph: SupergraphFacts }
  /** The supergraph was refused. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The text for people, or the plan as JSON, which is cheaper to receive than a structured clone of it. */
  | { readonly kind: 'plan'; readonly plan: string }
  | { readonly kind: 'error'; readonly failure: PlanningFailure; readonly reason: string };

function serve(): void {
  const say = (message: WorkerMessage): void => parentPort?.postMessage(message);
  let planner: ReturnType<typeof buildQueryPlanner>;
  try {
    planner = buildQueryPlanner(workerData as QueryPlannerOptions);
  } catch (error) {
    say({ kind: 'refused', reason: reasonOf(error) });
    return;
  }
  parentPort?.on('message', (request: TimedPlanRequest) => {
    const { document, operationName, overrideLabels, form, timeLimit } = request;
    try {
      // What the planner remembers from one plan to the next it writes down when it is complete.
      const plan = withTimeLimit(timeLimit, () => planner.plan(document, operationName, overrideLabels));
      say({ kind: 'plan', plan: form === 'text' ? formatQueryPlan(plan) : JSON.stringify(plan) });
    } catch (error) {
      const failure =
        error instanceof TimeOver ? 'timeout' : error instanceof PlanningError ? error.failure : 'failed';
      say({ kind: 'error', failure, reason: reasonOf(error instanceof PlanningError ? error.cause : error) });
    }
  });
  say({ kind: 'ready', supergraph: planner.supergraph });
}

/**
 * Lets requests go first where there are fewer cores than threads: without it, a hard plan made each of them wait for
 * the system to take its turn from the planner. Only Linux gives threads a priority of their own.
 */
function letRequestsGoFirst(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(thread, Math.min(getPriority(thread) + niceness, lastNiceness));
  } catch {
    // A container may hide it; then it plans as before.
  }
}

/** More than requests have: a third of their weight. */
const niceness = 5;
/** Linux has no greater one. */
const lastNiceness = 19;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

letRequestsGoFirst();
serve();
