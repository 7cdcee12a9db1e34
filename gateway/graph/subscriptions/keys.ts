import { randomUUID } from 'node:crypto';
import { type FieldNode, type OperationDefinitionNode, parse, valueFromASTUntyped } from 'graphql';
import { canonicalJson, digest } from '../../cache/responses/response-keys';
import type { SubgraphOperation, SubgraphRequest } from '../../subgraph-calls/transport';
import type { Subgraph } from '../engine';
import type { Subscriber } from './event-caller';
import type { PreparedSubscription } from './prepared';

export interface KeyFacts {
  /** Tells generations apart: an answer is made by one of them. */
  readonly generation: number;
  /** SHA-256 of the document. */
  readonly hash: string;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly opening: SubgraphRequest;
  /** By name. */
  readonly subgraphs: ReadonlyMap<string, Pick<Subgraph, 'identity' | 'connection'>>;
  /** The names of those that the plan calls. */
  readonly called: readonly string[];
  /** As `OperationAccess.variantOf`: undefined for an operation that asks nothing of anybody. */
  readonly variant: string | undefined;
  /** Most subgraph calls of this client for one answer. */
  readonly calls: number;
}

/**
 * What subscriptions share. A source is the same for those of whom the subgraph sees the same (the key of `dedupe`). Answers
 * are the same for those who have the same identity and the same forwarded headers (the private key of the response cache),
 * and for everybody where no subgraph of the plan sees who asks, and nothing is refused to anybody.
 */
export function subscriptionKeys(
  subscriber: Pick<Subscriber, 'identity' | 'headers' | 'scope' | 'bySubgraph'>,
  { generation, hash, operation, variables, opening, subgraphs, called, variant, calls }: KeyFacts,
): Pick<PreparedSubscription, 'key' | 'sourceKey' | 'stream'> {
  const isIndependent = (name: string): boolean => subgraphs.get(name)?.identity === 'independent';
  const { subgraph, document } = opening.operation;
  const seen = isIndependent(subgraph)
    ? { headers: {}, scope: '' }
    : (subscriber.bySubgraph?.get(subgraph) ?? subscriber);
  const sourceKey = JSON.stringify([
    ...[subgraph, subgraphs.get(subgraph)?.connection, document, opening.variables.toString()],
    seen.scope,
  ]);
  const caller = isIndependent(subgraph) ? '' : callerOf(subscriber.identity, seen);
  const isForAll = variant === undefined && called.every(isIndependent);
  const audience = isForAll ? ['all'] : ['one', subscriber.identity.scope, subscriber.scope];
  const names = (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
  const given = names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]);
  // Variables that are nested too deeply to be compared are those of nobody else.
  const json = canonicalJson(Object.fromEntries(given)) ?? randomUUID();
  const name = operation.name?.value;
  const key = JSON.stringify([generation, hash, name, json, variant, calls, audience]);
  return {
    key: digest(key),
    sourceKey: digest(sourceKey),
    stream: digest(`${subgraph}\n${fieldOf(opening)}\n${caller}`),
  };
}

/** Whose events they are. A renewed token makes nobody another caller. */
function callerOf(
  { principal }: Subscriber['identity'],
  { headers, scope }: Pick<Subscriber, 'headers' | 'scope'>,
): string {
  if (principal === '') return scope;
  return `${principal}\n${canonicalJson({ ...headers, authorization: undefined })}`;
}

/** The field that a source is of, with its arguments. Whatever is selected on it, its events are the same. */
function fieldOf({ operation, variables }: SubgraphRequest): string {
  const { name, arguments: named = [] } = rootFieldOf(operation);
  const given = variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Record<string, unknown>);
  const values = named.map((each) => [each.name.value, valueFromASTUntyped(each.value, given)]);
  return `${name.value}\n${canonicalJson(Object.fromEntries(values)) ?? randomUUID()}`;
}

/** The planner writes it as the only one, and no fragment around it. */
function rootFieldOf(operation: SubgraphOperation): FieldNode {
  let field = rootFields.get(operation);
  if (field === undefined) {
    const [definition] = parse(operation.document, { noLocation: true }).definitions;
    field = (definition as OperationDefinitionNode).selectionSet.selections[0] as FieldNode;
    rootFields.set(operation, field);
  }
  return field;
}

const rootFields = new WeakMap<SubgraphOperation, FieldNode>();
