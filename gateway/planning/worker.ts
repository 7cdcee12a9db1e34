/** The thread in which operations are planned: one plan at a time, until the thread is terminated. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  buildQueryPlanner,
  formatQueryPlan,
  type QueryPlannerOptions,
  type SupergraphFacts,
} from './planner';
import { PlanningError, type PlanningFailure } from './planning-error';

/** What the thread is asked. */
export interface PlanRequest {
  readonly document: string;
  readonly operationName: string | undefined;
  readonly overrideLabels: readonly string[];
  /** A plan to run, or a text for people. */
  readonly form: 'plan' | 'text';
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
  parentPort?.on('message', ({ document, operationName, overrideLabels, form }: PlanRequest) => {
    try {
      const plan = planner.plan(document, operationName, overrideLabels);
      say({ kind: 'plan', plan: form === 'text' ? formatQueryPlan(plan) : JSON.stringify(plan) });
    } catch (error) {
      const failure = error instanceof PlanningError ? error.failure : 'failed';
      say({ kind: 'error', failure, reason: reasonOf(error instanceof PlanningError ? error.cause : error) });
    }
  });
  say({ kind: 'ready', supergraph: planner.supergraph });
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

serve();
