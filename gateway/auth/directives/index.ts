export { Authorization, type OperationAccess, type RefusedLabels } from './authorization';
export { openPolicyEvaluator, Policies } from './policies';
