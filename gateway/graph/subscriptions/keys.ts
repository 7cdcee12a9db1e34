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
  readonly opening: Pick<SubgraphRequest, 'operation' | 'variables'>;
  readonly subgraphs: ReadonlyMap<string, Pick<Subgraph, 'identity' | 'connection' | 'tokenHeaders'>>;
  /** The names of those that the plan calls. */
  readonly called: readonly string[];
}

export interface OwnKeyFacts {
  /** What feeds it; undefined for a subgraph. */
  readonly feed: BoundFeed | undefined;
  /** As `OperationAccess.variantOf`: undefined for an operation that demands nothing of its caller. */
  readonly variant: string | undefined;
  /** Most subgraph calls of this client for one answer. */
  readonly calls: number;
}

type KeySubscriber = Pick<Subscriber, 'identity' | 'headers' | 'scope' | 'bySubgraph'>;

/** The keys of all who subscribe with the same operation and equal variables. */
export class OperationKeys {
  readonly facts: KeyFacts;
  readonly #head: string;
  #sourceHead: string | undefined;
  #field: string | undefined;
  /** Clients that come one after the other mostly have the same key. */
  #last = { text: '', key: '' };

  constructor(facts: KeyFacts) {
    const { generation, hash, operation, variables } = (this.facts = facts);
    const names = (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
    const given = names
      .filter((name) => Object.hasOwn(variables, name))
      .map((name) => [name, variables[name]]);
    // Variables that are nested too deeply to be compared are those of nobody else.
    const json = canonicalJson(Object.fromEntries(given)) ?? randomUUID();
    this.#head = digest(JSON.stringify([generation, hash, operation.name?.value, json]));
  }

  keyOf(subscriber: KeySubscriber, { feed, variant, calls }: OwnKeyFacts): string {
    const isForAll =
      variant === undefined && this.facts.called.every((name) => this.isIndependent(name, feed));
    const audience = isForAll ? ['all'] : ['one', subscriber.identity.scope, subscriber.scope];
    const text = JSON.stringify([this.#head, variant, calls, audience, feed?.scope]);
    if (text !== this.#last.text) this.#last = { text, key: digest(text) };
    return this.#last.key;
  }

  /** A feed sees nothing of the caller but what its filter has. */
  isIndependent(name: string, feed: BoundFeed | undefined): boolean {
    const { opening, subgraphs } = this.facts;
    const isFed = feed !== undefined && name === opening.operation.subgraph;
    return isFed || subgraphs.get(name)?.identity === 'independent';
  }

  /** Of what the subgraph gets, but for what it sees of the caller. */
  get sourceHead(): string {
    const { operation, variables } = this.facts.opening;
    const { subgraph, document } = operation;
    return (this.#sourceHead ??= digest(JSON.stringify([subgraph, document, variables.toString()])));
  }

  get field(): string {
    return (this.#field ??= fieldOf(this.facts.opening));
  }
}

/**
 * What subscriptions share. A source is the same for those of whom the subgraph sees the same (the key of `dedupe`). Answers
 * are the same for those who have the same identity and the same forwarded headers (the private key of the response cache),
 * and for everybody where no subgraph of the plan sees the caller, and nothing is refused to anybody.
 *
 * Who joins others needs nothing but the key of the answers: the other ones are made when they are needed.
 */
export class SubscriptionKeys implements Pick<PreparedSubscription, 'key' | 'sourceKey' | 'stream'> {
  readonly key: string;
  readonly #subscriber: KeySubscriber;
  readonly #operation: OperationKeys;
  readonly #feed: BoundFeed | undefined;
  #sourceKey: string | undefined;
  #stream: string | undefined;

  constructor(subscriber: KeySubscriber, operation: OperationKeys, own: OwnKeyFacts) {
    this.key = operation.keyOf(subscriber, own);
    this.#subscriber = subscriber;
    this.#operation = operation;
    this.#feed = own.feed;
  }

  get sourceKey(): string {
    return (this.#sourceKey ??= this.#makeSourceKey());
  }

  get stream(): string {
    return (this.#stream ??= this.#makeStream());
  }

  #makeSourceKey(): string {
    const { sourceHead } = this.#operation;
    const feed = this.#feed;
    const connection = feed?.connection ?? this.#subgraph?.connection;
    return digest(JSON.stringify([sourceHead, connection, feed?.scope ?? this.#seen.scope]));
  }

  #makeStream(): string {
    const { field } = this.#operation;
    return digest(`${this.#name}\n${field}\n${this.#feed?.stream ?? this.#caller}`);
  }

  get #name(): string {
    return this.#operation.facts.opening.operation.subgraph;
  }

  get #subgraph(): Pick<Subgraph, 'connection' | 'tokenHeaders'> | undefined {
    return this.#operation.facts.subgraphs.get(this.#name);
  }

  get #isIndependent(): boolean {
    return this.#operation.isIndependent(this.#name, this.#feed);
  }

  get #seen(): Pick<Subscriber, 'headers' | 'scope'> {
    if (this.#isIndependent) return { headers: {}, scope: '' };
    return this.#subscriber.bySubgraph?.get(this.#name) ?? this.#subscriber;
  }

  get #caller(): string {
    if (this.#isIndependent) return '';
    return callerOf(this.#subscriber.identity, this.#seen, this.#subgraph?.tokenHeaders);
  }
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
function fieldOf({ operation, variables }: Pick<SubgraphRequest, 'operation' | 'variables'>): string {
  const { name, arguments: named = [] } = rootFieldOf(operation);
  const given = variablesOf({ variables });
  const values = named.map((each) => [each.name.value, valueFromASTUntyped(each.value, given)]);
  return `${name.value}\n${canonicalJson(Object.fromEntries(values)) ?? randomUUID()}`;
}
