import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import { compileIsProxy } from '../http/client-address';
import { keepAliveTimeout, upgradableRequests, WholeResponse } from '../http/whole-messages';
import { requestError } from '../errors';
import { maxHeaderSize } from '../http/header-limits';
import { errorAnswer } from '../http/error-answer';
import { StreamResets } from '../admission/stream-resets';
import type { Options } from '../options';
import { readCertificates } from './certificates';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Requests to change the protocol. */
export interface Upgrades {
  /** Whether a request changes the protocol; all others are answered. */
  readonly mayUpgrade: (request: IncomingMessage) => boolean;
  /** Takes a connection whose protocol is to be changed. */
  readonly upgrade: (request: IncomingMessage, connection: Socket, head: Buffer) => void;
}

const noUpgrades: Upgrades = {
  mayUpgrade: () => false,
  upgrade: (_request, connection) => connection.destroy(),
};

/**
 * The server of the port for clients: HTTP/1.1, or with `tls` HTTP/2 and HTTP/1.1 as the client chooses. A client that sends
 * too slowly gets 408; one that reads too slowly is cut.
 */
export function createListener(
  { timeouts, tls, trustedProxies }: Options,
  answer: Handle,
  upgrades: Upgrades = noUpgrades,
): Server {
  const Request = upgradableRequests(
    (request) => refusalOf(request) === undefined && upgrades.mayUpgrade(request),
  );
  const limits = {
    requestTimeout: timeouts.request,
    headersTimeout: Math.min(10_000, timeouts.request),
    keepAliveTimeout,
    // Node looks for late requests only every 30 s otherwise.
    connectionsCheckingInterval: 1000,
    maxHeaderSize,
    // Node's own answer has no body, and it takes the first of several.
    requireHostHeader: false,
  };
  const handle: Handle = (request, response) => {
    const refusal = refusalOf(request);
    if (refusal === undefined) answer(request, response);
    else refuse(response, refusal);
  };
  const server =
    tls === undefined
      ? createServer({ ...limits, IncomingMessage: Request, ServerResponse: WholeResponse }, handle)
      : secure(
          createSecureServer(
            {
              ...limits,
              ...readCertificates(tls),
              allowHTTP1: true,
              handshakeTimeout: limits.headersTimeout,
              Http1IncomingMessage: Request,
              Http1ServerResponse: WholeResponse,
              requestCert: tls.clientCa !== undefined,
              rejectUnauthorized: tls.clientCa !== undefined,
              // What one connection may make the gateway keep: a client opens another one for more.
              maxSessionMemory: 10,
              settings: { maxConcurrentStreams: 100, maxHeaderListSize: maxHeaderSize },
            },
            // Node's compatible API: a request and its response as those of HTTP/1.1.
            handle as unknown as Parameters<typeof createSecureServer>[1],
          ),
          new StreamResets(compileIsProxy(trustedProxies)),
        );
  server.on('upgrade', upgrades.upgrade);
  // A server of HTTP/2 has limits of its own for clients of HTTP/1.1, and does not ask for them.
  Object.assign(server, limits);
  // Of a connection on which nothing moves. While a request is worked on nothing does.
  server.setTimeout(timeouts.request + timeouts.client);
  server.on('checkExpectation', (_request, response: ServerResponse) =>
    refuse(response, requestError('EXPECTATION_FAILED', {})),
  );
  return server;
}

/** Why a request is not even looked at: nobody knows whom it is for, or where it ends. */
function refusalOf(request: IncomingMessage): GraphQLError | undefined {
  if (!hasHost(request))
    return requestError('BAD_REQUEST', { reason: 'A request must have one Host header.' });
  const coding = request.headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  // RFC 9112, section 6.1.
  if (request.httpVersionMinor === 0)
    return requestError('BAD_REQUEST', { reason: 'A request of HTTP/1.0 has no Transfer-Encoding.' });
  return coding.toLowerCase() === 'chunked' ? undefined : requestError('UNSUPPORTED_TRANSFER_CODING', {});
}

/** Whether a request has one `Host` (RFC 9112, section 3.2). */
function hasHost({ rawHeaders, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  if (httpVersionMajor > 1) return true;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0);
}

function refuse(response: ServerResponse, error: GraphQLError): void {
  const { status, headers, body } = errorAnswer(error);
  const close = response.req.httpVersionMajor > 1 ? [] : ['connection', 'close'];
  response.writeHead(status, [...headers, ...close]);
  response.end(body);
}

/** Gives a server of HTTP/2 what one of HTTP/1.1 has: ways to close its connections, and a bound of resets. */
function secure(server: Http2SecureServer, resets: StreamResets): Server {
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    resets.follow(session);
    session.once('close', () => sessions.delete(session));
  });
  const http1 = server as unknown as Partial<Pick<Server, 'closeIdleConnections' | 'closeAllConnections'>>;
  const closeIdle = http1.closeIdleConnections?.bind(server);
  const closeAll = http1.closeAllConnections?.bind(server);
  return Object.assign(server as unknown as Server, {
    // It ends with its last stream.
    closeIdleConnections: () => {
      closeIdle?.();
      for (const session of sessions) session.close();
    },
    closeAllConnections: () => {
      closeAll?.();
      for (const session of sessions) session.destroy();
    },
  });
}
