export { Authorization, type OperationAccess, type Refused } from './authorization';
export { type EvaluatePolicies, Policies } from './policies';
export { openPolicyEvaluator } from './evaluate';
