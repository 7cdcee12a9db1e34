/** Over 300 lines: every code stands in one table, with its status, its message and when it happens. */
import { GraphQLError } from 'graphql';

/**
 * Every error that the gateway answers with: its code, the HTTP status of an answer that is nothing but this error,
 * and its message, made of the facts. `docs/errors.md` is made from this table.
 *
 * Beside `data` the status is 200. No message, and no fact, names a host, a port or a file of ours. `logged` is the message
 * for the log and the console, where `message` has values of the client.
 */
export const errors = {
  BAD_REQUEST: {
    status: 400,
    when: 'The request is not a GraphQL request: malformed JSON, no `query`, a parameter of the wrong type, or a request without CSRF protection, which a page of another origin could have sent.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  GRAPHQL_PARSE_FAILED: {
    status: 400,
    when: 'The document has a syntax error.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  GRAPHQL_VALIDATION_FAILED: {
    status: 400,
    when: 'The document is not valid for this graph.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  BAD_USER_INPUT: {
    status: 400,
    when: 'A variable does not fit its type. From a subgraph: an argument was refused.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  OPERATION_RESOLUTION_FAILURE: {
    status: 400,
    when: 'The document has no operation with the given `operationName`, or has several operations and no name was given.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  PERSISTED_QUERY_NOT_FOUND: {
    status: 200,
    when: 'The gateway does not know the persisted operation: no client has registered the hash, or no manifest has the id. Send the query together with its hash; Apollo Client does so automatically.',
    message: () => 'PersistedQueryNotFound',
    logged: () => 'The gateway knows no operation with this hash or id.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 200,
    when: 'Persisted operations are not configured: `persistedOperations.automatic` is off, and there is no manifest. Send the query.',
    message: () => 'PersistedQueryNotSupported',
    logged: () => 'Persisted operations are not configured.',
  },
  QUERY_NOT_IN_SAFELIST: {
    status: 400,
    when: 'The operation is in no manifest of `persistedOperations.manifest`, and `mode: reject` refuses all others. Nothing was executed. A text must be exactly that of the manifest.',
    message: () => 'The operation is not in the safelist.',
  },
  UNAUTHENTICATED: {
    status: 401,
    when: 'The request has no credentials, or wrong ones. The message names the reason.',
    message: ({ reason }: { readonly reason: string }) => reason,
    logged: () => 'The credentials are missing or wrong: the line of the request in the log has the reason.',
  },
  UNAUTHORIZED_FIELD_OR_TYPE: {
    status: 403,
    when: 'The caller may not see a field, or objects of a type: it is null, and it was requested from no subgraph. With `authorization.refused: reject` the whole operation is refused. `@authenticated`, `@requiresScopes` and `@policy` in the schema decide who may.',
    message: ({
      what,
      lacks = [],
    }: {
      readonly what: readonly string[];
      readonly lacks?: readonly string[];
    }) =>
      [
        `The caller may not see ${what.slice(0, 10).join(', ')}${what.length > 10 ? ' and more' : ''}.`,
        ...lacks.slice(0, 10),
      ].join(' '),
  },
  FORBIDDEN: {
    status: 403,
    when: 'On the port for operators, while `admin.token` is not set: the console was opened from another machine, through a proxy, by another host name than a loopback one, or by a page of another origin.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  NOT_FOUND: {
    status: 404,
    when: 'Nothing is served at this path.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    when: 'A mutation over GET, or a method other than GET and POST. The `Allow` header lists the allowed methods.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  NOT_ACCEPTABLE: {
    status: 406,
    when: 'The `Accept` header allows no media type of GraphQL responses. Or the operation is a subscription, and the client takes no answer in parts, or the gateway sends none there ([on Lambda](lambda.md)).',
    message: ({ parts }: { readonly parts?: 'not named' | 'not sent' }) =>
      parts === 'not sent'
        ? 'The answer comes in parts, but this endpoint sends every answer in one piece: subscribe where the gateway streams.'
        : parts === 'not named'
          ? 'The answer comes in parts: ask for it over WebSocket (graphql-transport-ws), or name text/event-stream or multipart/mixed in the Accept header.'
          : 'The answer is application/graphql-response+json or application/json, but the Accept header allows neither.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    when: 'The request did not arrive in time.',
    message: () => 'The request did not arrive in time.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    when: 'The body of the request is larger than `limits.body`.',
    message: ({ limit }: { readonly limit: number }) => `The body must not be larger than ${limit} bytes.`,
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    when: 'The body of the request is not JSON in UTF-8, or is compressed with something other than gzip, deflate or br.',
    message: ({ got, isUpload = false }: { readonly got: string; readonly isUpload?: boolean }) =>
      isUpload
        ? 'Files are not uploaded through the gateway (multipart/form-data): have a mutation answer with a presigned URL, send the file there, and name it in another mutation.'
        : `The body must be application/json in UTF-8, as it is or as gzip, deflate or br, but is ${got}.`,
    logged: () => 'The body is not application/json in UTF-8, as it is or as gzip, deflate or br.',
  },
  EXPECTATION_FAILED: {
    status: 417,
    when: 'The `Expect` header is not `100-continue`.',
    message: () => 'The Expect header may only be 100-continue.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    when: 'The request has too many headers, or they are too long.',
    message: () => 'The request has too many headers, or they are too long.',
  },
  UNSUPPORTED_TRANSFER_CODING: {
    status: 501,
    when: 'The `Transfer-Encoding` of the request is not `chunked`. Declare a compressed body with `Content-Encoding`.',
    message: () => 'The Transfer-Encoding may only be chunked: say by Content-Encoding how a body is packed.',
  },
  INTERNAL_SERVER_ERROR: {
    status: 500,
    when: 'A defect of the gateway. Its log has the cause, under the request id of the response.',
    message: () => 'Internal server error',
  },
  NOT_CACHED: {
    status: 504,
    when: 'The client requested a cached answer with `Cache-Control: only-if-cached`, and there is none. Only where `cache.responses.clientDirectives` is on.',
    message: () => 'There is no cached answer.',
  },
  AUTHENTICATION_UNAVAILABLE: {
    status: 503,
    when: 'The credentials could not be checked: an authoriser, or an issuer of tokens, did not answer. The request is refused. Try again.',
    message: () => 'Your credentials cannot be checked at the moment.',
  },
  CACHE_UNAVAILABLE: {
    status: 503,
    when: 'An invalidation could not be confirmed: the cache store could not be reached. Try again.',
    message: () => 'The cache store could not be reached: old answers may still be served.',
  },
  RATE_LIMITED: {
    status: 429,
    when: 'The client has exceeded one of `rates`, by number of requests or by cost. `Retry-After` has the seconds until the next try.',
    message: ({ rate, limit, unit, window, retryAfter }: RateFacts) =>
      `Too ${unit === 'cost' ? 'great a cost' : 'many requests'}: "${rate}" allows ${limit} in ${window} s. Ask again in ${retryAfter} s.`,
  },
  OVERLOADED: {
    status: 503,
    when: 'The gateway has more requests than it can serve in time. `Retry-After` has the seconds until the next try.',
    message: () => 'The gateway has too many requests at this moment.',
  },
  UNKNOWN_GRAPH: {
    status: 404,
    when: 'The request chooses a graph ([graphs.md](graphs.md)) that does not exist, has expired, or that its caller may not use.',
    message: () => 'There is no such graph for this caller.',
  },
  GRAPH_FORBIDDEN: {
    status: 403,
    when: 'The caller may not choose a graph by this header, or its claim names none. [graphs.md](graphs.md) has how graphs are chosen.',
    message: ({ by }: { readonly by: string }) => `The graph cannot be chosen by the ${by}.`,
  },
  NO_SUPERGRAPH: {
    status: 503,
    when: 'The gateway has no supergraph yet; it keeps trying to get one.',
    message: () => 'The gateway has no supergraph yet.',
  },
  SHUTTING_DOWN: {
    status: 503,
    when: 'The gateway is stopping and could not finish this request within `shutdown.grace`.',
    message: () => 'The gateway is shutting down.',
  },
  GATEWAY_TIMEOUT: {
    status: 504,
    when: 'The request took longer than `timeouts.request`. Beside `data`: a subgraph call took longer than its timeout. At the end of a subscription: the subgraph was silent for longer than `subgraphs.NAME.subscriptions.heartbeat` allows, and could not be reached again within `reconnect`.',
    message: ({ subgraph, timeout }: { readonly subgraph?: string | undefined; readonly timeout: number }) =>
      subgraph === undefined
        ? `The request took longer than ${timeout} ms.`
        : `Subgraph "${subgraph}" did not answer within ${timeout} ms.`,
  },
  SUBREQUEST_HTTP_ERROR: {
    status: 502,
    when: 'A subgraph could not be reached, or answered with an HTTP error.',
    message: ({ subgraph, status }: { readonly subgraph: string; readonly status?: number | undefined }) =>
      status === undefined
        ? `Subgraph "${subgraph}" could not be reached.`
        : `Subgraph "${subgraph}" answered with HTTP status ${status}.`,
  },
  SUBREQUEST_MALFORMED_RESPONSE: {
    status: 502,
    when: 'The response of a subgraph is not a GraphQL response, or does not fit the request.',
    message: ({ subgraph, reason }: { readonly subgraph: string; readonly reason: string }) =>
      `Subgraph "${subgraph}" answered with something else than a GraphQL response: ${reason}.`,
  },
  UNSUPPORTED_OPERATION: {
    status: 400,
    when: 'The operation uses a feature of GraphQL that the gateway does not support, such as a subscription in a batch.',
    message: ({ feature }: { readonly feature: string }) => `${feature} is not supported.`,
  },
  MAX_DEPTH_LIMIT: {
    status: 400,
    when: 'The document, or a value in it, is nested deeper than `limits.depth`.',
    message: ({ limit }: Limited) => `The document is nested deeper than ${limit} levels.`,
  },
  MAX_ALIASES_LIMIT: {
    status: 400,
    when: 'The document has more aliases than `limits.aliases`.',
    message: ({ got, limit }: Limited) => `The document has ${got} aliases; at most ${limit} are allowed.`,
  },
  MAX_ROOT_FIELDS_LIMIT: {
    status: 400,
    when: 'An operation selects more root fields than `limits.rootFields`.',
    message: ({ got, limit }: Limited) =>
      `The operation selects ${got} root fields; at most ${limit} are allowed.`,
  },
  MAX_DIRECTIVES_LIMIT: {
    status: 400,
    when: 'The document has more directives than `limits.directives`.',
    message: ({ got, limit }: Limited) => `The document has ${got} directives; at most ${limit} are allowed.`,
  },
  MAX_SELECTIONS_LIMIT: {
    status: 400,
    when: 'An operation selects more fields than `limits.selections`, with its fragments expanded.',
    message: ({ got, limit }: Limited) =>
      `The operation selects ${got} fields once its fragments are expanded; at most ${limit} are allowed.`,
  },
  MAX_LIST_SIZE_LIMIT: {
    status: 400,
    when: 'An argument requests a list longer than `limits.listSize`.',
    message: ({ field, got, limit }: Limited & { readonly field: string }) =>
      `${field} is asked for ${got} items; at most ${limit} are allowed.`,
    logged: ({ field, limit }: Limited & { readonly field: string }) =>
      `\`${field}\` is asked for more than ${limit} items.`,
  },
  MAX_COST_LIMIT: {
    status: 400,
    when: 'An operation costs more than `limits.cost`, estimated from its lists and variables before it runs.',
    message: ({ got, limit }: Limited) =>
      `The operation costs ${got}; at most ${limit} is allowed. Ask for fewer or shorter lists.`,
    logged: ({ limit }: Limited) => `The operation costs more than ${limit}.`,
  },
  MAX_BATCH_LIMIT: {
    status: 400,
    when: 'A request holds more operations than `limits.batch`.',
    message: ({ got, limit }: Limited) => `The batch holds ${got} operations; at most ${limit} are allowed.`,
  },
  MAX_CONNECTION_OPERATIONS_LIMIT: {
    status: 400,
    when: 'More operations run over one WebSocket connection than `subscriptions.perConnection`. End some, or open another connection.',
    message: ({ limit }: { readonly limit: number }) =>
      `At most ${limit} operations may run over one connection at once.`,
  },
  INTROSPECTION_DISABLED: {
    status: 400,
    when: 'Introspection is not allowed for this client (`introspection`).',
    message: () => 'Introspection is not allowed.',
  },
  MAX_SUBSCRIPTIONS_LIMIT: {
    status: 429,
    when: 'The caller, or the process, has as many subscriptions as `subscriptions.perIdentity` or `subscriptions.total` allows. End one first, or try again later.',
    message: ({ limit, of }: { readonly limit: number; readonly of: 'identity' | 'process' }) =>
      `${of === 'identity' ? 'You have' : 'The gateway has'} ${counted(limit, 'subscription')} already, which is the most.`,
  },
  MAX_CONNECTIONS_LIMIT: {
    status: 429,
    when: 'The caller has as many WebSocket connections as `subscriptions.connectionsPerIdentity` allows. Close one first. A `graphql-transport-ws` connection is closed with 1013 and this message as the reason; the real-time protocol of AppSync sends a `connection_error` with 429 and is closed, too.',
    message: ({ limit }: { readonly limit: number }) =>
      `You have ${counted(limit, 'connection')} already, which is the most.`,
  },
  MAX_UNREAD_LIMIT: {
    status: 503,
    when: 'The client of a subscription reads too slowly: more than `subscriptions.unread` waited for it, or more than `overload.unread` for all, and `subscriptions.slow` is `close`.',
    message: ({ limit }: { readonly limit: number }) =>
      `The subscription has ended: too many bytes of answers waited to be read. At most ${limit} may.`,
  },
  SUBSCRIPTION_ENDED: {
    status: 503,
    when: 'A subscription has lasted for `subscriptions.lifetime`, or had no event for `subscriptions.idle`. Subscribe again.',
    message: ({ option }: { readonly option: 'lifetime' | 'idle' }) =>
      option === 'lifetime'
        ? 'The subscription has ended: it has lasted for as long as it may. Subscribe again.'
        : 'The subscription has ended: no event has come for too long. Subscribe again.',
  },
  RESPONSE_TOO_LARGE: {
    status: 400,
    when: 'The answer is larger than `limits.response`, or, on Lambda, than an answer may be there: 6 MiB, behind a load balancer 1 MiB, as a stream `lambda.stream`. Ask for less at once.',
    message: ({ limit }: Limited) => `The answer is larger than ${limit} bytes.`,
  },
  MAX_SUBGRAPH_CALLS_LIMIT: {
    status: 400,
    when: 'Beside `data`: the operation needs more subgraph calls than `limits.calls`, or one fetch more than 1,000 calls of a [source](sources.md). The fields of further calls are null.',
    message: ({ subgraph }: { readonly subgraph: string }) =>
      `Subgraph "${subgraph}" was not called: the operation needs too many calls.`,
  },
  SUBGRAPH_RATE_LIMITED: {
    status: 503,
    when: 'Beside `data`: a subgraph has had as many calls as `subgraphs.NAME.rate` or `calls.rate` allows, and there is no room for one more within its `wait`. The log has the limit.',
    message: ({ subgraph }: { readonly subgraph: string }) =>
      `Subgraph "${subgraph}" was not called: it has had as many calls as its \`rate\` allows.`,
  },
  TOKEN_EXCHANGE_FAILED: {
    status: 502,
    when: 'Beside `data`: a subgraph gets a token that is exchanged for that of the caller (`subgraphs.NAME.auth`: `TOKEN_EXCHANGE`), and the caller has none, or it was not exchanged. The log has the reason.',
    message: ({ subgraph }: { readonly subgraph: string }) =>
      `Subgraph "${subgraph}" was not called: the token of the caller could not be exchanged for one of it.`,
  },
  REQUEST_CONCURRENCY_LIMITED: {
    status: 503,
    when: 'More operations wait for query plans than `planning.waiting`, and this client has the most of them. `Retry-After` has the seconds until the next try.',
    message: () => 'Too many of your operations wait for query plans.',
  },
  QUERY_TOO_COMPLEX: {
    status: 400,
    when: 'A valid operation needs more steps to be planned, or has more levels, than `planning` allows. Ask for less at once.',
    message: ({ limit, what }: { readonly limit: number; readonly what: 'fragments' | 'levels' | 'steps' }) =>
      `The operation is too complex to be planned: it takes more than ${limit} ${what}.`,
  },
  DOWNSTREAM_SERVICE_ERROR: {
    status: 502,
    when: 'A subgraph returned an error without a code. `extensions.service` names the subgraph.',
    message: ({ reason }: { readonly reason: string }) => reason,
  },
  INACCESSIBLE_VALUE: {
    status: 500,
    when: 'Beside `data`: a non-null field has an enum value, or an object of a type, that is `@inaccessible`. In a nullable field such a value is null without an error, as the subgraph that sent it did nothing wrong.',
    message: ({ field }: { readonly field: string }) => `Cannot return null for non-nullable field ${field}.`,
  },
  QUERY_PLANNING_FAILED: {
    status: 500,
    when: 'No query plan could be made for a valid operation. The log has the cause. Beside `data`: the query plan requests this field from no subgraph.',
    message: ({ field }: { readonly field?: string | undefined }) =>
      field === undefined
        ? 'The operation could not be planned.'
        : `The query plan asks no subgraph for field "${field}".`,
  },
} as const satisfies Record<string, ErrorKind>;

const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

interface Limited {
  readonly got: number;
  readonly limit: number;
}

interface RateFacts {
  readonly rate: string;
  readonly limit: number;
  readonly unit: 'requests' | 'cost';
  /** Seconds. */
  readonly window: number;
  /** Seconds. */
  readonly retryAfter: number;
}

interface ErrorKind {
  readonly status: number;
  /** For the reference: when it happens, and what to do about it. */
  readonly when: string;
  readonly message: (facts: never) => string;
  readonly logged?: (facts: never) => string;
}

export type ErrorCode = keyof typeof errors;
/** What the message of an error is made of. */
export type Facts<Code extends ErrorCode> =
  Parameters<(typeof errors)[Code]['message']> extends [infer Given] ? Given : Record<string, never>;

export interface FieldErrorOptions {
  readonly path?: GraphQLError['path'];
  /** For the log; no client sees it. */
  readonly cause?: unknown;
}

/**
 * An error that stands beside `data`, for one field: it does not touch the HTTP status. When it is about a subgraph,
 * `extensions.service` names it.
 */
export function fieldError<Code extends ErrorCode>(
  code: Code,
  facts: Facts<Code>,
  { path, cause }: FieldErrorOptions = {},
): GraphQLError {
  const { subgraph } = facts as { readonly subgraph?: string };
  return new GraphQLError(messageOf(code, facts), {
    path: path ?? null,
    originalError: cause instanceof Error ? cause : null,
    extensions: { code, ...(subgraph === undefined ? {} : { service: subgraph }) },
  });
}

/** An error that is the whole answer: Apollo Server takes its HTTP status and headers over. */
export function requestError<Code extends ErrorCode>(
  code: Code,
  facts: Facts<Code>,
  { headers = {}, logged }: RequestErrorOptions = {},
): GraphQLError {
  const http = { status: errors[code].status, headers: new Map(Object.entries(headers)) };
  const error = new GraphQLError(messageOf(code, facts), { extensions: { code, http } });
  const kind: ErrorKind = errors[code];
  loggedMessages.set(error, logged ?? (kind.logged as Message<Code> | undefined)?.(facts) ?? error.message);
  return error;
}

type Message<Code extends ErrorCode> = (facts: Facts<Code>) => string;

export interface RequestErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The message without values of the client. @default `logged` of the table, or its message */
  readonly logged?: string;
}

