import { z } from 'zod';
import { SubgraphError } from '../../errors';
import { operatorRoute, withAction, type OperatorRoutes } from '../../serve/operator-route';
import { type Failures } from '../channels/channel';
import { type SubgraphConsumers } from './subgraph-consumers';

export interface ServeConsumersOptions extends OperatorRoutes {
  readonly consumers: Pick<SubgraphConsumers, 'failures'> & {
    readonly projections: Pick<SubgraphConsumers['projections'], 'statuses' | 'rebuild'>;
  };
}

/** Failures that are listed of a consumer, retried or dropped by one request; fewer are listed where they are large. */
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
      /** Of one consumer: the `next` of the answer before. */
      after: z
        .string()
        .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\/[\w-]{1,100}$/, {
          error: 'must be the `next` of an answer',
        })
        .optional(),
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
    async act(request) {
      if (request.action === 'list') return { consumers: await listFailures(request) };
      const { action, consumer, id } = request;
      const failures = failuresOf(consumer);
      if (action === 'retry') await refuseHeld(consumer);
      const ids = id === undefined ? await oldestOf(failures) : [id];
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

  const listFailures = ({ consumer, limit, after }: z.output<typeof failuresBody> & { action: 'list' }) => {
    if (after !== undefined && consumer === undefined)
      throw new SubgraphError(
        'BAD_USER_INPUT',
        '`after` needs `consumer`, as it is a position in one queue.',
      );
    const listed =
      consumer === undefined ? consumers.failures() : [[consumer, failuresOf(consumer)] as const];
    return Promise.all(
      Array.from(listed, async ([name, failures]) => ({
        consumer: name,
        ...(limit === 0 ? { failures: [] } : await failures.list({ limit, after })),
      })),
    );
  };

  /** The ids of the oldest failures. */
  async function oldestOf(failures: Failures): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await failures.list({ limit: mostFailures - ids.length, after });
      ids.push(...page.failures.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined && ids.length < mostFailures);
    return ids;
  }

  /** A projection that is held at a time takes no events, and would hide what is retried from the list. */
  async function refuseHeld(name: string): Promise<void> {
    const statuses = await consumers.projections.statuses();
    const heldAt = statuses.find(({ projection }) => projection === name)?.heldAt ?? null;
    if (heldAt === null) return;
    throw new SubgraphError(
      'CONFLICT',
      `The projection "${name}" is held at ${heldAt} and takes no events: replay it without a time, and it gets all events again, also those that have failed.`,
    );
  }

  function failuresOf(consumer: string): Failures {
    const all = consumers.failures();
    const failures = all.get(consumer);
    if (failures) return failures;
    const known = all.size === 0 ? '' : `; there are ${[...all.keys()].join(', ')}`;
    throw new SubgraphError('NOT_FOUND', `There is no consumer "${consumer}" here${known}.`);
  }
}
