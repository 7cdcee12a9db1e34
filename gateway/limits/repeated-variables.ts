import type { VariableValues } from './variables';

/** What was found out of variables that come again: requests with the same bytes have the same object. */
export interface VariableFacts {
  /** The measures of the operation, and the limits, that they are within. */
  within: readonly [operation: object, limits: object] | undefined;
  /** The compiled operation that they are valid for. */
  validFor: object | undefined;
  /** As JSON of an operation for cache keys. */
  text: { readonly operation: object; readonly json: string } | undefined;
}

const facts = new WeakMap<VariableValues, VariableFacts>();

/** Undefined for variables of a request that came once. */
export const factsOf = (variables: VariableValues): VariableFacts | undefined => facts.get(variables);

/** From now on facts are remembered of variables that nobody changes. */
export const rememberFacts = (variables: VariableValues): void => {
  facts.set(variables, { within: undefined, validFor: undefined, text: undefined });
};
