export { PlanCache, type PlanCacheOptions, type PlannedOperation } from './plan-cache';
export type { QueryPlan, SupergraphFacts } from './planner';
export { PlanningError, type PlanningFailure } from './planning-error';
export { createPlanner, type Planner, type PlannerOptions } from './planner-threads';
