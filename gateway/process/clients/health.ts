import type { FastifyInstance } from 'fastify';

/** Why the gateway is not ready for requests; empty if it is ready. */
export type Readiness = () => readonly string[];

/** `/health/live`: the process runs. `/health/ready`: it accepts requests; otherwise 503 with the reasons. Undefined for other paths. */
export function healthAt(
  path: string | undefined,
  readiness: Readiness,
): { readonly status: number; readonly body: object } | undefined {
  if (path === '/health/live') return { status: 200, body: { status: 'live' } };
  if (path !== '/health/ready') return undefined;
  const reasons = readiness();
  return reasons.length === 0
    ? { status: 200, body: { status: 'ready' } }
    : { status: 503, body: { status: 'not ready', reasons } };
}

/** Health on the port for operators. */
export function healthRoutes(
  app: FastifyInstance,
  readiness: () => ReturnType<Readiness> | Promise<ReturnType<Readiness>>,
): void {
  for (const path of ['/health/live', '/health/ready'])
    app.get(path, async (_request, reply) => {
      const reasons = await readiness();
      const { status, body } = healthAt(path, () => reasons)!;
      return reply.code(status).send(body);
    });
}
