import type { HTTPGraphQLResponse } from '@apollo/server';
import type { GraphQLError } from 'graphql';
import type { ReadingTurns } from '../admission/reading-turns';
import type { PersistedOperations } from './persisted/persisted-operations';
import { requestError } from '../errors';
import type { OperationResult } from '../cache/responses/response-cache';
import type { LearnedOperation } from '../graph/engine';
import type { Gateway } from '../graph/gateway';
import type { IsPreflighted } from '../http/preflighted';
import type { ClientLimits } from '../limits/client-limits';
import type { Flow } from '../subgraph-calls/contract/source';
import { isMap } from '../options/is-map';
import type { Hooks } from './hooks';
import type { IncomingRequest } from './incoming-request';
import type { Learn } from './learn-operation';
import { searchFor, searchOf, type SentOperation, usualOperation } from './parsed-request';
import type { Arrival } from './pipeline';
import { refusedOperation } from './refusals/note-refused';
import { refuseRootConditions } from './root-conditions';
import { partsNotTaken } from './answers/only-part';
import type { IncrementalFormat } from './sink';

export interface RunOperationOptions {
  readonly persistedOperations: Pick<PersistedOperations, 'spellOut' | 'refuse'>;
  readonly limits: Pick<ClientLimits, 'refuse'>;
  readonly gateway: Pick<Gateway, 'current'>;
  readonly isPreflighted: IsPreflighted;
  readonly learn: Learn;
  readonly readingTurns: Pick<ReadingTurns, 'read'>;
  readonly hooks: Pick<Hooks, 'onOperation'>;
}

/** The steps of one operation, from its text or id to its result. Refusals are `GraphQLError`s. */
export class RunOperation {
  readonly #options: RunOperationOptions;

  constructor(options: RunOperationOptions) {
    this.#options = options;
  }

  /**
   * Runs the only operation of a request. Resolves with Apollo Server's answer if Apollo Server refuses the operation.
   *
   * @param sent undefined for a GET whose parameters are not in the usual form
   * @param isAcceptable whether the client accepts one of the media types of answers
   */
  one(
    arrival: Arrival,
    sent: SentOperation | undefined,
    isAcceptable: boolean,
  ): Promise<OperationResult | Flow<OperationResult> | HTTPGraphQLResponse> {
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
  ): Promise<OperationResult | Flow<OperationResult> | HTTPGraphQLResponse> {
    this.#refuseUntrusted(arrival, expanded);
    const known = isAcceptable ? this.find(arrival, expanded) : undefined;
    return known === undefined
      ? this.#learn(arrival, sent, expanded, isAcceptable)
      : this.run(arrival, known, sent);
  }

