import type { AnswerProvenance, Policy } from '../cache/policy';
import type { CallCounts } from '../telemetry/call-counts';
import type { Source } from './source';

export type OperationKind = 'query' | 'mutation' | 'subscription';

/** What may be done with a call, by the kind of its operation: a kind that is added does not build before it is decided. */
const kinds: Readonly<
  Record<OperationKind, { readonly isRepeatable: boolean; readonly changesData: boolean }>
> = {
  query: { isRepeatable: true, changesData: false },
  mutation: { isRepeatable: false, changesData: true },
  subscription: { isRepeatable: false, changesData: false },
};

/** Whether a call may be sent again, be shared with others, go together with others, and be answered from a cache. */
export const isRepeatable = ({ kind }: Pick<SubgraphOperation, 'kind'>): boolean => kinds[kind].isRepeatable;

/** Whether a call may change what others have answered before. */
export const changesData = ({ kind }: Pick<SubgraphOperation, 'kind'>): boolean => kinds[kind].changesData;

/** The part of a subgraph call that is the same for every request; compiled once per fetch node. */
export interface SubgraphOperation {
  /** The subgraph's name in the supergraph. */
  readonly subgraph: string;
  readonly kind: OperationKind;
  /** GraphQL text. */
  readonly document: string;
  readonly name: string | undefined;
  /** UTF-8 of `{"query":"…","operationName":"…","variables":`; a transport appends the variables and `bodySuffix`. */
  readonly bodyPrefix: Buffer;
  /** ASCII. @default '}' */
  readonly bodySuffix?: string | undefined;
}

/** What a subgraph call needs to know of the client's request. One object per client request. */
export interface Caller {
  /** Headers chosen by the forwarding rules, in lower case. What a subgraph answers may depend on them. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Who they are, as subgraphs with a private link are told: the value of `weir-identity`. What a subgraph answers may
   * depend on it. Undefined for nobody, and where no link is set up.
   */
  readonly signedIdentity: string | undefined;
  /** Equal for two callers exactly when their `headers` and `signedIdentity` are equal; empty when there are none. */
  readonly scope: string;
  /** Headers that tell operators to which request a call belongs. An answer that depends on them says so in `Vary`. */
  readonly tracing: Readonly<Record<string, string>>;
  /** Whether nobody waits for the answer any more. */
  readonly isGone: boolean;
  /** When the client's request must be answered, in milliseconds of `performance.now()`; undefined: never. */
  readonly deadline: number | undefined;
  readonly calls: CallCounts;
  /** What the answer to the client is made of. Responses are noted there as they come back to who asked for them. */
  readonly ingredients: AnswerProvenance;
}

export interface SubgraphRequest {
  readonly operation: SubgraphOperation;
  /** UTF-8 JSON of the variables object, representations included; an empty Buffer: none. */
  readonly variables: Buffer;
  readonly caller: Caller;
  /**
   * What is asked of which entities: a list for each field of the operation. Undefined for a fetch of root fields,
   * which has no `_entities` beside them.
   */
  readonly entities?: readonly EntityList[] | undefined;
}

/** The representations that one `_entities` field is asked for: at least one. */
export interface EntityList {
  /** `_entities`, or its alias where an operation has several. */
  readonly responseKey: string;
  /** Which of the request's variables holds the representations. */
  readonly variable: string;
  /**
   * What is asked of each entity, as the document that asks nothing else, without its name. Lists ask the same of the
   * same entity when they are for one subgraph and both this and `arguments` are equal. One string for all requests.
   */
  readonly selection: string;
  /** UTF-8 JSON of the other variables of `selection` that have a value, as members of an object, without its braces. */
  readonly arguments: Buffer;
  /**
   * JSON of each representation: views into the request's variables, made when they are first looked at, which must
   * be before the call is answered.
   */
  readonly representations: readonly Buffer[];
}

export interface SubgraphResponse {
  readonly status: number;
  /** Names in lower case; what occurred more than once, and may, is a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The unpacked body. It may be part of a larger block of memory: copy what is kept beyond the request. */
  readonly body: Buffer;
  /** What is left of its life, where it comes from a cache. @default what its headers say */
  readonly policy?: Policy | undefined;
  /** What it is made of, where that is known: an invalidation of any of these drops it. */
  readonly tags?: Iterable<string> | undefined;
  /**
   * When the call was made that it answers, in milliseconds of `performance.now()`: what joined a call that others had
   * begun gets an answer that is older than its request.
   */
  readonly sentAt?: number | undefined;
  /**
   * Whether another client request may be given it.
   *
   * @default what its headers say
   */
  readonly isShareable?: boolean | undefined;
  /**
   * Some of it was kept in this process, before a store that others share, which may know better already.
   *
   * @default false
   */
  readonly isNear?: boolean | undefined;
}

