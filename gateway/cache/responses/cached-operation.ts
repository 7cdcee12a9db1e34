import {
  getNamedType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  OperationTypeNode,
  type OperationDefinitionNode,
  type DocumentNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Options } from '../../options';
import type { Policy } from '../policy';
import { operationTag } from '../tags';
import { digest } from './response-keys';

/** The data of the response cache about an operation. One per operation of a supergraph. */
export interface CachedOperation {
  /** Operations with equal ids have equal answers, given equal variables and headers. */
  readonly id: string;
  readonly supergraph: string;
  readonly variableNames: readonly string[];
  /** The scope of its last answer's policy; undefined until there was one. */
  lastScope: 'public' | 'private' | 'none' | undefined;
  readonly tags: readonly string[];
  /** Restricts the policy of an answer by the options for this operation. */
  restrict(policy: Policy): Policy;
}

export interface OperationFacts {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly schema: GraphQLSchema;
  /** The digest of the supergraph, so that answers of an earlier supergraph are never found. */
  readonly supergraph: string;
  /** The origins of all subgraphs, so that answers of other endpoints are never found. */
  readonly origins: string;
  /** SHA-256 of the document's text. */
  readonly documentHash: string;
  /** The headers with a constant value of subgraph calls. */
  readonly constants: string;
}

/** Undefined for mutations and subscriptions: only queries are cached. */
export function describeOperation(
  { document, operation, schema, supergraph, origins, documentHash, constants }: OperationFacts,
  { operations, types }: Pick<Options['cache']['responses'], 'operations' | 'types'>,
): CachedOperation | undefined {
  if (operation.operation !== OperationTypeNode.QUERY) return undefined;
  const name = operation.name?.value;
  const own = name === undefined || !Object.hasOwn(operations, name) ? undefined : operations[name];
  const limited = Object.keys(types).length === 0 ? [] : [...typesIn(document, schema)];
  const limits = limited.filter((type) => Object.hasOwn(types, type)).map((type) => types[type]!);
  return {
    supergraph,
    id: digest(`${supergraph}\n${origins}\n${documentHash}\n${name ?? ''}\n${constants}`),
    variableNames: (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value),
    lastScope: undefined,
    tags: name === undefined ? [] : [operationTag(name)],
    restrict: (policy) => limits.reduce(limit, own === undefined ? policy : replace(policy, own)),
  };
}

type Override = Options['cache']['responses']['operations'][string];

function replace(policy: Policy, { maxAge, scope, staleWhileRevalidate, staleIfError }: Override): Policy {
  return {
    scope: scope ?? policy.scope,
    maxAge: secondsOf(maxAge) ?? policy.maxAge,
    staleWhileRevalidate: secondsOf(staleWhileRevalidate) ?? policy.staleWhileRevalidate,
    staleIfError: secondsOf(staleIfError) ?? policy.staleIfError,
  };
}

function limit(policy: Policy, { maxAge, scope, staleWhileRevalidate, staleIfError }: Override): Policy {
  const least = (value: number, most: number | undefined): number =>
    Math.min(value, secondsOf(most) ?? Infinity);
  return {
    scope: scope === 'private' ? 'private' : policy.scope,
    maxAge: least(policy.maxAge, maxAge),
    staleWhileRevalidate: least(policy.staleWhileRevalidate, staleWhileRevalidate),
    staleIfError: least(policy.staleIfError, staleIfError),
  };
}

/** Durations of options are milliseconds. */
const secondsOf = (duration: number | undefined): number | undefined =>
  duration === undefined ? undefined : Math.floor(duration / 1000);

/** The types that a document selects on; for an interface or a union also its object types. */
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
        if (isAbstractType(type)) for (const each of schema.getPossibleTypes(type)) types.add(each.name);
      },
    }),
  );
  return types;
}
