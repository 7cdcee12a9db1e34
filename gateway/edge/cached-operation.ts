import {
  getNamedType,
  type GraphQLSchema,
  isCompositeType,
  type OperationDefinitionNode,
  type DocumentNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Options } from '../options';
import { type Policy, strictest } from '../cache/policy';
import { operationTag } from '../cache/tags';
import { digest } from './response-keys';

/** What the response cache knows of an operation. One for each operation of a supergraph. */
export interface CachedOperation {
  /** Answers of operations with equal ids are equal, if variables and headers are. */
  readonly id: string;
  /** Names the supergraph. */
  readonly supergraph: string;
  readonly variableNames: readonly string[];
  /** Which policy its last answer had; undefined as long as there was none. */
  lastScope: 'public' | 'private' | 'none' | undefined;
  readonly tags: readonly string[];
  /** What becomes of the policy that subgraphs gave an answer. */
  restrict(policy: Policy): Policy;
}

export interface OperationFacts {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** The schema that clients see. */
  readonly schema: GraphQLSchema;
  /** Names the supergraph: what the one before answered is never found. */
  readonly supergraph: string;
  /** SHA-256 of the document's text. */
  readonly documentHash: string;
}

/** Undefined for what is no query: nothing else is ever cached. */
export function describeOperation(
  { document, operation, schema, supergraph, documentHash }: OperationFacts,
  { operations, types }: Pick<Options['cache']['responses'], 'operations' | 'types'>,
): CachedOperation | undefined {
  if (operation.operation !== 'query') return undefined;
  const name = operation.name?.value;
  const own = name === undefined || !Object.hasOwn(operations, name) ? undefined : operations[name];
  const limited = Object.keys(types).length === 0 ? [] : [...typesIn(document, schema)];
  const limits = limited
    .filter((type) => Object.hasOwn(types, type))
    .map((type) => policyFor(types[type]!, unlimited));
  return {
    supergraph,
    id: digest(`${supergraph}\n${documentHash}\n${name ?? ''}`),
    variableNames: (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value),
    lastScope: undefined,
    tags: name === undefined ? [] : [operationTag(name)],
    restrict: (policy) => limits.reduce(strictest, own === undefined ? policy : policyFor(own, policy)),
  };
}

type Override = Options['cache']['responses']['operations'][string];

/** Durations of options are milliseconds. */
function policyFor(
  { maxAge, scope, staleWhileRevalidate, staleIfError }: Override,
  otherwise: Policy,
): Policy {
  const seconds = (value: number | undefined, or: number): number =>
    value === undefined ? or : Math.floor(value / 1000);
  return {
    scope: scope ?? otherwise.scope,
    maxAge: seconds(maxAge, otherwise.maxAge),
    staleWhileRevalidate: seconds(staleWhileRevalidate, otherwise.staleWhileRevalidate),
    staleIfError: seconds(staleIfError, otherwise.staleIfError),
  };
}

const unlimited: Policy = {
  scope: 'public',
  maxAge: Infinity,
  staleWhileRevalidate: Infinity,
  staleIfError: Infinity,
};

/** The types of the objects that a document asks for; of an interface or a union also what they may be. */
function typesIn(document: DocumentNode, schema: GraphQLSchema): Set<string> {
  const types = new Set<string>();
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      SelectionSet() {
        const type = getNamedType(info.getParentType());
        if (!isCompositeType(type)) return;
        types.add(type.name);
        if ('getInterfaces' in type) for (const each of type.getInterfaces()) types.add(each.name);
        if (!('getFields' in type) || 'resolveType' in type)
          for (const each of schema.getPossibleTypes(type as never)) types.add(each.name);
      },
    }),
  );
  return types;
}
