import type { Options } from '../options';
import type { PlannerOptions } from './planner';

/** The planner's limits from the options. */
export const boundsOf = ({
  depth,
  steps,
  waiting,
}: Options['planning']): Pick<PlannerOptions, 'budget' | 'queueLimit'> => ({
  budget: { steps, depth },
  queueLimit: waiting,
});
