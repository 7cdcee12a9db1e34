/** Subgraph calls, whatever sends them. Over 300 lines: their types, and each way in which they fail. */
import type { AnswerProvenance, Policy } from '../../cache/policy';
import type { CollectedHeaders } from '../wire/collected-headers';
import type { CallCounts, FetchCounts, Tally } from '../../telemetry/metrics/call-counts';
import type { Span } from '../../telemetry/traces/span';
import type { Source } from './source';

export type OperationKind = 'query' | 'mutation' | 'subscription';

/** What may be done with a call, by the kind of its operation. A new kind does not compile until it is entered here. */
const kinds: Readonly<
  Record<OperationKind, { readonly isRepeatable: boolean; readonly changesData: boolean }>
> = {
  query: { isRepeatable: true, changesData: false },
  mutation: { isRepeatable: false, changesData: true },
  subscription: { isRepeatable: false, changesData: false },
};

/** Whether a call may be retried, coalesced, batched, and answered from a cache. */
export const isRepeatable = ({ kind }: Pick<SubgraphOperation, 'kind'>): boolean => kinds[kind].isRepeatable;

/** Whether it may be sent again: a query at a REST source may be a POST, of which nobody knows what it does. */
export const mayBeResent = ({ operation, http }: Pick<SubgraphRequest, 'operation' | 'http'>): boolean =>
  isRepeatable(operation) && (http === undefined || http.method === 'GET');

/** Whether a call may change data, so that cached answers become wrong. */
export const changesData = ({ kind }: Pick<SubgraphOperation, 'kind'>): boolean => kinds[kind].changesData;

/** The part of a subgraph call that is the same for every request; compiled once per fetch node. */
export interface SubgraphOperation {
  /** The subgraph's name in the supergraph. */
  readonly subgraph: string;
  readonly kind: OperationKind;
  /** GraphQL text. */
  readonly document: string;
  readonly name: string | undefined;
  /** The name of the client's operation. @default undefined: it has none */
  readonly clientName?: string | undefined;
  /** UTF-8 of `{"query":"…","operationName":"…","variables":`; a transport appends the variables and `bodySuffix`. */
  readonly bodyPrefix: Buffer;
  /** ASCII. @default '}' */
  readonly bodySuffix?: string | undefined;
  /** Counts the fetches of the client's operation that it is a part of. @default undefined: they are not counted */
  readonly tally?: Tally | undefined;
}

/** Counts fetches, for their client request and for its operation. */
export function countFetches(
  { calls }: Pick<Caller, 'calls'>,
  { subgraph, tally }: Pick<SubgraphOperation, 'subgraph' | 'tally'>,
  result: keyof FetchCounts,
  count: number,
): void {
  calls[result] += count;
  if (tally !== undefined) tally.of(subgraph)[result] += count;
}

/** What a subgraph call needs of the client request. One object per client request. */
export interface Caller {
  /** Forwarded headers, names in lower case. The response of a subgraph may depend on them. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The headers for each subgraph with header rules of its own, instead of `headers`.
   *
   * @default undefined: no subgraph has rules of its own
   */
  readonly bySubgraph?: ReadonlyMap<string, Pick<Caller, 'headers' | 'scope'>> | undefined;
  /**
   * The identity that is sent over private links: the value of `weir-identity`. The response of a subgraph may depend on
   * it. Undefined for anonymous callers, and without a private link.
   */
  readonly signedIdentity: string | undefined;
  /** Equal for two callers exactly when all their headers and `signedIdentity` are equal; empty when there are none. */
  readonly scope: string;
  /**
   * Headers that correlate calls with client requests: `x-request-id`, and those of a trace, which may be sent as they are.
   * They are in no cache key, so they hold nothing but what the gateway has made, and hexadecimal ids that it has read and
   * written anew; beside them the headers that `calls.sharedHeaders` lists. A response that depends on them must name them in `Vary`.
   */
  readonly tracing: Readonly<Record<string, string>>;
  /**
   * The `tracestate` of the client. It is sent with mutations only: no other client gets their answers.
   *
   * @default undefined: there is none
   */
  readonly tracestate?: string | undefined;
  /** Whether the client has left, so that nobody waits for the answer. */
  readonly isGone: boolean;
  /** The deadline of the client request, in milliseconds of `performance.now()`; undefined without one. */
  readonly deadline: number | undefined;
  readonly calls: CallCounts;
  /** The provenance of the answer to the client. Each response is noted there when it arrives. */
  readonly provenance: AnswerProvenance;
  /**
   * Where response headers for the client are collected.
   *
   * @default undefined: no client waits for them
   */
  readonly collected?: CollectedHeaders | undefined;
  /**
   * Identifies the event of a subscription that it calls for. Calls in flight are shared only by callers for the same event:
   * the response to a call that was sent before the event may be older than the event.
   *
   * @default undefined: a client request
   */
  readonly event?: object | undefined;
  /**
   * The span that its calls belong to.
   *
   * @default undefined: nothing is recorded
   */
  readonly span?: Span | undefined;
  /**
   * Of a call that several fetches share: who they are.
   *
   * @default undefined: it is one fetch
   */
  readonly sharing?: Sharing | undefined;
}

