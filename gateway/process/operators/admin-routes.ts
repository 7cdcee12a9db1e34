import type { Server } from 'node:http';
import { join } from 'node:path';
import { fastify, type FastifyServerFactoryHandler } from 'fastify';
import type { AdminServerOptions } from './admin-server';
import { pathOf } from '../../http/paths';
import { requestError } from '../../errors';
import { invalidationPath, invalidationRoute } from './invalidation-route';
import { requireToken } from '../../http/require-token';
import { consolePath, consoleRoutes } from '../../console/routes';
import { healthRoutes } from '../clients/health';
import { sendError } from '../../http/send-error';
import { packageRoot } from '../../telemetry/package-root';
import { metricsFormatFor, metricsTypes } from '../../telemetry/metrics/prometheus';

/**
 * Adds to `server` what the port for operators serves: `GET /metrics`, `GET /health/live`, `GET /health/ready`,
 * `POST /cache/invalidate`, and the console.
 *
 * @returns what answers the requests of `server`
 */
export async function adminRoutes(
  { metrics, readiness, token, invalidation, console }: AdminServerOptions,
  server: Server,
): Promise<FastifyServerFactoryHandler> {
  let answer!: FastifyServerFactoryHandler;
  const app = fastify({
    serverFactory: (handler) => {
      answer = handler;
      return server;
    },
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
  await app.ready();
  return answer;
}

function noSchemas(): never {
  throw new Error('Routes of the port for operators have no JSON schemas.');
}
