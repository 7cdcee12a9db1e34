import { randomUUID } from 'node:crypto';
import { type OperationDefinitionNode, valueFromASTUntyped } from 'graphql';
import { canonicalJson, digest } from '../../cache/responses/response-keys';
import type { BoundFeed } from '../../events/fed-fields';
import { rootFieldOf, variablesOf } from '../../subgraph-calls/wire/root-field';
import type { SubgraphRequest } from '../../subgraph-calls/contract/transport';
import type { Subgraph } from '../../subgraph-calls/subgraph';
import type { Subscriber } from './event-caller';
import type { PreparedSubscription } from './prepared';

export interface KeyFacts {
  /** Distinguishes generations: an answer is made by one of them. */
  readonly generation: number;
  /** SHA-256 of the document. */
  readonly hash: string;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly opening: SubgraphRequest;
  /** What feeds it; undefined for a subgraph. */
  readonly feed: BoundFeed | undefined;
  readonly subgraphs: ReadonlyMap<string, Pick<Subgraph, 'identity' | 'connection' | 'tokenHeaders'>>;
  /** The names of those that the plan calls. */
  readonly called: readonly string[];
  /** As `OperationAccess.variantOf`: undefined for an operation that demands nothing of its caller. */
  readonly variant: string | undefined;
  /** Most subgraph calls of this client for one answer. */
  readonly calls: number;
}

/**
 * What subscriptions share. A source is the same for those of whom the subgraph sees the same (the key of `dedupe`). Answers
 * are the same for those who have the same identity and the same forwarded headers (the private key of the response cache),
 * and for everybody where no subgraph of the plan sees the caller, and nothing is refused to anybody.
 */
export function subscriptionKeys(
  subscriber: Pick<Subscriber, 'identity' | 'headers' | 'scope' | 'bySubgraph'>,
  { generation, hash, operation, variables, opening, feed, subgraphs, called, variant, calls }: KeyFacts,
): Pick<PreparedSubscription, 'key' | 'sourceKey' | 'stream'> {
  const { subgraph, document } = opening.operation;
  // A feed sees nothing of the caller but what its filter has.
  const isIndependent = (name: string): boolean =>
    subgraphs.get(name)?.identity === 'independent' || (feed !== undefined && name === subgraph);
  const seen = isIndependent(subgraph)
    ? { headers: {}, scope: '' }
    : (subscriber.bySubgraph?.get(subgraph) ?? subscriber);
  const sourceKey = JSON.stringify([
    ...[subgraph, feed?.connection ?? subgraphs.get(subgraph)?.connection],
    ...[document, opening.variables.toString(), feed?.scope ?? seen.scope],
  ]);
  const caller =
    feed?.stream ??
    (isIndependent(subgraph)
      ? ''
      : callerOf(subscriber.identity, seen, subgraphs.get(subgraph)?.tokenHeaders));
  const isForAll = variant === undefined && called.every(isIndependent);
  const audience = isForAll ? ['all'] : ['one', subscriber.identity.scope, subscriber.scope];
  const names = (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
  const given = names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]);
  // Variables that are nested too deeply to be compared are those of nobody else.
  const json = canonicalJson(Object.fromEntries(given)) ?? randomUUID();
  const name = operation.name?.value;
  const key = JSON.stringify([generation, hash, name, json, variant, calls, audience, feed?.scope]);
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
  tokenHeaders: readonly string[] = [],
): string {
  if (principal === '') return scope;
  const isLasting = (name: string): boolean => name !== 'authorization' && !tokenHeaders.includes(name);
  const lasting = Object.entries(headers).filter(([name]) => isLasting(name));
  return `${principal}\n${canonicalJson(Object.fromEntries(lasting))}`;
}

/** The field that a source is of, with its arguments. Whatever is selected on it, its events are the same. */
function fieldOf({ operation, variables }: SubgraphRequest): string {
  const { name, arguments: named = [] } = rootFieldOf(operation);
  const given = variablesOf({ variables });
  const values = named.map((each) => [each.name.value, valueFromASTUntyped(each.value, given)]);
  return `${name.value}\n${canonicalJson(Object.fromEntries(values)) ?? randomUUID()}`;
}
