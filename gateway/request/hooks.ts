import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';
import type { Identity } from '../auth/identity';

/**
 * Functions of your own around client requests. Each may return a promise: the request waits for it, within
 * `timeouts.request`.
 *
 * A hook that throws a `GraphQLError` with an `extensions.code` refuses the request: the answer has its message and
 * extensions, and the HTTP status of `extensions.http.status` (200, or 400 to 599), or 500 without one. Any other error
 * that it throws is 500 `INTERNAL_SERVER_ERROR`, with the cause in the log.
 */
export interface Hooks {
  /** Called once per request, after authentication and rate limits, before any cache look-up. */
  onRequest?(request: HookRequest): void | Promise<void>;
  /**
   * Called for each operation after validation, before its variables are coerced and its answer is looked up; for a
   * subscription that runs, also when there is a new supergraph, or there are new options: what it throws ends it.
   */
  onOperation?(request: HookRequest, operation: HookOperation): void | Promise<void>;
  /**
   * Called for each answer with `data`, for each client, after every cache. What it returns is sent instead of the answer;
   * with `undefined` the answer is sent unchanged. It gets its own copy. With this hook every answer is `no-store` for
   * caches between the gateway and its clients. An answer in parts, as with `@defer`, is shown part by part.
   */
  onAnswer?(
    request: HookRequest,
    answer: HookAnswer,
  ): HookAnswer | undefined | Promise<HookAnswer | undefined>;
}

export interface HookRequest {
  readonly id: string;
  readonly method: string;
  /** Path and query string. */
  readonly url: string;
  /** As the client sent them, names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** The IP address of the client. */
  readonly address: string;
  readonly identity: Identity;
  /**
   * Sets a header on all subgraph calls of this request, instead of one of that name from the client. Call it in
   * `onRequest`. Answers and calls are cached and shared only between requests with the same value, and answers are
   * `no-store` for caches between the gateway and its clients.
   *
   * @throws {RangeError} for a header that is never forwarded, or a value that cannot be sent
   */
  forward(name: string, value: string): void;
}

export interface HookOperation {
  /** Null for one without a name. */
  readonly name: string | null;
  readonly type: string;
  /** As the client sent them. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A GraphQL response (GraphQL, section 7.1), or a part of one in the format that the client takes. */
export interface HookAnswer {
  errors?: GraphQLFormattedError[];
  /** Absent in later parts of an answer with `@defer`, which have `incremental` instead. */
  data?: Record<string, unknown> | null;
  incremental?: Record<string, unknown>[];
  extensions?: Record<string, unknown>;
}
