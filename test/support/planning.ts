import { type Planner, type PlannerContext, type QueryPlan } from '../../gateway/planning';
import { runAtOnce } from '../../schema/supergraph/sliced-work';

type Plan = (document: string, operationName: string | undefined, labels: readonly string[]) => QueryPlan;

/** A planner that plans like this. */
export function plannerOf(plan: Plan): Pick<Planner, 'run'> {
  return {
    run: (_document, _sender, begin) => Promise.resolve().then(() => runAtOnce(begin(planningOf(plan)))),
  };
}

const planningOf = (plan: Plan): PlannerContext => ({
  // eslint-disable-next-line require-yield
  *plan(document, operationName, labels = []) {
    return plan(document, operationName, labels);
  },
});

/** Plans one operation. */
export const planWith = (
  planner: Pick<Planner, 'run'>,
  document: string,
  operationName?: string,
  labels?: readonly string[],
): Promise<QueryPlan> =>
  planner.run(document, '', (planning) => planning.plan(document, operationName, labels));