export interface Sharing {
  readonly members: readonly { readonly caller: Caller }[];
  /** `batched`: different fetches were joined into one call. `deduplicated`: they are equal. */
  readonly how: 'batched' | 'deduplicated';
  /**
   * Records the call for those that joined after it was sent, if no trace that is sampled had it then. Called with its
   * response, or with why there is none.
   *
   * @default undefined: it is recorded, or nothing is
   */
  recordLate?: ((response: SubgraphResponse | undefined, error?: unknown) => void) | undefined;
}

export interface SubgraphRequest {
  readonly operation: SubgraphOperation;
  /** UTF-8 JSON of the variables object, representations included. An empty Buffer if there are no variables. */
  readonly variables: Buffer;
  readonly caller: Caller;
  /**
   * The requested entities: a list for each `_entities` field of the operation. Undefined for a fetch of root fields.
   */
  readonly entities?: readonly EntityList[] | undefined;
  /**
   * Of a subscription: the position of the last event that the caller has. Sent as `extensions.after`; only events after it
   * are wanted.
   *
   * @default undefined: events from now on
   */
  readonly after?: string | undefined;
  /**
   * What is sent for it to a REST source.
   *
   * @default undefined: the operation and its variables, as GraphQL
   */
  readonly http?: HttpRequest | undefined;
}

/** A request to a REST source. */
export interface HttpRequest {
  readonly method: string;
  /** With its query, percent-encoded; it begins with `/` and follows on the path of the subgraph's URL. */
  readonly path: string;
  /** What the path is made of, such as `/pets/{petId}`, for traces. */
  readonly route: string;
  /** Names in lower case. The headers of every call, and those of a signature, replace them. */
  readonly headers: Readonly<Record<string, string>>;
  /** @default undefined: it has none */
  readonly body?: Buffer | undefined;
}

/** The representations of one `_entities` field. There is at least one. */
export interface EntityList {
  /** `_entities`, or its alias where an operation has several. */
  readonly responseKey: string;
  /** The name of the variable that holds the representations. */
  readonly variable: string;
  /**
   * The selection on each entity, written as an unnamed document that selects nothing else. Two lists of one subgraph
   * select the same fields if this and `arguments` are equal. All requests of an operation have the same string object.
   */
  readonly selection: string;
  /** UTF-8 JSON of the other variables of `selection` that have a value, as members of an object, without its braces. */
  readonly arguments: Buffer;
  /** How many representations there are. To ask for it makes none of them. */
  readonly count: number;
  /**
   * JSON of each representation, as views into the request's variables. They are made on first access, which must be
   * before the call is answered.
   */
  readonly representations: readonly Buffer[];
}

