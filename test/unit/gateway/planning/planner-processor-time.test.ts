/**
 * The deadlines of gateway/planning/planner-threads.ts. How long threads have had a processor is what a test says here: a
 * busy machine must not decide what comes of it.
 */
import { createPlanner, type Planner, type PlannerOptions } from '../../../../gateway/planning';
import type { PlanningError } from '../../../../gateway/planning/planning-error';
import { failureAtOnce } from '../../../support/at-once';
import { compose } from '../../../support/compose';
import { eventually } from '../../../support/process';
import { within } from '../../../support/times';

/** The share of the time in which a thread has a processor. */
let share = 1;
jest.mock('../../../../gateway/planning/thread-time', () => ({
  systemThread: () => 1,
  processorTimeOf: () => performance.now() * share,
}));

let planner: Planner;
afterEach(() => planner.close());

/** Without the bounds of the planner itself, which usually fire first. */
async function startPlanner(options: Partial<PlannerOptions> = {}): Promise<Planner> {
  planner = createPlanner({ supergraphSdl: friends, pathsLimit: 1e9, maxEvaluatedPlans: 1e9, ...options });
  await planner.ready;
  return planner;
}

/** `friend` can be asked of either subgraph, at every level: the ways double with each. */
const friends = compose({
  a: 'type Query { me: User } type User @key(fields: "id") { id: ID! friend: User @shareable }',
  b: 'type User @key(fields: "id") { id: ID! friend: User @shareable }',
});
const friendsOfFriends = (depth: number): string => `{me${'{friend'.repeat(depth)}{id}${'}'.repeat(depth)}}`;

async function timed(planning: Promise<unknown>) {
  const start = performance.now();
  const result = await planning.then(
    () => undefined,
    (error: unknown) => error as PlanningError,
  );
  return { failure: result?.failure, extensions: result?.extensions, took: performance.now() - start };
}

describe('a planner', () => {
  it('refuses what of a sender of slow operations would not have its turn, at once, and plans those of others', async () => {
    share = 1;
    await startPlanner({ deadline: 3000 });
    for (let i = 0; i < 5; i++) await planner.plan(`{ me { a${i}: id } }`, undefined, [], 'others');
    const bomb = (name: string) => friendsOfFriends(16).replace('me', `${name}:me`);
    const bombs = Promise.all(
      Array.from({ length: 50 }, (_, i) => timed(planner.plan(bomb(`bomb${i}`), undefined, [], 'attacker'))),
    );
    await expect(planner.plan('{ me { id } }', undefined, [], 'one')).resolves.toBeDefined();
    const limited = (await bombs).filter(({ failure }) => failure === 'limited');
    expect(limited.length).toBeGreaterThan(40);
    expect(limited[0]!.extensions).toEqual({
      code: 'REQUEST_CONCURRENCY_LIMITED',
      http: { status: 503, headers: new Map([['retry-after', '1']]) },
    });
    // Each is tried for 200 ms, so that the 16th has no turn in 3 s: the others know it as soon as the first takes long.
    const first = Math.min(...limited.map(({ took }) => took));
    expect(limited.filter(({ took }) => took < first + 25).length).toBeGreaterThan(20);
    expect(first).toBeLessThan(within(100));
    // Now it is known.
    const again = Array.from({ length: 20 }, (_, i) =>
      failureAtOnce(planner.plan(bomb(`again${i}`), undefined, [], 'attacker')),
    );
    const atOnce = (await Promise.all(again)).filter((failure) => failure !== undefined);
    expect(atOnce).toMatchObject(Array(atOnce.length).fill({ failure: 'limited' }));
    expect(atOnce.length).toBeGreaterThan(15);
  });

  it('refuses nothing where its threads have to wait for a processor', async () => {
    share = 0.1;
    await startPlanner({ deadline: 1500 });
    // On a busy machine some are not planned in time, and asked again.
    for (let i = 0; i < 5; i++)
      await eventually(() =>
        planner.plan(`{ me { a${i}: id } }`, undefined, [], 'one').then(
          () => true,
          () => false,
        ),
      );
    const bombs = Array.from({ length: 30 }, (_, i) =>
      timed(planner.plan(friendsOfFriends(16).replace('me', `bomb${i}:me`), undefined, [], 'one')),
    );
    expect((await Promise.all(bombs)).filter(({ failure }) => failure !== 'timeout')).toEqual([]);
  });

  it('blames no operation for its timeout that had to wait for a processor', async () => {
    share = 0.1;
    await startPlanner({ deadline: 500 });
    for (let i = 0; i < 3; i++) {
      const { failure, took } = await timed(planner.plan(friendsOfFriends(16), undefined));
      expect(failure).toBe('timeout');
      // It is worked on each time.
      expect(took).toBeGreaterThan(400);
    }
    share = 1;
    for (let i = 0; i < 2; i++) await timed(planner.plan(friendsOfFriends(17), undefined));
    expect(await failureAtOnce(planner.plan(friendsOfFriends(17), undefined))).toMatchObject({
      failure: 'timeout',
    });
  });
});
