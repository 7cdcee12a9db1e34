import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import fastify, { type FastifyInstance } from 'fastify';
import type { ClientRequest } from './client-request';
import { clientOf, type ClientRequests } from './client-requests';
import { corsOptions } from './cors';
import type { Front } from './edge/front';
import { requestError } from './errors';
import { explorationRoutes } from './exploration';
import { hasTooLargeHeaders } from './header-limits';
import { healthRoutes, isProbe, type Readiness } from './health';
import { handleErrors, sendError } from './http-errors';
import type { Places } from './limits/places';
import { hasArrived } from './limits/unsent-requests';
import type { Options } from './options';
import { refuseRepeatedCredentials } from './repeated-credentials';
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
  readonly places: Places;
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
  const { options, logger, readiness, clients, places, front } = settings;
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
    const repeated = refuseRepeatedCredentials(raw);
    if (hasTooLargeHeaders(raw)) done(requestError('HEADERS_TOO_LARGE', {}));
    else if (repeated !== undefined) done(repeated);
    else if (raw.headers.upgrade?.toLowerCase() === 'websocket') done(noWebSockets());
    else done();
  });
  // Whoever sends no more of a body keeps no place while it is waited for.
  app.addHook('preParsing', ({ client, method }, _reply, payload, done) => {
    const isRead = method !== 'GET' && method !== 'HEAD';
    if (isRead && !hasArrived(client.response)) places.giveBack(client);
    done(null, payload);
  });
  app.addHook('preValidation', ({ client }, _reply, done) => {
    if (client.isServed) done();
    else places.take(client, done);
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
  return {
    app,
    handle(request, response) {
      const client = clients.begin(request, response, performance.now());
      if (isProbe(request.url!)) {
        clients.serve(client);
        route(request, response);
      } else front(client, request, response, route);
    },
  };
}
