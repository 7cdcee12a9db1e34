import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';
import type { Identity } from '../auth/identity';

/**
 * Functions of your own around the requests of clients. Each may return a promise: the request waits for it, within its
 * time (`timeouts.request`).
 *
 * A hook that throws a `GraphQLError` with an `extensions.code` refuses the request: its message and extensions are the
 * answer, with the HTTP status of `extensions.http.status` (200, or 400 to 599), or 500. Whatever else it throws is 500
 * `INTERNAL_SERVER_ERROR`, and its cause is in the log.
 */
export interface Hooks {
  /** Called once for each request, when it is authenticated and counted, before any cache is asked. */
  onRequest?(request: HookRequest): void | Promise<void>;
  /** Called for each operation, when it is valid, before its variables are looked at and its answer is looked for. */
  onOperation?(request: HookRequest, operation: HookOperation): void | Promise<void>;
  /**
   * Called for each answer with `data`, for each client, after every cache: what it returns is sent in place of the answer;
   * with `undefined` the answer is sent as it is. It gets a copy of its own. Caches between the gateway and its client are
   * told to keep no answer while there is one.
   */
  onAnswer?(
    request: HookRequest,
    answer: HookAnswer,
  ): HookAnswer | undefined | Promise<HookAnswer | undefined>;
}

/** What hooks see of a request. */
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
   * Adds a header to all calls of subgraphs for this request, in place of one of that name that the client sent. To be
   * called in `onRequest`. Answers and calls are kept and shared only between requests in which it is equal, and caches on
   * the way to the client are told to keep none.
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

/** A GraphQL response (GraphQL, section 7.1). */
export interface HookAnswer {
  errors?: GraphQLFormattedError[];
  data: Record<string, unknown> | null;
  extensions?: Record<string, unknown>;
}
