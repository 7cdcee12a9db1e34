import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { type ClientRequests, pathOf } from '../client-requests';
import { compilePreflight } from '../cors';
import { WholeRequest } from '../edge/whole-messages';
import { requestError } from '../errors';
import { createPages } from '../exploration';
import { hasTooLargeHeaders } from '../header-limits';
import { healthAt, isProbe, type Readiness } from '../health';
import type { Exchange, Reply } from '../http/reply';
import type { Places } from '../limits/places';
import type { Options } from '../options';
import { refuseRepeatedCredentials } from '../repeated-credentials';
import type { Pipeline } from '../request/pipeline';

export interface RoutesOptions {
  readonly options: Options;
  readonly readiness: Readiness;
  readonly clients: Pick<ClientRequests, 'begin'>;
  readonly places: Pick<Places, 'take'>;
  readonly pipeline: Pipeline;
  readonly reply: Reply;
}

/** Answers one HTTP request. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** What is served on the port for clients: the endpoint, health, and in development pages for exploration. */
export function createRoutes({
  options,
  readiness,
  clients,
  places,
  pipeline,
  reply,
}: RoutesOptions): Handle {
  const { path: endpoint } = options;
  const pageFor = options.mode === 'development' ? createPages(endpoint) : () => undefined;
  const preflight = compilePreflight(options);

  return (request, response) => {
    const client = clients.begin(request, response, performance.now());
    const exchange = { client, request, response };
    // Its body is kept until somebody reads it, or it is answered.
    if (request instanceof WholeRequest) request.hold();
    const path = decodedPath(request.url!);
    const refusal = refuseHead(request);
    const isOperation = request.method === 'POST' || request.method === 'GET';
    if (refusal !== undefined) places.take(client, () => reply.refuse(exchange, refusal));
    else if (isOperation && path === endpoint && pageFor(request, path) === undefined) pipeline(exchange);
    else if (isProbe(request.url!)) serveOther(exchange, path);
    else places.take(client, () => serveOther(exchange, path));
  };

  /** @param path undefined where the URL is not well formed */
  function serveOther(exchange: Exchange, path: string | undefined): void {
    const { request } = exchange;
    const { method, headers } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    const page = isRead ? pageFor(request, path) : undefined;
    const health = isRead ? healthAt(path, readiness) : undefined;
    if (page !== undefined) send(exchange, 200, page.headers, page.body);
    else if (health !== undefined)
      send(exchange, health.status, jsonHeaders, Buffer.from(JSON.stringify(health.body)));
    else if (method === 'OPTIONS' && preflight !== undefined) send(exchange, 204, preflight(headers));
    else reply.refuse(exchange, nothingAt(path, method!));
  }

  function nothingAt(path: string | undefined, method: string): GraphQLError {
    if (path === undefined) return requestError('BAD_REQUEST', { reason: 'The URL is not valid.' });
    if (path !== endpoint)
      return requestError('NOT_FOUND', { reason: `The endpoint is ${endpoint}; nothing is served here.` });
    const reason = `A GraphQL request is a GET or a POST, not ${method}.`;
    return requestError('METHOD_NOT_ALLOWED', { reason }, { headers: { allow: 'GET, POST' } });
  }

  function send(exchange: Exchange, status: number, headers: readonly string[], body?: Buffer): void {
    const length = body === undefined ? [] : ['content-length', String(body.length)];
    reply.send(exchange, { status, headers: [...headers, ...length], body });
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
  const path = pathOf(url);
  if (!path.includes('%')) return path;
  try {
    return decodeURI(path);
  } catch {
    return undefined;
  }
}