  async #learn(
    arrival: Arrival,
    sent: SentOperation | undefined,
    expanded: SentOperation | undefined,
    isAcceptable: boolean,
  ): Promise<OperationResult | Flow<OperationResult> | HTTPGraphQLResponse> {
    const { request } = arrival;
    const found = await this.#options.readingTurns.read(request, () =>
      this.#read(arrival, expanded, expanded !== sent, isAcceptable),
    );
    if (!('operation' in found)) return found;
    if (request.head.method === 'GET' && found.operation.type === 'mutation')
      throw requestError(
        'METHOD_NOT_ALLOWED',
        { reason: 'A mutation is sent by POST, not by GET.' },
        { headers: { allow: 'POST' } },
      );
    return this.run(arrival, found, sent);
  }

  /** Resolves with Apollo Server's answer to what it refuses. @param isNamed whether an id or hash was sent */
  async #read(
    arrival: Arrival,
    expanded: SentOperation | undefined,
    isNamed: boolean,
    isAcceptable: boolean,
  ): Promise<LearnedOperation | HTTPGraphQLResponse> {
    // It may have been learned meanwhile.
    const known = isAcceptable ? this.find(arrival, expanded) : undefined;
    if (known !== undefined) return known;
    this.#refuseBeyondLimits(arrival, expanded);
    const { request } = arrival;
    const { method, url } = request.head;
    // Apollo Server takes subscriptions by POST alone.
    const mayBeEvents =
      request.sink.events !== undefined && this.#options.isPreflighted(request.head.headers);
    const isInUrl = method === 'GET' && (expanded === undefined || !mayBeEvents);
    const { response, learned } = await this.#options.learn(
      request,
      isInUrl
        ? {
            search: isNamed && expanded !== undefined ? searchFor(expanded, url) : searchOf(url),
            body: undefined,
          }
        : { search: '', body: expanded },
    );
    // A client that accepts no media type gets the error of Apollo Server, even if its operation is valid.
    const [found = response] = isAcceptable ? learned.values() : [];
    return found;
  }

  /** Replaces the id or hash of an operation of a batch by its text, and checks whether the client may send it. */
  async expand(arrival: Arrival, sent: SentOperation): Promise<SentOperation> {
    const expanded = await this.#options.persistedOperations.spellOut(sent);
    this.#refuseUntrusted(arrival, expanded);
    const check = (): void => this.#refuseBeyondLimits(arrival, expanded);
    if (this.find(arrival, expanded) === undefined)
      await this.#options.readingTurns.read(arrival.request, check);
    else check();
    return expanded;
  }

  /** Checks the safelist. */
  #refuseUntrusted(arrival: Arrival, expanded: SentOperation | undefined): void {
    const { refuse } = this.#options.persistedOperations;
    // The operations of tools are those of the gateway's own files.
    if (refuse !== undefined && arrival.request.protocol !== 'mcp') refuseAny(arrival, expanded, refuse);
  }

  /** Checks the limits of documents, before parsing. For a known operation `run` checks them, with all other limits. */
  #refuseBeyondLimits(arrival: Arrival, expanded: SentOperation | undefined): void {
    const { limits } = this.#options;
    const { identity } = arrival.request;
    refuseAny(
      arrival,
      expanded,
      (document) => limits.refuse(document, identity) ?? refuseRootConditions(document),
    );
  }

  /** An operation that was learned before; undefined for unusual requests, which Apollo Server handles. */
  find({ request }: Arrival, expanded: SentOperation | undefined): LearnedOperation | undefined {
    const generation = this.#options.gateway.current;
    const usual = expanded && usualOperation(expanded);
    if (usual === undefined || generation === undefined) return undefined;
    const { method, headers } = request.head;
    const isGet = method === 'GET';
    if (isGet && !this.#options.isPreflighted(headers)) return undefined;
    const operation = generation.known(usual.query, usual.operationName);
    if (operation === undefined || (isGet && operation.type === 'mutation')) return undefined;
    request.hold(generation.hold());
    return { operation, variables: usual.variables };
  }

  /** @param alone the operation as it was sent, where it is the only one: then its answer may be in parts */
  run(
    { request }: Arrival,
    { operation, variables }: LearnedOperation,
    alone?: SentOperation,
  ): Promise<OperationResult | Flow<OperationResult>> {
    const { hooks } = this.#options;
    const format = operation.mayDefer && alone !== undefined ? formatFor(request, alone) : undefined;
    if (operation.type === 'subscription') {
      if (request.sink.events === undefined) throw partsNotTaken(request.sink);
      request.after ??= afterIn(alone);
    }
    request.resolve(operation);
    if (hooks.onOperation === undefined) return operation.run(variables, request, format);
    const { name, type } = operation;
    const seen = Promise.resolve(hooks.onOperation(request.shown, { name, type, variables }));
    return seen.then(() => operation.run(variables, request, format));
  }
}

/** How a client takes deferred fragments. Over protocols that do not name one, it may request the older format. */
function formatFor({ sink }: IncomingRequest, { extensions }: SentOperation): IncrementalFormat | undefined {
  const { incremental } = sink;
  if (incremental === undefined || !isMap(extensions) || !isMap(extensions['weir'])) return incremental;
  return extensions['weir']['incremental'] === '20220824' ? '20220824' : incremental;
}

/** All documents that may be parsed. A GET in an unusual form may have several. */
const documentsOf = ({ request }: Arrival, expanded: SentOperation | undefined): readonly unknown[] =>
  expanded === undefined ? new URLSearchParams(searchOf(request.head.url)).getAll('query') : [expanded.query];

/** The cursor with which a client comes back. */
function afterIn(sent: SentOperation | undefined): string | undefined {
  const extensions = sent?.['extensions'];
  const after = isMap(extensions) ? extensions['after'] : undefined;
  return typeof after === 'string' ? after : undefined;
}

function refuseAny(
  arrival: Arrival,
  expanded: SentOperation | undefined,
  refuse: (document: string) => GraphQLError | undefined,
): void {
  for (const document of documentsOf(arrival, expanded)) {
    if (typeof document !== 'string') continue;
    const refusal = refuse(document);
    if (refusal === undefined) continue;
    arrival.request.refusedOperation = refusedOperation(document, expanded?.operationName);
    throw refusal;
  }
}
