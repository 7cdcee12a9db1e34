import type { GraphQLError } from 'graphql';
import { requestError } from '../../errors';
import type { Limits } from '../../options/limits';
import type { Estimate } from './estimate';

/** The error if a client with these limits may not run an operation of this cost. */
export function refuseCost(
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
