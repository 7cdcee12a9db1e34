import { type FastifyInstance, type FastifyReply, type RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import { type Failures } from './channel';
import { firstProblem } from './read-event';
import { type SubgraphConsumers } from './subgraph-consumers';

export interface ServeConsumersOptions {
  readonly consumers: Pick<SubgraphConsumers, 'failures'> & {
    readonly projections: Pick<SubgraphConsumers['projections'], 'statuses' | 'rebuild'>;
  };
  /** Requests wait until it is resolved. */
  readonly prepared: Promise<void>;
  /** The hooks that check the signature of the private link; without one, nothing is checked. */
  readonly signed: Pick<RouteShorthandOptions, 'onRequest' | 'preParsing'>;
}

/** Failures that are retried or dropped by one request. */
const mostFailures = 100;

const failureAction = z.strictObject({
  action: z.enum(['retry', 'drop']),
  consumer: z.string(),
  /** Not there: the oldest 100. */
  id: z.string().optional(),
});
const rebuildAction = z.strictObject({ projection: z.string(), to: z.iso.datetime().optional() });

/**
 * Serves what operators do with consumers and projections: `/events/failures`, `/events/rebuilds`. All are `POST`, also
 * to read (an empty object), as signatures cover bodies.
 */
export function serveConsumers(
  app: FastifyInstance,
  { consumers, prepared, signed }: ServeConsumersOptions,
): void {
  app.post('/events/failures', signed, async ({ body }, reply) => {
    await prepared;
    if (isEmpty(body)) return { consumers: await listFailures() };
    const { data: asked, error } = failureAction.safeParse(body);
    if (error) return refuse(reply, 400, 'BAD_REQUEST', `${firstProblem(error)}.`);
    const { consumer, action, id } = asked;
    const failures = consumers.failures().get(consumer);
    if (!failures)
      return refuse(reply, 404, 'NOT_FOUND', `There is no consumer "${consumer}" here${known(consumers)}.`);
    const ids =
      id === undefined ? (await failures.list({ limit: mostFailures })).map((each) => each.id) : [id];
    let count = 0;
    for (const each of ids) if (await failures[action](each)) count++;
    if (id !== undefined && count === 0)
      return refuse(reply, 404, 'NOT_FOUND', `The consumer "${consumer}" has no failure "${id}".`);
    return { count };
  });

  app.post('/events/rebuilds', signed, async ({ body }, reply) => {
    await prepared;
    if (isEmpty(body)) return { projections: await consumers.projections.statuses() };
    const { data: asked, error } = rebuildAction.safeParse(body);
    if (error) return refuse(reply, 400, 'BAD_REQUEST', `${firstProblem(error)}.`);
    const { projection, to } = asked;
    if (to !== undefined && Date.parse(to) > Date.now())
      return refuse(reply, 400, 'BAD_REQUEST', `The time ${to} has not come yet.`);
    if (!(await consumers.projections.rebuild(projection, to)))
      return refuse(reply, 404, 'NOT_FOUND', `There is no projection "${projection}" here.`);
    return { projections: await consumers.projections.statuses() };
  });

  const listFailures = () =>
    Promise.all(
      Array.from(consumers.failures(), async ([consumer, failures]) => ({
        consumer,
        failures: await failures.list({ limit: mostFailures }),
      })),
    );
}

const isEmpty = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && Object.keys(body).length === 0;

function known(consumers: { failures(): ReadonlyMap<string, Failures> }): string {
  const names = [...consumers.failures().keys()];
  return names.length === 0 ? '' : `; there are ${names.join(', ')}`;
}

const refuse = (reply: FastifyReply, status: number, code: string, message: string): FastifyReply =>
  reply.code(status).send({ errors: [{ message, extensions: { code } }] });
