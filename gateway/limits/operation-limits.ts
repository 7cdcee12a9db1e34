import type { GraphQLError } from 'graphql';
import type { Identity } from '../auth/identity';
import type { ClientLimits } from './client-limits';
import type { OperationCost } from './cost/operation-cost';
import { refuseCost } from './cost/refusal';
import { refusalOf } from './document-limits';
import { refuseVariables, type Variables } from './variables';

/** Returns the error if a client may not run the operation with these variables. */
export type RefuseOperation = (variables: Variables, identity: Identity) => GraphQLError | undefined;

/** All limits that are checked before an operation is planned. It is measured here, once. */
export function refuseOperation(
  document: string,
  cost: OperationCost,
  limits: ClientLimits,
): RefuseOperation {
  const measures = limits.measure(document);
  return (variables, identity) => {
    const own = limits.of(identity);
    return (
      refusalOf(measures, own) ?? refuseVariables(variables, own) ?? refuseCost(cost.estimate(variables), own)
    );
  };
}
