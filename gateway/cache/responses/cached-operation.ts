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
  /** The headers that all calls of subgraphs have. */
  readonly constants: string;
}

/** Undefined for mutations and subscriptions: only queries are cached. */
export function describeOperation(
  { document, operation, schema, supergraph, documentHash, constants }: OperationFacts,
  { operations, types }: Pick<Options['cache']['responses'], 'operations' | 'types'>,
): CachedOperation | undefined {
  if (operation.operation !== OperationTypeNode.QUERY) return undefined;
  const name = operation.name?.value;
  const own = name === undefined || !Object.hasOwn(operations, name) ? undefined : operations[name];
  const limited = Object.keys(types).length === 0 ? [] : [...typesIn(document, schema)];
  const limits = limited.filter((type) => Object.hasOwn(types, type)).map((type) => types[type]!);
  return {
    supergraph,
    id: digest(`${supergraph}\n${documentHash}\n${name ?? ''}\n${constants}`),
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
        if (isAbstractType(type)) for (const each of schema.getPossibleTypes(type)) types.add(each.name);
      },
    }),
  );
  return types;
}
