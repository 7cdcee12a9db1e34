export type { CostDirectives, ListSize } from './cost-directives';
export type { EntityFacts } from './entity-facts';
export {
  boundsOf,
  createPlanner,
  type PlannedOperation,
  type Planner,
  type QueryPlan,
  type SupergraphFacts,
} from './planner';
export { type Protections, type Requirement, requirementLabel } from './protections';
