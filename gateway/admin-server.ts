import fastify, { type FastifyInstance } from 'fastify';
import { healthRoutes, type Readiness } from './health';
import { type Metrics, metricsContentType } from './telemetry/metrics';

/** What is for operators only, on a port of its own: `GET /metrics`, `GET /health/live`, `GET /health/ready`. */
export function createAdminServer(metrics: Pick<Metrics, 'collect'>, readiness: Readiness): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  healthRoutes(app, readiness);
  app.get('/metrics', async (_request, reply) =>
    reply.type(metricsContentType).send(await metrics.collect()),
  );
  return app;
}