/** The message of an error without values of the client; undefined for errors that `requestError` has not made. */
export const loggedMessage = (error: GraphQLError): string | undefined => loggedMessages.get(error);

const loggedMessages = new WeakMap<GraphQLError, string>();

function messageOf<Code extends ErrorCode>(code: Code, facts: Facts<Code>): string {
  return (errors[code].message as Message<Code>)(facts);
}

/** Errors of which each says that the variables do not fit: together they are the whole answer. */
export class RequestErrors extends Error {
  readonly errors: readonly GraphQLError[];

  /** @param logged the message of each without values of the client */
  constructor(errors: readonly GraphQLError[], logged: readonly string[]) {
    super(errors[0]!.message);
    const code: ErrorCode = 'BAD_USER_INPUT';
    this.errors = errors.map(({ message, nodes }, i) => {
      const extensions = { code, http: { status: 400, headers: new Map() } };
      const error = new GraphQLError(message, { nodes: nodes ?? null, extensions });
      loggedMessages.set(error, logged[i]!);
      return error;
    });
  }
}

/** A message that is fit to be sent: it may quote what the client sent, which may be as long as its request. */
export const boundedMessage = (message: string): string =>
  message.length <= longestMessage ? message : `${message.slice(0, longestMessage)} …`;

const longestMessage = 1_000;
/** Places in a document that one error tells at most: what is there too often may be there thousands of times. */
export const mostLocations = 10;
