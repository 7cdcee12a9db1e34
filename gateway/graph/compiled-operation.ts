import {
  getOperationAST,
  getVariableValues,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import type { OperationAccess, RefusedLabels } from '../auth/directives';
import type { CacheQuery } from '../cache/responses/response-cache';
import type { OperationCost } from '../limits/cost/operation-cost';
import type { RefuseOperation } from '../limits/operation-limits';
import { factsOf } from '../limits/repeated-variables';
import type { VariableValues } from '../limits/variables';
import type { IncomingRequest } from '../request/incoming-request';
import type { CountedOperation } from '../telemetry/metrics/call-statistics';
import type { CountUse } from '../usage/recorder';
import type { CallerOverrides, OverrideCaller } from './overrides';

/** An operation with everything that is compiled before it is planned. */
export interface CompiledOperation {
  readonly source: string;
  /** SHA-256 of the document's text. */
  readonly hash: string;
  readonly operation: OperationDefinitionNode;
  /** The name in the request; undefined if the request has none. */
  readonly operationName: string | undefined;
  /** Size on the heap, in bytes, without the key. */
  readonly bytes: number;
  /** Whether it has fragments with `@defer`. */
  readonly defers: boolean;
  readonly count: CountUse | undefined;
  readonly counted: CountedOperation;
  /** Whether clients without credentials may see all of it, as far as the supergraph allows. */
  readonly isOpen: boolean;
  readonly cost: OperationCost;
  readonly refuse: RefuseOperation;
  readonly access: OperationAccess;
  /** What the response cache needs to look up the answer. */
  readonly cacheQuery: (
    variables: VariableValues,
    refused: RefusedLabels,
    caller: OverrideCaller,
  ) => CacheQuery;
  /** Undefined where callers decide nothing of its plan. */
  readonly overridesFor: ((caller: OverrideCaller) => CallerOverrides) | undefined;
}

/** Separates answers for different refusals and labels; undefined for an operation that all callers get alike. */
export function variantOf(
  { access, overridesFor }: Pick<CompiledOperation, 'access' | 'overridesFor'>,
  refused: RefusedLabels,
  caller: OverrideCaller,
): string | undefined {
  const variant = access.variantOf(refused);
  return overridesFor === undefined ? variant : JSON.stringify([variant, overridesFor(caller)]);
}

/** Names have no line break, so keys are unambiguous. Without a name it is the document: no copy is made. */
export const knownKey = (document: string, operationName: string | undefined): string =>
  operationName === undefined ? document : `${operationName}\n${document}`;

/**
 * The errors of variables, with the position where each variable is defined in the document (GraphQL, section 6.1.2,
 * "Coercing Variable Values"). Subgraphs get the variables as the client sent them, not the coerced values.
 */
export function variableErrors(
  schema: GraphQLSchema,
  compiled: CompiledOperation,
  variables: VariableValues,
): readonly GraphQLError[] | undefined {
  const { operation, operationName, source } = compiled;
  const { variableDefinitions = [] } = operation;
  if (variableDefinitions.length === 0) return undefined;
  const facts = factsOf(variables);
  if (facts?.validFor === compiled) return undefined;
  const coerce = (definitions: typeof variableDefinitions) =>
    getVariableValues(schema, definitions, variables, { maxErrors: 10 }).errors;
  if (coerce(variableDefinitions) === undefined) {
    if (facts !== undefined) facts.validFor = compiled;
    return undefined;
  }
  // The remembered document has no source positions, so the text is parsed again.
  return coerce(getOperationAST(parse(source), operationName)!.variableDefinitions!);
}

/** Counts the cost for the rates of the client. Throws if it exceeds one of them. */
export function charge(
  request: IncomingRequest,
  { estimate }: OperationCost,
  variables: VariableValues,
): void {
  if (request.charge === undefined) return;
  const { cost } = estimate(variables);
  const limited = request.charge(cost);
  if (limited !== undefined) throw limited;
  request.charged = cost;
}
