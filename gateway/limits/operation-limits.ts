import type { GraphQLError } from 'graphql';
import type { Identity } from '../auth/identity';
import { requestError } from '../errors';
import type { Limits } from '../options/limits';
import type { ClientLimits } from './client-limits';
import type { Estimate } from './cost/estimate';
import type { OperationCost } from './cost/operation-cost';
import { refusalOf } from './document-limits';
import { factsOf } from './repeated-variables';
import { refuseVariables, type VariableValues } from './variables';

/** Returns the error if a client may not run the operation with these variables. */
export type RefuseOperation = (variables: VariableValues, identity: Identity) => GraphQLError | undefined;

/** All limits that are checked before an operation is planned. It is measured here, once. */
export function refuseOperation(
  document: string,
  cost: OperationCost,
  limits: ClientLimits,
): RefuseOperation {
  const measures = limits.measure(document);
  return (variables, identity) => {
    const own = limits.of(identity);
    const facts = factsOf(variables);
    if (facts?.within !== undefined && facts.within[0] === measures && facts.within[1] === own)
      return undefined;
    const refusal =
      refusalOf(measures, own) ??
      refuseVariables(variables, own) ??
      refuseCost(cost.estimate(variables), own);
    if (facts !== undefined && refusal === undefined) facts.within = [measures, own];
    return refusal;
  };
}

/** The error if a client with these limits may not run an operation of this cost. */
function refuseCost(
  { cost, longest, unsliced }: Estimate,
  limits: Pick<Limits, 'cost' | 'listSize'>,
): GraphQLError | undefined {
  if (unsliced !== undefined) {
    const reason = `${unsliced} needs exactly one of the arguments that give the length of its list.`;
    return requestError('GRAPHQL_VALIDATION_FAILED', { reason });
  }
  if (longest !== undefined && longest.size > limits.listSize) {
    const { field, size: got } = longest;
    return requestError('MAX_LIST_SIZE_LIMIT', { field, got, limit: limits.listSize });
  }
  if (cost > limits.cost) return requestError('MAX_COST_LIMIT', { got: cost, limit: limits.cost });
  return undefined;
}
