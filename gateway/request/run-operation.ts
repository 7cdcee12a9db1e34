import type { HTTPGraphQLResponse } from '@apollo/server';
import type { GraphQLError } from 'graphql';
import type { PersistedOperations } from './persisted/persisted-operations';
import type { Answered } from '../cache/responses/response-cache';
import type { LearnedOperation } from '../graph/engine';
import type { Gateway } from '../graph/gateway';
import { isPreflighted } from '../http/preflighted';
import type { ClientLimits } from '../limits/client-limits';
import type { Source } from '../subgraph-calls/source';
import type { Hooks } from './hooks';
import type { Learn } from './learn-operation';
import { searchFor, searchOf, type SentOperation, usualOperation } from './parsed-request';
import type { Arrival } from './pipeline';

export interface RunOperationOptions {
  readonly persistedOperations: Pick<PersistedOperations, 'spellOut' | 'refuse'>;
  readonly limits: Pick<ClientLimits, 'refuse'>;
  readonly gateway: Pick<Gateway, 'current'>;
  readonly learn: Learn;
  readonly hooks: Pick<Hooks, 'onOperation'>;
}

/**
 * The steps of one operation, from how it was sent to its result. What refuses it throws, or rejects with, a
 * `GraphQLError`. An operation that is known waits for nothing but its execution.
 */
export class RunOperation {
  readonly #options: RunOperationOptions;

  constructor(options: RunOperationOptions) {
    this.#options = options;
  }

  /**
   * Runs the only operation of a request. Resolves with what Apollo Server says in place of an answer, where it has
   * something against it.
   *
   * @param sent undefined for a GET whose parameters are not in the usual form
   * @param isAcceptable whether the client accepts an answer of any media type that there is
   */
  one(
    arrival: Arrival,
    sent: SentOperation | undefined,
    isAcceptable: boolean,
  ): Promise<Answered | Source<Answered> | HTTPGraphQLResponse> {
    const expanded = sent && this.#options.persistedOperations.spellOut(sent);
    return expanded instanceof Promise
      ? expanded.then((operation) => this.#find(arrival, sent, operation, isAcceptable))
      : this.#find(arrival, sent, expanded, isAcceptable);
  }

  #find(
    arrival: Arrival,
    sent: SentOperation | undefined,
    expanded: SentOperation | undefined,
    isAcceptable: boolean,
  ): Promise<Answered | Source<Answered> | HTTPGraphQLResponse> {
    this.#refuseUntrusted(arrival, expanded);
    const known = isAcceptable ? this.find(arrival, expanded) : undefined;
    return known === undefined
      ? this.#learn(arrival, expanded, expanded !== sent, isAcceptable)
      : this.run(arrival, known);
  }

  /** @param isNamed whether the client named the operation in place of sending it */
  async #learn(
    arrival: Arrival,
    expanded: SentOperation | undefined,
    isNamed: boolean,
    isAcceptable: boolean,
  ): Promise<Answered | Source<Answered> | HTTPGraphQLResponse> {
    const { request } = arrival;
    const { method, url } = request.head;
    this.#refuseBeyondLimits(arrival, expanded);
    const { response, learned } = await this.#options.learn(
      request,
      method === 'GET'
        ? {
            search: isNamed && expanded !== undefined ? searchFor(expanded, url) : searchOf(url),
            body: undefined,
          }
        : { search: '', body: expanded },
    );
    // One that accepts no media type is told so although its operation is good.
    const [operation] = isAcceptable ? learned.values() : [];
    return operation === undefined ? response : this.run(arrival, operation);
  }

  /** An operation of a batch with its text in the place of what names it, if the client may send it. */
  async expand(arrival: Arrival, sent: SentOperation): Promise<SentOperation> {
    const expanded = await this.#options.persistedOperations.spellOut(sent);
    this.#refuseUntrusted(arrival, expanded);
    this.#refuseBeyondLimits(arrival, expanded);
    return expanded;
  }

  /** The safelist. */
  #refuseUntrusted(arrival: Arrival, expanded: SentOperation | undefined): void {
    const { refuse } = this.#options.persistedOperations;
    if (refuse !== undefined) refuseAny(documentsOf(arrival, expanded), refuse);
  }

  /** What a document may be like before it is parsed. Of a known operation `run` says it, with all other limits. */
  #refuseBeyondLimits(arrival: Arrival, expanded: SentOperation | undefined): void {
    const { limits } = this.#options;
    const { identity } = arrival.request;
    refuseAny(documentsOf(arrival, expanded), (document) => limits.refuse(document, identity));
  }

  /** An operation that was learned before; undefined where something is unusual, which Apollo Server decides about. */
  find({ request }: Arrival, expanded: SentOperation | undefined): LearnedOperation | undefined {
    const generation = this.#options.gateway.current;
    const usual = expanded && usualOperation(expanded);
    if (usual === undefined || generation === undefined) return undefined;
    const { method, headers } = request.head;
    const isGet = method === 'GET';
    if (isGet && !isPreflighted(headers)) return undefined;
    const operation = generation.known(usual.query, usual.operationName);
    if (operation === undefined || (isGet && operation.type !== 'query')) return undefined;
    request.onEnd(generation.hold());
    return { operation, variables: usual.variables };
  }

  run({ request }: Arrival, { operation, variables }: LearnedOperation): Promise<Answered | Source<Answered>> {
    const { hooks } = this.#options;
    request.resolve(operation);
    if (hooks.onOperation === undefined) return operation.run(variables, request);
    const { name, type } = operation;
    const seen = Promise.resolve(hooks.onOperation(request.shown, { name, type, variables }));
    return seen.then(() => operation.run(variables, request));
  }
}

/** What is to be parsed: of a GET in an unusual form whatever may be. */
const documentsOf = ({ request }: Arrival, expanded: SentOperation | undefined): readonly unknown[] =>
  expanded === undefined ? new URLSearchParams(searchOf(request.head.url)).getAll('query') : [expanded.query];

function refuseAny(
  documents: readonly unknown[],
  refuse: (document: string) => GraphQLError | undefined,
): void {
  for (const document of documents) {
    const refusal = typeof document === 'string' ? refuse(document) : undefined;
    if (refusal !== undefined) throw refusal;
  }
}