export interface SubgraphResponse {
  readonly status: number;
  /** Names in lower case. A header that may occur several times, and does, is a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The decompressed body. It may be a view into a larger buffer: copy what outlives the request. */
  readonly body: Buffer;
  /** The remaining cache policy, if it comes from a cache or of several responses. @default what its headers say */
  readonly policy?: Policy | undefined;
  /**
   * For each entity list, the policy of each of its entities, where they differ. `policy` is then the strictest one.
   *
   * @default undefined: `policy` is that of all
   */
  readonly policies?: readonly (readonly Policy[])[] | undefined;
  /** Its cache tags, if known. An invalidation of any of them drops it. */
  readonly tags?: Iterable<string> | undefined;
  /**
   * When the answered call was made, in milliseconds of `performance.now()`. A request that joined a call in flight gets
   * a response that is older than the request.
   */
  readonly sentAt?: number | undefined;
  /**
   * Whether it may be shared with another client request.
   *
   * @default what its headers say
   */
  readonly isShareable?: boolean | undefined;
  /**
   * Whether parts of it come from a cache in the memory of this process, which may be older than the shared store.
   *
   * @default false
   */
  readonly isNear?: boolean | undefined;
}

/** What a subscription brings. */
export interface SubgraphEvent extends SubgraphResponse {
  /**
   * Its `extensions.position`: an opaque text, for `SubgraphRequest.after`.
   *
   * @default undefined: the subgraph numbers no events
   */
  readonly position?: string | undefined;
  /**
   * Whether it is no event, but a gap: events may be missing or come twice here. The connection to the subgraph broke
   * and was opened anew, events came faster than they were read, or the subgraph cannot replay what was requested. Its body
   * is then `{"data":null,"extensions":{"gap":true}}`, as a subgraph itself sends it.
   *
   * @default false
   */
  readonly isGap?: boolean | undefined;
  /**
   * What it stems from, where several subscriptions get an event each for it: calls for them are shared.
   *
   * @default undefined: the event itself
   */
  readonly cause?: object | undefined;
  /**
   * Headers that correlate the calls for it with what it stems from, instead of those of the client request. Without
   * `x-request-id` they have that of the client request.
   *
   * @default undefined: those of the client request
   */
  readonly tracing?: Caller['tracing'] | undefined;
}

/**
 * A subgraph call; everything around it (cache, dedupe, retry, timeout, signing) wraps one of these.
 *
 * Resolves for any HTTP status, also for a redirect or a 500. Rejects only with a `TransportError`, if there is no
 * response.
 */
export type Send = (request: SubgraphRequest) => Promise<SubgraphResponse>;

/**
 * A subgraph call with a stream of answers, for operations of the kind `subscription`. Resolves when the subgraph has
 * accepted the call. The call and its source reject only with a `TransportError`.
 *
 * The caller must read the source to its end or close it. It ends with undefined when the subgraph has completed it,
 * and rejects when the connection broke and could not be replaced. What a subgraph refuses, with errors in GraphQL, is
 * one event and the end. The deadline of the caller, and whether it is gone, count until the source is open; then the
 * source is its reader's to close.
 */
export type Subscribe = (request: SubgraphRequest) => Promise<Source<SubgraphEvent>>;

/** Does something around calls. One that looks at what `next` resolves with does so by `follow`, which makes no promise. */
export type Interceptor = (next: Send) => Send;

/** The first interceptor is the outermost: it sees the request first and the response last. */
export const compose = (send: Send, interceptors: readonly Interceptor[]): Send =>
  interceptors.reduceRight((next, interceptor) => interceptor(next), send);

/** Makes each call by the function of its subgraph. */
export function routeBySubgraph<Answer>(
  sends: ReadonlyMap<string, (request: SubgraphRequest) => Promise<Answer>>,
): (request: SubgraphRequest) => Promise<Answer> {
  return (request) => {
    const { subgraph } = request.operation;
    const send = sends.get(subgraph);
    return send === undefined ? Promise.reject(new TransportError(subgraph, 'unknown')) : send(request);
  };
}

/** Why a subgraph call has no response. */
export type TransportFailure = keyof typeof failures;

