export type { QueryPlan } from '../execution/compile/plan';
export type { EntityFacts } from './entity-facts';
export { type PlannedOperation, Planner, type PlannerContext } from './planner';
export { type Protections, type Requirement, requirementLabel } from './protections';
export type { SupergraphFacts } from './supergraph-facts';
