import type { FastifyInstance } from 'fastify';

/** Why the gateway should get no requests now; empty when it should. */
export type Readiness = () => readonly string[];

/** Whether it is load balancers that ask, not clients. */
export const isProbe = (url: string): boolean => url.startsWith('/health/');

/** `GET /health/live`: the process answers. `GET /health/ready`: it wants requests; 503 says why it does not. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', (_request, reply) => {
    const reasons = readiness();
    if (reasons.length === 0) return reply.send({ status: 'ready' });
    return reply.code(503).send({ status: 'not ready', reasons });
  });
}
