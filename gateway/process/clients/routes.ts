import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { metadataOf } from '../../auth/protected-resource';
import type { IncomingRequest } from '../../request/incoming-request';
import { hasBody } from '../../http/body';
import { awaitsAnswer } from '../../http/connection-errors';
import type { BeginRequest, Exchange } from '../../http/begin-request';
import { compilePreflight } from '../../http/cors';
import { requestError } from '../../errors';
import type { FindPage, ShowPage } from './exploration';
import { hasTooLargeHeaders, type SentHead } from '../../http/header-limits';
import { healthAt, type Readiness } from './health';
import type { Slots } from '../../admission/slots';
import { WholeRequest } from '../../http/whole-messages';
import { isProbe, pathOf } from '../../http/paths';
import type { Mcp } from '../../mcp/open-mcp';
import type { Options } from '../../options';
import { headersOfCredentials, refuseRepeatedCredentials } from '../../http/repeated-credentials';
import type { Reply } from '../../request/reply';
import { lengthOfHeaderObjects } from '../../websocket/header-object';

export interface RoutesOptions {
  readonly options: Options;
  readonly readiness: Readiness;
  readonly slots: Pick<Slots, 'acquire'>;
  readonly reply: Reply;
  readonly pageFor: FindPage;
  /** The tools of agents. @default undefined: none are offered */
  readonly mcp?: Pick<Mcp, 'path' | 'enter' | 'scopesOfFirst'> | undefined;
}

/** A request that has begun, with its head as it was sent. */
export interface Routed {
  readonly request: IncomingRequest;
  readonly message: SentHead;
}

/** Answers a request; `receive` goes on with one to the endpoint. */
export type Route = <Exchange extends Routed>(
  exchange: Exchange,
  receive: (exchange: Exchange) => void,
) => void;

/** What clients find at which path: the endpoint, health, and in development pages for exploration. */
export function createRoutes(routes: RoutesOptions): Route {
  const { options, readiness, slots, reply, pageFor, mcp } = routes;
  const { path: endpoint } = options;
  const metadata = mcp && metadataOf(options);
  const preflight = compilePreflight(options);
  const credentials = headersOfCredentials(options);

  return (exchange, receive) => {
    const { request, message } = exchange;
    const { head } = request;
    const path = decodedPath(head.url);
    const isPreflight = head.method === 'OPTIONS' && preflight !== undefined;
    const isForTools = mcp !== undefined && path === mcp.path && !isPreflight;
    const refusal = (isForTools ? mcp.enter(request) : undefined) ?? refuseHead(message, credentials);
    const isOperation = head.method === 'POST' || head.method === 'GET';
    if (refusal !== undefined) slots.acquire(request, () => reply.refuse(request, refusal));
    else if (isForTools) receive(exchange);
    else if (isOperation && path === endpoint && pageFor(head, path) === undefined) receive(exchange);
    else if (isProbe(head.url)) serveOther(request, path);
    else slots.acquire(request, () => serveOther(request, path));
  };

  /** @param path undefined if the URL is not well formed */
  function serveOther(request: IncomingRequest, path: string | undefined): void {
    const { method, headers } = request.head;
    const isRead = method === 'GET' || method === 'HEAD';
    const page = isRead ? pageFor(request.head, path) : undefined;
    const found = isRead ? (healthAt(path, readiness) ?? metadataAt(path)) : undefined;
    if (page !== undefined) void show(request, page);
    else if (found !== undefined)
      send(request, found.status, jsonHeaders, Buffer.from(JSON.stringify(found.body)));
    else if (method === 'OPTIONS' && preflight !== undefined) send(request, 204, preflight(headers));
    else reply.refuse(request, nothingAt(path, method));
  }

  /** What tells agents where they get tokens. */
  function metadataAt(path: string | undefined): ReturnType<typeof healthAt> {
    if (metadata === undefined || path !== metadata.path) return undefined;
    // Clients request all scopes that they find.
    return { status: 200, body: metadata.documentWith(mcp!.scopesOfFirst()) };
  }

  function nothingAt(path: string | undefined, method: string): GraphQLError {
    if (path === undefined) return requestError('BAD_REQUEST', { reason: 'The URL is not valid.' });
    if (path !== endpoint)
      return requestError('NOT_FOUND', { reason: `The endpoint is ${endpoint}; nothing is served here.` });
    const reason = `A GraphQL request is a GET or a POST, not ${method}.`;
    return requestError('METHOD_NOT_ALLOWED', { reason }, { headers: { allow: 'GET, POST' } });
  }

  async function show(request: IncomingRequest, page: ShowPage): Promise<void> {
    try {
      const { status, headers, body } = await page(request.head);
      send(request, status, headers, body);
    } catch (error) {
      reply.refuse(request, error);
    }
  }

  function send(request: IncomingRequest, status: number, headers: readonly string[], body?: Buffer): void {
    const length = body === undefined ? [] : ['content-length', String(body.length)];
    reply.send(request, { status, headers: [...headers, ...length], body });
  }
}

/** Answers one HTTP request. */
export type Handle = (message: IncomingMessage, response: ServerResponse) => void;

/** Begins each request over HTTP, and answers it. */
export function createHandle(
  begin: BeginRequest,
  route: Route,
  receive: (exchange: Exchange) => void,
): Handle {
  return (message, response) => {
    const exchange = begin(message, response);
    // The body is held until it is read, or the request is answered.
    if (message instanceof WholeRequest) message.hold();
    route(exchange, receive);
  };
}

const jsonHeaders = ['content-type', 'application/json; charset=utf-8'];

/**
 * The error for a request whose headers are refused, whatever its path is.
 *
 * @param spared characters that may be there besides
 */
function refuseHead(
  message: SentHead,
  credentials: readonly string[],
  spared?: number,
): GraphQLError | undefined {
  if (hasTooLargeHeaders(message, spared)) return requestError('HEADERS_TOO_LARGE', {});
  return refuseRepeatedCredentials(message, credentials);
}

/**
 * Whether a request opens a WebSocket to the endpoint, or to `/realtime` below it as AppSync's clients do: whatever else it
 * may be is answered. So is one with a body, which would be taken for frames, and one whose client awaits other answers,
 * which would come between frames.
 */
export function opensWebSocket(message: IncomingMessage, options: Pick<Options, 'path' | 'auth'>): boolean {
  if (message.method !== 'GET' || message.headers.upgrade?.toLowerCase() !== 'websocket') return false;
  if (hasBody(message) || awaitsAnswer(message.socket)) return false;
  const path = decodedPath(message.url!);
  if (path !== options.path && path !== `${options.path}/realtime`) return false;
  return refuseHead(message, headersOfCredentials(options), lengthOfHeaderObjects(message)) === undefined;
}

/** The decoded path of a URL, for comparison (RFC 3986, section 6.2.2.2); undefined if it is not well formed. */
function decodedPath(url: string): string | undefined {
  try {
    // The URL may be in absolute form (RFC 9112, section 3.2.2).
    const path = url.startsWith('/') || url === '*' ? pathOf(url) : new URL(url).pathname;
    return path.includes('%') ? decodeURI(path) : path;
  } catch {
    return undefined;
  }
}
