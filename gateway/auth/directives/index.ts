export { Authorization, type OperationAccess, type RefusedLabels } from './authorization';
export { Policies } from './policies';
export { openPolicyEvaluator } from './evaluate';
