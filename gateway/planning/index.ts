export type { CostDirectives, ListSize } from './cost-directives';
export type { EntityFacts } from './entity-facts';
export { boundsOf, type PlannedOperation, Planner, type QueryPlan, type SupergraphFacts } from './planner';
export { printPlan } from './print';
export { type Protections, type Requirement, requirementLabel } from './protections';
