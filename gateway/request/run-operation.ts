import type { HTTPGraphQLResponse } from '@apollo/server';
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

/** The steps of one operation, from how it was sent to its result. What refuses it rejects with a `GraphQLError`. */
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
  async one(
    arrival: Arrival,
    sent: SentOperation | undefined,
    isAcceptable: boolean,
  ): Promise<Answered | Source<Answered> | HTTPGraphQLResponse> {
    const { method, url } = arrival.client.head;
    const expanded = await this.expand(arrival, sent);
    const known = isAcceptable ? this.find(arrival, expanded) : undefined;
    if (known !== undefined) return this.run(arrival, known);
    const isNamed = expanded !== undefined && expanded !== sent;
    const { response, learned } = await this.#options.learn(
      arrival.client,
      method === 'GET'
        ? { search: isNamed ? searchFor(expanded, url) : searchOf(url), body: undefined }
        : { search: '', body: expanded },
    );
    // One that accepts no media type is told so although its operation is good.
    const [operation] = isAcceptable ? learned.values() : [];
    return operation === undefined ? response : this.run(arrival, operation);
  }

  /** The text in the place of what names it; then the safelist, and what a document may be like before it is parsed. */
  async expand({ client }: Arrival, sent: SentOperation | undefined): Promise<SentOperation | undefined> {
    const { persistedOperations, limits } = this.#options;
    const expanded = sent && (await persistedOperations.spellOut(sent));
    const documents =
      expanded === undefined
        ? new URLSearchParams(searchOf(client.head.url)).getAll('query')
        : [expanded.query];
    for (const document of documents) {
      if (typeof document !== 'string') continue;
      const refusal = persistedOperations.refuse?.(document) ?? limits.refuse(document, client.identity);
      if (refusal !== undefined) throw refusal;
    }
    return expanded;
  }

  /** An operation that was learned before; undefined where something is unusual, which Apollo Server decides about. */
  find({ client }: Arrival, expanded: SentOperation | undefined): LearnedOperation | undefined {
    const generation = this.#options.gateway.current;
    const usual = expanded && usualOperation(expanded);
    if (usual === undefined || generation === undefined) return undefined;
    const { method, headers } = client.head;
    const isGet = method === 'GET';
    if (isGet && !isPreflighted(headers)) return undefined;
    const operation = generation.known(usual.query, usual.operationName);
    if (operation === undefined || (isGet && operation.type !== 'query')) return undefined;
    client.onEnd(generation.hold());
    return { operation, variables: usual.variables };
  }

  async run(
    { client }: Arrival,
    { operation, variables }: LearnedOperation,
  ): Promise<Answered | Source<Answered>> {
    const { hooks } = this.#options;
    client.resolve(operation);
    if (hooks.onOperation !== undefined) {
      const { name, type } = operation;
      await hooks.onOperation(client.shown, { name, type, variables });
    }
    return operation.run(variables, client);
  }
}
