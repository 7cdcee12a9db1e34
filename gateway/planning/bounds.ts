import type { Options } from '../options';
import type { PlannerOptions } from './planner-threads';

/** The planner's limits from the options. */
export function boundsOf({
  timeout,
  paths,
  plans,
  waiting,
  threads,
  idle,
  memory,
}: Options['planning']): Omit<PlannerOptions, 'supergraphSdl'> {
  return {
    deadline: timeout,
    pathsLimit: paths,
    maxEvaluatedPlans: plans,
    queueLimit: waiting,
    maxThreads: threads,
    idleTime: idle,
    memoryLimit: memory === undefined ? undefined : Math.ceil(memory / 1024 ** 2),
  };
}
