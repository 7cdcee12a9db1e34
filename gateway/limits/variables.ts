import type { GraphQLError } from 'graphql';
import { requestError } from '../errors';
import type { Limits } from '../options/limits';

/** The variables of an operation, as the client sent them. */
export type VariableValues = Readonly<Record<string, unknown>>;

/** The error if variables are too many or too deep. It reads without recursion, unlike later code. */
export function refuseVariables(
  variables: VariableValues,
  limits: Pick<Limits, 'variables' | 'variablesDepth'>,
): GraphQLError | undefined {
  let level: object[] = [variables];
  let count = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.variablesDepth)
      return refusal(`are nested deeper than ${limits.variablesDepth} levels`);
    const next: object[] = [];
    for (const container of level) {
      const values: readonly unknown[] = Array.isArray(container) ? container : Object.values(container);
      count += values.length;
      if (count > limits.variables) return refusal(`hold more than ${limits.variables} values`);
      for (const value of values) if (typeof value === 'object' && value !== null) next.push(value);
    }
    level = next;
  }
  return undefined;
}

const refusal = (what: string): GraphQLError =>
  requestError('BAD_USER_INPUT', { reason: `The variables ${what}.` });
