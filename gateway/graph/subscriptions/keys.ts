import type { OperationDefinitionNode } from 'graphql';
import { canonicalJson, digest } from '../../cache/responses/response-keys';
import type { SubgraphRequest } from '../../subgraph-calls/transport';
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
  subscriber: Pick<Subscriber, 'identity' | 'scope' | 'bySubgraph'>,
  { generation, hash, operation, variables, opening, subgraphs, called, variant, calls }: KeyFacts,
): Pick<PreparedSubscription, 'key' | 'sourceKey'> {
  const isIndependent = (name: string): boolean => subgraphs.get(name)?.identity === 'independent';
  const { subgraph, document } = opening.operation;
  const { scope } = subscriber.bySubgraph?.get(subgraph) ?? subscriber;
  const sourceKey = JSON.stringify([
    ...[subgraph, subgraphs.get(subgraph)?.connection, document, opening.variables.toString()],
    isIndependent(subgraph) ? '' : scope,
  ]);
  const isForAll = variant === undefined && called.every(isIndependent);
  const caller = isForAll ? ['all'] : ['one', subscriber.identity.scope, subscriber.scope];
  const names = (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
  const given = names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]);
  const json = canonicalJson(Object.fromEntries(given)) ?? String(++unique);
  const name = operation.name?.value;
  const key = JSON.stringify([generation, hash, name, json, variant, calls, caller]);
  return { key: digest(key), sourceKey: digest(sourceKey) };
}

/** For variables that are nested too deeply to be compared: they are shared with nobody. */
let unique = 0;
