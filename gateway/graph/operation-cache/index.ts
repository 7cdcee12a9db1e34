export { type OperationCache, OperationMemory } from './operation-memory';
export { PlanCache, type PlanEntry } from './plan-cache';
