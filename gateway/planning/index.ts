export type { CostDirectives, ListSize } from './cost-directives';
export type { EntityFacts } from './entity-facts';
export { type OperationCache, OperationMemory } from './operation-memory';
export { PlanCache, type PlanEntry, type PlannedOperation } from './plan-cache';
export { boundsOf, createPlanner, type Planner, type QueryPlan, type SupergraphFacts } from './planner';
export { type Protections, type Requirement, requirementLabel } from './protections';