/**
 * A subgraph call; everything around it (cache, dedupe, retry, timeout, signing) wraps one of these.
 *
 * An answer of any status is an answer, a redirect or a 500 too. Rejects with a `TransportError` when there
 * is none, and with nothing else.
 */
export type Send = (request: SubgraphRequest) => Promise<SubgraphResponse>;

/**
 * A subgraph call whose answers come one after the other, for operations of the kind `subscription`. Resolves when the
 * subgraph has accepted it. It, and its source, reject with a `TransportError` and with nothing else.
 *
 * Whoever gets the source reads it to its end or closes it.
 */
export type Subscribe = (request: SubgraphRequest) => Promise<Source<SubgraphResponse>>;

export type Interceptor = (next: Send) => Send;

/** The first interceptor is the outermost: it sees the request first and the response last. */
export const compose = (send: Send, interceptors: readonly Interceptor[]): Send =>
  interceptors.reduceRight((next, interceptor) => interceptor(next), send);

/** Sends each call by the `Send` of its subgraph. */
export function routeBySubgraph(sends: ReadonlyMap<string, Send>): Send {
  return (request) => {
    const { subgraph } = request.operation;
    const send = sends.get(subgraph);
    return send === undefined ? Promise.reject(new TransportError(subgraph, 'unknown')) : send(request);
  };
}

/** Why a subgraph call has no answer. */
export type TransportFailure = keyof typeof failures;

/**
 * A subgraph call that has no answer.
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
    const { code, says } = failures[failure];
    super(`Subgraph "${subgraph}" ${says}.`, { cause });
    this.code = code;
    this.subgraph = subgraph;
    this.failure = failure;
  }
}

export type TransportErrorCode =
  'SUBREQUEST_HTTP_ERROR' | 'SUBREQUEST_MALFORMED_RESPONSE' | 'GATEWAY_TIMEOUT' | 'MAX_SUBGRAPH_CALLS_LIMIT';

const failures = {
  unreachable: { code: 'SUBREQUEST_HTTP_ERROR', says: 'could not be reached' },
  'connect-timeout': { code: 'SUBREQUEST_HTTP_ERROR', says: 'could not be connected to in time' },
  refused: { code: 'SUBREQUEST_HTTP_ERROR', says: 'refused the connection' },
  reset: { code: 'SUBREQUEST_HTTP_ERROR', says: 'closed the connection before it had answered' },
  'not-http': { code: 'SUBREQUEST_HTTP_ERROR', says: 'did not answer in HTTP' },
  'too-large': { code: 'SUBREQUEST_HTTP_ERROR', says: 'sent a response over the size limit' },
  encoding: {
    code: 'SUBREQUEST_MALFORMED_RESPONSE',
    says: 'sent a response in an encoding that cannot be unpacked',
  },
  mismatched: {
    code: 'SUBREQUEST_MALFORMED_RESPONSE',
    says: 'did not answer a batch of requests with a batch of as many responses',
  },
  timeout: { code: 'GATEWAY_TIMEOUT', says: 'did not answer in time' },
  broken: { code: 'SUBREQUEST_HTTP_ERROR', says: 'is not called for a moment: its circuit breaker is open' },
  busy: { code: 'SUBREQUEST_HTTP_ERROR', says: 'was not called: too many calls of it wait already' },
  failed: { code: 'SUBREQUEST_HTTP_ERROR', says: 'failed to answer' },
  unsigned: { code: 'SUBREQUEST_HTTP_ERROR', says: 'was not called: there is nothing to sign the call with' },
  unsendable: { code: 'SUBREQUEST_HTTP_ERROR', says: 'was not called: the request could not be sent' },
  aborted: { code: 'SUBREQUEST_HTTP_ERROR', says: 'was not waited for: the client has gone' },
  closed: { code: 'SUBREQUEST_HTTP_ERROR', says: 'is not called any more: the gateway is shutting down' },
  'over-limit': {
    code: 'MAX_SUBGRAPH_CALLS_LIMIT',
    says: 'was not called: the operation needs too many calls',
  },
  unknown: { code: 'SUBREQUEST_HTTP_ERROR', says: 'is not known to the transport' },
} as const satisfies Record<string, { code: TransportErrorCode; says: string }>;