/**
 * A subgraph call without a response.
 *
 * Its message may reach clients: it names the subgraph and what happened, never an address. The error of the
 * network is `cause`, for logs.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;
  readonly subgraph: string;
  readonly failure: TransportFailure;

  constructor(subgraph: string, failure: TransportFailure, cause?: unknown) {
    const { code, message } = failures[failure];
    super(`Subgraph "${subgraph}" ${message}.`, { cause });
    this.code = code;
    this.subgraph = subgraph;
    this.failure = failure;
  }
}

export type TransportErrorCode =
  | 'SUBREQUEST_HTTP_ERROR'
  | 'SUBREQUEST_MALFORMED_RESPONSE'
  | 'GATEWAY_TIMEOUT'
  | 'MAX_SUBGRAPH_CALLS_LIMIT'
  | 'SUBGRAPH_RATE_LIMITED'
  | 'TOKEN_EXCHANGE_FAILED';

export const failures = {
  unreachable: { code: 'SUBREQUEST_HTTP_ERROR', message: 'could not be reached' },
  'connect-timeout': { code: 'SUBREQUEST_HTTP_ERROR', message: 'could not be connected to in time' },
  refused: { code: 'SUBREQUEST_HTTP_ERROR', message: 'refused the connection' },
  reset: { code: 'SUBREQUEST_HTTP_ERROR', message: 'closed the connection before it had answered' },
  'not-http': { code: 'SUBREQUEST_HTTP_ERROR', message: 'did not answer in HTTP' },
  'too-large': { code: 'SUBREQUEST_HTTP_ERROR', message: 'sent a response over the size limit' },
  encoding: {
    code: 'SUBREQUEST_MALFORMED_RESPONSE',
    message: 'sent a response in an encoding that cannot be unpacked',
  },
  mismatched: {
    code: 'SUBREQUEST_MALFORMED_RESPONSE',
    message: 'did not answer a batch of requests with a batch of as many responses',
  },
  timeout: { code: 'GATEWAY_TIMEOUT', message: 'did not answer in time' },
  silent: {
    code: 'GATEWAY_TIMEOUT',
    message: 'was silent for longer than the heartbeat of its subscriptions allows',
  },
  broken: {
    code: 'SUBREQUEST_HTTP_ERROR',
    message: 'is not called for a moment: its circuit breaker is open',
  },
  nowhere: { code: 'SUBREQUEST_HTTP_ERROR', message: 'was not called: no endpoint of it was found' },
  busy: { code: 'SUBREQUEST_HTTP_ERROR', message: 'was not called: too many calls of it wait already' },
  failed: { code: 'SUBREQUEST_HTTP_ERROR', message: 'failed to answer' },
  unsigned: {
    code: 'SUBREQUEST_HTTP_ERROR',
    message: 'was not called: there is nothing to sign the call with',
  },
  'no-token': {
    code: 'TOKEN_EXCHANGE_FAILED',
    message: 'was not called: the caller has no token to exchange for one of it',
  },
  'not-exchanged': {
    code: 'TOKEN_EXCHANGE_FAILED',
    message: 'was not called: the token of the caller could not be exchanged for one of it',
  },
  unsendable: { code: 'SUBREQUEST_HTTP_ERROR', message: 'was not called: the request could not be sent' },
  aborted: { code: 'SUBREQUEST_HTTP_ERROR', message: 'was not waited for: the client has gone' },
  closed: { code: 'SUBREQUEST_HTTP_ERROR', message: 'is not called any more: the gateway is shutting down' },
  'over-limit': {
    code: 'MAX_SUBGRAPH_CALLS_LIMIT',
    message: 'was not called: the operation needs too many calls',
  },
  'over-rate': {
    code: 'SUBGRAPH_RATE_LIMITED',
    message: 'was not called: it has had as many calls as its `rate` allows',
  },
  unknown: { code: 'SUBREQUEST_HTTP_ERROR', message: 'is not known to the transport' },
  'not-accepted': { code: 'SUBREQUEST_HTTP_ERROR', message: 'did not accept the subscription' },
  interrupted: { code: 'SUBREQUEST_HTTP_ERROR', message: 'broke off the subscription' },
  malformed: { code: 'SUBREQUEST_MALFORMED_RESPONSE', message: 'broke the protocol of the subscription' },
  'too-fast': { code: 'SUBREQUEST_HTTP_ERROR', message: 'sent events faster than they could be handled' },
} as const satisfies Record<string, { code: TransportErrorCode; message: string }>;
