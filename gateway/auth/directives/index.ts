export { Authorization, type OperationAccess, type Refused } from './authorization';
export { Policies } from './policies';
export { openPolicyEvaluator } from './evaluate';
