import type { FastifyInstance } from 'fastify';
import { join } from 'node:path';
import { pathOf } from '../http/paths';
import { requestError } from '../errors';
import { type InvalidationRouteOptions, invalidationPath, invalidationRoute } from './invalidation-route';
import { requireToken } from '../http/require-token';
import { type ConsoleOptions, consolePath, consoleRoutes } from '../console/routes';
import { healthRoutes } from './health';
import { sendError } from '../http/send-error';
import { packageRoot } from '../telemetry/package-root';
import { type MetricsFormat, metricsFormatFor, metricsTypes } from '../telemetry/prometheus';

export interface AdminServerOptions {
  /** Returns the metrics as text. */
  readonly metrics: (format: MetricsFormat) => string | Promise<string>;
  readonly readiness: Parameters<typeof healthRoutes>[1];
  /** The bearer token for everything but health. Without it metrics are open, and nothing can be changed. */
  readonly token: string | undefined;
  /** Without a token nothing can be changed. */
  readonly invalidation: InvalidationRouteOptions | undefined;
  /** Undefined without the console. */
  readonly console: Omit<ConsoleOptions, 'token' | 'folder'> | undefined;
}

/**
 * The server of the port for operators: `GET /metrics`, `GET /health/live`, `GET /health/ready`,
 * `POST /cache/invalidate`, and the console.
 */
export async function createAdminServer({
  metrics,
  readiness,
  token,
  invalidation,
  console,
}: AdminServerOptions): Promise<FastifyInstance> {
  // Not loaded where nobody looks, as on Lambda.
  const { fastify } = await import('fastify');
  const app = fastify({
    forceCloseConnections: true,
    // No route has a JSON schema: the packages that compile them would take 40 ms to load.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (_error, _request, reply) => {
      void sendError(reply, requestError('BAD_REQUEST', { reason: 'The path of the URL is not valid.' }));
    },
  });
  healthRoutes(app, readiness);
  const onRequest = token === undefined ? [] : [requireToken(token)];
  app.get('/metrics', { onRequest }, async (request, reply) => {
    const format = metricsFormatFor(request.headers.accept);
    return reply.type(metricsTypes[format]).send(await metrics(format));
  });
  if (invalidation) {
    const others = console ? [`${consolePath}/api/invalidate`] : [];
    void app.register((routes) => invalidationRoute(routes, invalidation, others));
  }
  if (console) {
    const folder = join(packageRoot(), 'dist', 'console');
    void app.register((routes, _, done) => {
      consoleRoutes(routes, { ...console, token, folder });
      done();
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const isLocked = token === undefined && pathOf(request.url) === invalidationPath;
    const served = [
      '/metrics',
      '/health/live',
      '/health/ready',
      ...(invalidation ? [`POST ${invalidationPath}`] : []),
      ...(console ? [consolePath] : []),
    ];
    const reason = isLocked
      ? 'Nothing can be invalidated over HTTP while the option `admin.token` is not set.'
      : `Nothing is served here, but ${served.join(', ')}.`;
    return sendError(reply, requestError('NOT_FOUND', { reason }));
  });
  return app;
}

function noSchemas(): never {
  throw new Error('Routes of the port for operators have no JSON schemas.');
}
