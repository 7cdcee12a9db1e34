import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CommandFailure, type Context } from '../context';
import type { ReplayFlags } from '../commands/events';
import { printableJson } from '../terminal/printable';
import { listed } from './failures';
import { ownerOf, SubgraphRefusal, type Subgraphs, withSubgraphs } from './subgraphs';

const path = 'events/rebuilds';
const status = z.object({
  projection: z.string(),
  live: z.number(),
  heldAt: z.string().nullable(),
  events: z.number(),
  building: z.object({ generation: z.number(), to: z.string().nullable(), events: z.number() }).nullable(),
});
const statuses = z.object({ projections: z.array(status) });
type ProjectionStatus = z.infer<typeof status>;

/** Milliseconds between two looks. */
const pause = 250;
/** Milliseconds without an event after which a line names where to look. */
const patience = 15_000;

/** `weir events replay` */
export async function replay(flags: ReplayFlags, context: Context): Promise<void> {
  const { projection, to, restart, format } = flags;
  const { stdout } = context;
  await withSubgraphs(flags, context, async (subgraphs) => {
    const subgraph = await findProjection(subgraphs, projection);
    const request = async (body: object): Promise<ProjectionStatus> => {
      const { projections } = await subgraphs.request(subgraph, path, body, statuses);
      return projections.find((each) => each.projection === projection)!;
    };
    const begun = await request({ projection, to, restart }).catch((error: unknown) => {
      if (!(error instanceof SubgraphRefusal) || error.status !== 409) throw error;
      throw new CommandFailure(
        `weir: the projection ${projection} is being rebuilt already: wait for it, or give it up with --restart.`,
        1,
      );
    });
    const generation = begun.building?.generation ?? begun.live;
    const done = await follow(begun, generation, () => request({}), { subgraph, context });
    if (done === undefined) return;
    const { heldAt, events } = done;
    const { failures, hasMore } = await failuresOf(subgraphs, subgraph, projection);
    if (format === 'json') {
      stdout.write(printableJson({ subgraph, projection, generation, heldAt, events, failures }));
      return;
    }
    stdout.write(
      heldAt === null
        ? `${projection} is rebuilt: generation ${generation} is live, and goes on with what happens.\n`
        : `${projection} is as it was at ${heldAt}: generation ${generation} is live, and takes no events until the projection is replayed without --to.\n`,
    );
    if (failures > 0)
      stdout.write(
        `${failures}${hasMore ? ' or more' : ''} of its events failed: \`weir events failed --consumer ${projection}\` lists them.\n`,
      );
  });
}

/** Prints how far the rebuild is, until it is live; `undefined` when the user has asked to stop. */
async function follow(
  begun: ProjectionStatus,
  generation: number,
  look: () => Promise<ProjectionStatus>,
  { subgraph, context }: { readonly subgraph: string; readonly context: Context },
): Promise<ProjectionStatus | undefined> {
  const { stderr, signal } = context;
  const name = begun.projection;
  let reported: number | undefined;
  let changedAt = performance.now();
  for (
    let current: ProjectionStatus | undefined = begun;
    current !== undefined;
    current = await lookAgain()
  ) {
    const { building, live, events } = current;
    if (building === null && live >= generation) return current;
    if (building?.generation !== generation)
      throw new CommandFailure(
        `weir: another rebuild of ${name} was begun, and this one is given up: wait for the other one.`,
        1,
      );
    if (building.events !== reported) {
      reported = building.events;
      changedAt = performance.now();
      const of = events > reported ? ` of about ${events}` : '';
      stderr.write(`${name}, generation ${generation}: ${reported}${of} events\n`);
    } else if (performance.now() - changedAt > patience) {
      changedAt = performance.now();
      stderr.write(
        `no event for ${patience / 1000} s: the log of ${subgraph} says whether it reaches its sources\n`,
      );
    }
  }
  stderr.write(`weir: the rebuild of ${name} goes on without this command.\n`);
  return undefined;

  /** `undefined` where the user has asked to stop, also while it waits for the subgraph. */
  async function lookAgain(): Promise<ProjectionStatus | undefined> {
    try {
      await sleep(pause, undefined, { signal });
      return await look();
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }
}

const findProjection = async (subgraphs: Subgraphs, projection: string): Promise<string> =>
  ownerOf(await subgraphs.requestAll(path, {}, statuses), {
    what: 'projection',
    name: projection,
    namesIn: ({ projections }) => projections.map((each) => each.projection),
    none: `there are no projections in ${subgraphs.names}: name another subgraph with --subgraph NAME=URL.`,
  });

async function failuresOf(
  subgraphs: Subgraphs,
  subgraph: string,
  consumer: string,
): Promise<{ readonly failures: number; readonly hasMore: boolean }> {
  const { consumers } = await subgraphs.request(subgraph, 'events/failures', { consumer }, listed);
  const { failures, next } = consumers[0]!;
  return { failures: failures.length, hasMore: next !== undefined };
}
