import { z } from 'zod';
import { SubgraphError } from '../errors';
import { operatorRoute, withAction, type OperatorRoutes } from '../operator-route';
import { type Failures } from './channel';
import { type SubgraphConsumers } from './subgraph-consumers';

export interface ServeConsumersOptions extends OperatorRoutes {
  readonly consumers: Pick<SubgraphConsumers, 'failures'> & {
    readonly projections: Pick<SubgraphConsumers['projections'], 'statuses' | 'rebuild'>;
  };
}

/** Failures that are listed of a consumer, retried or dropped by one request. */
const mostFailures = 100;

/** Without `id`: the oldest 100. */
const change = { consumer: z.string(), id: z.string().optional() };
const failuresBody = z.preprocess(
  withAction('list'),
  z.discriminatedUnion('action', [
    z.strictObject({
      action: z.literal('list'),
      /** Not there: all. */
      consumer: z.string().optional(),
      /** For each consumer; 0 gives their names alone. */
      limit: z.int().min(0).max(mostFailures).default(mostFailures),
    }),
    z.strictObject({ action: z.literal('retry'), ...change }),
    z.strictObject({ action: z.literal('drop'), ...change }),
  ]),
);

const rebuildsBody = z
  .strictObject({
    /** Not there: nothing is rebuilt. */
    projection: z.string().optional(),
    to: z.iso.datetime().optional(),
    /** Gives up a rebuild that is going on. */
    restart: z.boolean().optional(),
  })
  .refine(({ projection, to, restart }) => projection !== undefined || (to ?? restart) === undefined, {
    path: ['projection'],
    error: 'it is needed beside `to` and `restart`',
  });

/**
 * Serves what operators do with consumers and projections: `/events/failures`, `/events/rebuilds`. An empty object
 * reads.
 */
export function serveConsumers({ consumers, ...routes }: ServeConsumersOptions): void {
  operatorRoute(routes, '/events/failures', {
    body: failuresBody,
    async act(asked) {
      if (asked.action === 'list') return { consumers: await listFailures(asked) };
      const { action, consumer, id } = asked;
      const failures = failuresOf(consumer);
      const ids =
        id === undefined ? (await failures.list({ limit: mostFailures })).map((each) => each.id) : [id];
      let count = 0;
      for (const each of ids) if (await failures[action](each)) count++;
      if (id !== undefined && count === 0)
        throw new SubgraphError('NOT_FOUND', `The consumer "${consumer}" has no failure "${id}".`);
      return { count };
    },
  });

  operatorRoute(routes, '/events/rebuilds', {
    body: rebuildsBody,
    async act({ projection, to, restart = false }) {
      if (projection === undefined) return { projections: await consumers.projections.statuses() };
      if (to !== undefined && Date.parse(to) > Date.now())
        throw new SubgraphError('BAD_USER_INPUT', `The time ${to} has not come yet.`);
      if (!(await consumers.projections.rebuild(projection, to, { restart })))
        throw new SubgraphError('NOT_FOUND', `There is no projection "${projection}" here.`);
      return { projections: await consumers.projections.statuses() };
    },
  });

  const listFailures = ({ consumer, limit }: { consumer?: string | undefined; limit: number }) => {
    const listed =
      consumer === undefined ? consumers.failures() : [[consumer, failuresOf(consumer)] as const];
    return Promise.all(
      Array.from(listed, async ([name, failures]) => ({
        consumer: name,
        failures: limit === 0 ? [] : await failures.list({ limit }),
      })),
    );
  };

  function failuresOf(consumer: string): Failures {
    const all = consumers.failures();
    const failures = all.get(consumer);
    if (failures) return failures;
    const known = all.size === 0 ? '' : `; there are ${[...all.keys()].join(', ')}`;
    throw new SubgraphError('NOT_FOUND', `There is no consumer "${consumer}" here${known}.`);
  }
}
