import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import cors from '@fastify/cors';
import fastify, { type FastifyInstance } from 'fastify';
import type { ClientRequest } from './client-request';
import { clientOf, type ClientRequests } from './client-requests';
import { compileCorsHeaders, corsOptions } from './cors';
import type { Front } from './edge/front';
import { WholeRequest } from './edge/whole-messages';
import { requestError } from './errors';
import { explorationRoutes } from './exploration';
import { hasTooLargeHeaders } from './header-limits';
import { healthRoutes, isProbe, type Readiness } from './health';
import { createRefusal, handleErrors, sendError } from './http-errors';
import type { Overload } from './limits/overload';
import type { Guest } from './limits/waiting-room';
import type { Options } from './options';
import { securityHeaders } from './security-headers';
import type { Logger } from './telemetry/logger';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any hook runs. */
    readonly client: ClientRequest;
  }
}

export interface HttpServerOptions {
  readonly options: Options;
  readonly logger: Logger;
  readonly readiness: Readiness;
  readonly clients: ClientRequests;
  readonly overload: Overload;
  /** Answers what need not go through the routes. */
  readonly front: Front;
}

/** What answers HTTP requests; it does not listen. */
export interface HttpServer {
  readonly app: FastifyInstance;
  /** To be called when `app` is ready. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * The HTTP server around the GraphQL endpoint: request ids, trace context, deadlines, cross-origin rules, errors
 * in JSON, the access log, health and the pages for exploration.
 */
export function createHttpServer(settings: HttpServerOptions): HttpServer {
  const { options, logger, readiness, clients, overload, front } = settings;
  const refuse = createRefusal(
    requestError('OVERLOADED', {}, { headers: { 'retry-after': '1' } }),
    compileCorsHeaders(options),
  );
  const security = Object.fromEntries(securityHeaders(options));
  let route!: (request: IncomingMessage, response: ServerResponse) => void;
  const app = fastify({
    bodyLimit: options.limits.body,
    return503OnClosing: false,
    serverFactory: (handler) => {
      route = handler;
      // It never listens: the sockets outlive it.
      return createServer();
    },
    frameworkErrors: (_error, _request, reply) => {
      void sendError(reply, requestError('BAD_REQUEST', { reason: 'The URL is not valid.' }));
    },
    routerOptions: { ignoreDuplicateSlashes: false },
  });
  app.decorateRequest('client', {
    getter() {
      return clientOf(this.raw);
    },
  });
  app.addHook('onRequest', ({ raw }, reply, done) => {
    void reply.headers(security);
    if (hasTooLargeHeaders(raw)) done(requestError('HEADERS_TOO_LARGE', {}));
    else if (raw.headers.upgrade?.toLowerCase() === 'websocket') done(noWebSockets());
    else done();
  });
  app.addHook('onSend', ({ client: { ownHeaders } }, reply, _payload, done) => {
    for (let i = 0; i < ownHeaders.length; i += 2) void reply.header(ownHeaders[i]!, ownHeaders[i + 1]);
    done();
  });
  const noWebSockets = () =>
    requestError('BAD_REQUEST', {
      reason: 'There are no WebSockets here: send queries and mutations as requests of their own.',
    });
  handleErrors(app, { path: options.path, bodyLimit: options.limits.body, logger });
  void app.register(cors, corsOptions(options));
  healthRoutes(app, readiness);
  if (options.mode === 'development') explorationRoutes(app, options.path);
  const serve: Serve = (request, response, arrival) =>
    front(clients.begin(request, response, arrival), request, response, route);
  return {
    app,
    handle(request, response) {
      if (isProbe(request.url!) || overload.hasPlace) serve(request, response, performance.now());
      else overload.receive(new Waiting(clients.senderOf(request), request, response, serve, refuse));
    },
  };
}

type Serve = (request: IncomingMessage, response: ServerResponse, arrival: number) => void;
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A request that waits for a place. */
class Waiting implements Guest {
  readonly since = performance.now();
  readonly sender: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>;
  readonly #serve: Serve;
  readonly #refuse: Answer;

  constructor(
    sender: string,
    request: IncomingMessage,
    response: ServerResponse,
    serve: Serve,
    refuse: Answer,
  ) {
    this.sender = sender;
    this.#request = request;
    this.#response = response;
    this.#serve = serve;
    this.#refuse = refuse;
    if (request instanceof WholeRequest) request.hold();
  }

  get isGone(): boolean {
    return this.#request.destroyed || this.#response.stream?.destroyed === true;
  }

  serve(): void {
    this.#serve(this.#request, this.#response, this.since);
  }

  refuse(): void {
    this.#refuse(this.#request, this.#response);
  }
}
