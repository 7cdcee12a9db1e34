import fastify, { type FastifyInstance } from 'fastify';
import { pathOf } from '../http/paths';
import { requestError } from '../errors';
import { type InvalidationRouteOptions, invalidationPath, invalidationRoute } from './invalidation-route';
import { requireToken } from './admin-token';
import { healthRoutes } from './health';
import { sendError } from './admin-errors';
import { prometheusContentType } from '../telemetry/prometheus';

export interface AdminServerOptions {
  /** Returns the metrics in Prometheus' text format. */
  readonly metrics: () => string | Promise<string>;
  readonly readiness: Parameters<typeof healthRoutes>[1];
  /** The bearer token for everything but health. Without it metrics are open, and nothing can be changed. */
  readonly token: string | undefined;
  /** Without a token nothing can be changed. */
  readonly invalidation: InvalidationRouteOptions | undefined;
}

/**
 * The server of the port for operators: `GET /metrics`, `GET /health/live`, `GET /health/ready` and
 * `POST /cache/invalidate`.
 */
export function createAdminServer({
  metrics,
  readiness,
  token,
  invalidation,
}: AdminServerOptions): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  healthRoutes(app, readiness);
  const onRequest = token === undefined ? [] : [requireToken(token)];
  app.get('/metrics', { onRequest }, async (_request, reply) =>
    reply.type(prometheusContentType).send(await metrics()),
  );
  if (invalidation) void app.register((routes) => invalidationRoute(routes, invalidation));
  app.setNotFoundHandler((request, reply) => {
    const isLocked = token === undefined && pathOf(request.url) === invalidationPath;
    const served = [
      '/metrics',
      '/health/live',
      '/health/ready',
      ...(invalidation ? [`POST ${invalidationPath}`] : []),
    ];
    const reason = isLocked
      ? 'Nothing can be invalidated over HTTP while the option `admin.token` is not set.'
      : `Nothing is served here, but ${served.join(', ')}.`;
    return sendError(reply, requestError('NOT_FOUND', { reason }));
  });
  return app;
}
