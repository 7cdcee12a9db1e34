import cors from '@fastify/cors';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ClientGone, ClientRequest, type ClientRequestOptions } from './client-request';
import { requestError } from './errors';
import { explorationRoutes } from './exploration';
import { healthRoutes, type Readiness } from './health';
import { answerClientError, handleErrors, pathOf, sendError } from './http-errors';
import type { Options } from './options';
import type { Logger } from './telemetry/logger';
import type { Metrics } from './telemetry/metrics';
import { compileHeaderRules } from './transports/headers';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any other hook runs. */
    client: ClientRequest;
  }
}

export interface HttpServerOptions {
  readonly options: Options;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Holds the requests that are not answered yet. */
  readonly inFlight: Set<ClientRequest>;
}

/**
 * The HTTP server around the GraphQL endpoint: request ids, trace context, deadlines, cross-origin rules, errors
 * in JSON, the access log, health and the pages for exploration.
 */
export function createHttpServer(settings: HttpServerOptions): FastifyInstance {
  const { options, logger, readiness } = settings;
  const forward = compileHeaderRules(options.headers);
  const app = fastify({
    bodyLimit: options.limits.body,
    return503OnClosing: false,
    requestTimeout: options.timeouts.request,
    // Node looks for late requests only every 30 s otherwise.
    http: { headersTimeout: Math.min(10_000, options.timeouts.request), connectionsCheckingInterval: 1000 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (_error, _request, reply) => {
      void sendError(reply, requestError('BAD_REQUEST', { reason: 'The URL is not valid.' }));
    },
    routerOptions: { ignoreDuplicateSlashes: false },
  });
  app.decorateRequest('client');
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply, forward, settings);
    // Node reads more of them, but cuts them silently at a number of its own.
    const tooMany = request.raw.rawHeaders.length > 2 * maxHeaders;
    done(tooMany ? requestError('HEADERS_TOO_LARGE', {}) : undefined);
  });
  handleErrors(app, { path: options.path, bodyLimit: options.limits.body, logger });
  void app.register(cors, corsOptions(options));
  healthRoutes(app, readiness);
  if (options.mode === 'development') explorationRoutes(app, options.path);
  return app;
}

const maxHeaders = 100;

function begin(
  request: FastifyRequest,
  reply: FastifyReply,
  forward: ClientRequestOptions['forward'],
  settings: HttpServerOptions,
): void {
  const { options, metrics, logger, inFlight } = settings;
  const { timeouts } = options;
  const client = new ClientRequest({
    headers: request.headers,
    forward,
    timeout: timeouts.request,
  });
  request.client = client;
  inFlight.add(client);
  void reply.header('x-request-id', client.id).header('traceresponse', client.traceresponse);
  const path = pathOf(request);
  const isProbe = path.startsWith('/health/');
  if (!isProbe) metrics.requestsInFlight.add(1);

  // Unlike Fastify's own hooks, this comes for every request, also when the client leaves before the answer.
  reply.raw.once('close', () => {
    const answered = reply.raw.writableFinished;
    if (!answered) client.abort(new ClientGone());
    client.end();
    inFlight.delete(client);
    const status = answered ? reply.statusCode : clientGone;
    const milliseconds = performance.now() - client.start;
    if (!isProbe) {
      metrics.requestsInFlight.add(-1);
      metrics.requestDuration.record(milliseconds / 1000, { method: request.method, status });
    }
    logger[isProbe ? 'debug' : 'info'](
      {
        requestId: client.id,
        traceId: client.trace.traceId,
        method: request.method,
        path,
        status,
        ms: Math.round(milliseconds * 10) / 10,
        operationType: client.operation?.type,
        operation: client.operation?.name ?? undefined,
      },
      'request',
    );
  });
}

/** As nginx says it: the client closed the connection before it had the answer. */
const clientGone = 499;

function corsOptions({ mode, cors: { origins, credentials } }: Options) {
  const development = mode === 'development';
  return {
    origin: origins ?? (development ? [...apolloSandbox, ownMachine] : false),
    credentials,
    methods: ['GET', 'POST'],
    exposedHeaders: ['x-request-id', 'traceresponse'],
    maxAge: 3600,
    // The headers that may be sent are left to be those that the page asks for: what a header may do is decided
    // where it is read.
    strictPreflight: false,
  };
}

const apolloSandbox = ['https://studio.apollographql.com', 'https://sandbox.embed.apollographql.com'];
const ownMachine = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
