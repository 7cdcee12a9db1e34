import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type * as Http2 from 'node:http2';
import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import { compileIsProxy } from '../../http/client-address';
import { keepAliveTimeout, upgradableRequests, WholeResponse } from '../../http/whole-messages';
import { requestError } from '../../errors';
import { maxHandshakeSize, maxHeaderSize } from '../../http/header-limits';
import { errorAnswer } from '../../http/error-answer';
import { StreamResets } from '../../admission/stream-resets';
import type { Options } from '../../options';
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
    // By default Node checks for late requests only every 30 s.
    connectionsCheckingInterval: 1000,
    maxHeaderSize: maxHandshakeSize,
    // Checked by Weir: Node's own answer has no body, and Node accepts several `Host` headers.
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
          // Loaded only here, as it takes 20 ms.
          (require('node:http2') as typeof Http2).createSecureServer(
            {
              ...limits,
              ...readCertificates(tls),
              allowHTTP1: true,
              handshakeTimeout: limits.headersTimeout,
              Http1IncomingMessage: Request,
              Http1ServerResponse: WholeResponse,
              requestCert: tls.clientCa !== undefined,
              rejectUnauthorized: tls.clientCa !== undefined,
              // The memory of one session in MB. A client may open further connections.
              maxSessionMemory: 10,
              settings: { maxConcurrentStreams: 100, maxHeaderListSize: maxHeaderSize },
            },
            // Node's compatible API: a request and its response as those of HTTP/1.1.
            handle as unknown as Parameters<typeof Http2.createSecureServer>[1],
          ),
          new StreamResets(compileIsProxy(trustedProxies)),
        );
  // Finds out that a client is gone to which nothing is sent.
  server.on('connection', (socket: Socket) => socket.setKeepAlive(true, keepAliveProbe));
  server.on('upgrade', upgrades.upgrade);
  // An HTTP/2 server has its own limits for HTTP/1.1 clients, and takes them only as properties.
  Object.assign(server, limits);
  // The timeout of a connection without activity, which includes the time in which a request is worked on.
  server.setTimeout(timeouts.request + timeouts.client);
  server.on('checkExpectation', (_request, response: ServerResponse) =>
    refuse(response, requestError('EXPECTATION_FAILED', {})),
  );
  return server;
}

/** Milliseconds of silence after which the system asks whether the client is still there. */
const keepAliveProbe = 30_000;

/** The error for a request with an ambiguous host or an ambiguous end. */
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

/**
 * Adds to an HTTP/2 server what an HTTP/1.1 server has, methods that close its connections, and a limit of stream
 * resets.
 */
function secure(server: Http2.Http2SecureServer, resets: StreamResets): Server {
  const sessions = new Set<Http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    resets.follow(session);
    session.once('close', () => sessions.delete(session));
  });
  const http1 = server as unknown as Partial<Pick<Server, 'closeIdleConnections' | 'closeAllConnections'>>;
  const closeIdle = http1.closeIdleConnections?.bind(server);
  const closeAll = http1.closeAllConnections?.bind(server);
  return Object.assign(server as unknown as Server, {
    // A closed session ends with its last stream.
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
