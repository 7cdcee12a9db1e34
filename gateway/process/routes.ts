import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { IncomingRequest, RequestHead } from '../request/incoming-request';
import { compilePreflight } from '../http/cors';
import { WholeRequest } from '../http/whole-messages';
import { requestError } from '../errors';
import { createPages } from './exploration';
import { hasTooLargeHeaders } from '../http/header-limits';
import { healthAt, type Readiness } from './health';
import type { BeginRequest, Exchange } from '../http/begin-request';
import type { Slots } from '../admission/slots';
import { isProbe, pathOf } from '../http/paths';
import type { Options } from '../options';
import { refuseRepeatedCredentials } from '../http/repeated-credentials';
import type { Reply } from '../request/reply';

export interface RoutesOptions {
  readonly options: Options;
  readonly readiness: Readiness;
  readonly begin: BeginRequest;
  readonly slots: Pick<Slots, 'acquire'>;
  readonly receive: (exchange: Exchange) => void;
  readonly reply: Reply;
}

/** Answers one HTTP request. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** What is served on the port for clients: the endpoint, health, and in development pages for exploration. */
export function createRoutes({ options, readiness, begin, slots, receive, reply }: RoutesOptions): Handle {
  const { path: endpoint } = options;
  const pageFor = options.mode === 'development' ? createPages(endpoint) : () => undefined;
  const preflight = compilePreflight(options);

  return (request, response) => {
    const exchange = begin(request, response);
    const { client } = exchange;
    // Its body is kept until somebody reads it, or it is answered.
    if (request instanceof WholeRequest) request.hold();
    const path = decodedPath(request.url!);
    const refusal = refuseHead(request);
    const isOperation = request.method === 'POST' || request.method === 'GET';
    if (refusal !== undefined) slots.acquire(client, () => reply.refuse(client, refusal));
    else if (isOperation && path === endpoint && pageFor(request as RequestHead, path) === undefined)
      receive(exchange);
    else if (isProbe(request.url!)) serveOther(client, path);
    else slots.acquire(client, () => serveOther(client, path));
  };

  /** @param path undefined where the URL is not well formed */
  function serveOther(client: IncomingRequest, path: string | undefined): void {
    const { method, headers } = client.head;
    const isRead = method === 'GET' || method === 'HEAD';
    const page = isRead ? pageFor(client.head, path) : undefined;
    const health = isRead ? healthAt(path, readiness) : undefined;
    if (page !== undefined) send(client, 200, page.headers, page.body);
    else if (health !== undefined)
      send(client, health.status, jsonHeaders, Buffer.from(JSON.stringify(health.body)));
    else if (method === 'OPTIONS' && preflight !== undefined) send(client, 204, preflight(headers));
    else reply.refuse(client, nothingAt(path, method));
  }

  function nothingAt(path: string | undefined, method: string): GraphQLError {
    if (path === undefined) return requestError('BAD_REQUEST', { reason: 'The URL is not valid.' });
    if (path !== endpoint)
      return requestError('NOT_FOUND', { reason: `The endpoint is ${endpoint}; nothing is served here.` });
    const reason = `A GraphQL request is a GET or a POST, not ${method}.`;
    return requestError('METHOD_NOT_ALLOWED', { reason }, { headers: { allow: 'GET, POST' } });
  }

  function send(client: IncomingRequest, status: number, headers: readonly string[], body?: Buffer): void {
    const length = body === undefined ? [] : ['content-length', String(body.length)];
    reply.send(client, { status, headers: [...headers, ...length], body });
  }
}

const jsonHeaders = ['content-type', 'application/json; charset=utf-8'];

/** Why a request cannot be taken whatever it is for, as its headers say. */
function refuseHead(request: IncomingMessage): GraphQLError | undefined {
  if (hasTooLargeHeaders(request)) return requestError('HEADERS_TOO_LARGE', {});
  if (request.headers.upgrade?.toLowerCase() === 'websocket')
    return requestError('BAD_REQUEST', {
      reason: 'There are no WebSockets here: send queries and mutations as requests of their own.',
    });
  return refuseRepeatedCredentials(request);
}

/** The path of a URL as it is compared (RFC 3986, section 6.2.2.2); undefined for one that is not well formed. */
function decodedPath(url: string): string | undefined {
  try {
    // In absolute form (RFC 9112, section 3.2.2).
    const path = url.startsWith('/') || url === '*' ? pathOf(url) : new URL(url).pathname;
    return path.includes('%') ? decodeURI(path) : path;
  } catch {
    return undefined;
  }
}
