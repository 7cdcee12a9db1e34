/** Planning in threads, and what is refused there. Over 300 lines: a case for each way in which a plan fails, waits or is tried again. */
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { buildSchema, type GraphQLAbstractType, parse, validate } from 'graphql';
import { createPlanner, type Planner, type PlannerOptions } from '../../../../gateway/planning';
import { memoryForThreads } from '../../../../gateway/planning/planner-threads';
import { failureAtOnce } from '../../../support/at-once';
import { compose } from '../../../support/compose';
import { heapUsed } from '../../../support/heap';
import { eventually } from '../../../support/process';

/** Time is that of the clock, as where the system does not say how long a thread has had a processor. */
jest.mock('../../../../gateway/planning/thread-time', () => ({
  systemThread: () => undefined,
  processorTimeOf: () => undefined,
}));

const planners: Planner[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(planners.splice(0).map((planner) => planner.close()));
});

async function startPlanner(options: Partial<PlannerOptions> = {}): Promise<Planner> {
  const planner = createPlanner({ supergraphSdl: friends, ...options });
  planners.push(planner);
  await planner.ready;
  return planner;
}

/** `friend` can be asked of either subgraph, at every level: the ways double with each. */
const friends = compose({
  a: 'type Query { me: User } type User @key(fields: "id") { id: ID! friend: User @shareable }',
  b: 'type User @key(fields: "id") { id: ID! friend: User @shareable name: String @inaccessible }',
});
const friendsOfFriends = (depth: number): string => `{me${'{friend'.repeat(depth)}{id}${'}'.repeat(depth)}}`;

/** The planner's own bounds, which usually fire first, out of the way. */
const unbounded = { pathsLimit: 1e9, maxEvaluatedPlans: 1e9 };

const failureOf = (planning: Promise<unknown>): Promise<unknown> =>
  planning.then(
    () => 'planned',
    (error: unknown) => error,
  );

/** What comes of it when it is tried again and again: a new thread takes longer to start than some deadlines. */
async function plannedAtLast(planner: Planner, document: string): Promise<unknown> {
  let plan: unknown;
  for (let tries = 0; tries < 100 && (plan instanceof Error || plan === undefined); tries++) {
    plan = await planner.plan(document, undefined).catch((error: unknown) => error);
  }
  return plan;
}

/** How an operation is refused at once, when it is: until then it is tried again and again. */
async function refusedAtLast(planner: Planner, document: string): Promise<unknown> {
  for (;;) {
    const planning = planner.plan(document, undefined);
    const failure = await failureAtOnce(planning);
    if (failure !== undefined) return failure;
    await failureOf(planning);
  }
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; took: number }> {
  const start = performance.now();
  const result = await work;
  return { result, took: performance.now() - start };
}

describe('a planner', () => {
  it('tells what the supergraph is', async () => {
    const { apiSchemaSdl, subgraphs } = await (await startPlanner()).ready;
    expect(subgraphs).toEqual([
      { name: 'a', url: 'http://a.test/graphql' },
      { name: 'b', url: 'http://b.test/graphql' },
    ]);
    expect(validate(buildSchema(apiSchemaSdl.join('')), parse('{ me { name } }'))).toHaveLength(1);
  });

  it('cuts the schema that clients see into parts that are parsed one by one', async () => {
    const types = Array.from({ length: 500 }, (_, i) => `"""Blank\n\ntype lines.""" type T${i} { id: ID }`);
    const fields = types.map((_, i) => `t${i}: T${i}`);
    const supergraphSdl = compose({ a: `type Query { ${fields.join(' ')} } ${types.join(' ')}` });
    const { apiSchemaSdl } = await (await startPlanner({ supergraphSdl })).ready;
    expect(apiSchemaSdl.length).toBeGreaterThan(3);
    expect(apiSchemaSdl.flatMap((part) => parse(part).definitions)).toHaveLength(503);
  });

  it('tells the types that answers may be of where clients do not see them all', async () => {
    const supergraphSdl = compose({
      a: `type Query { node: Node any: Any }
          interface Node { id: ID! }
          type User implements Node @key(fields: "id") { id: ID! name: String }
          type Bot implements Node @key(fields: "id") @inaccessible { id: ID! }
          union Any = User | Bot`,
    });
    const { apiSchemaSdl, answerTypesSdl } = await (await startPlanner({ supergraphSdl })).ready;
    expect(apiSchemaSdl.join('')).not.toContain('Bot');
    const schema = buildSchema(answerTypesSdl!);
    for (const name of ['Node', 'Any']) {
      const type = schema.getType(name) as GraphQLAbstractType;
      expect(schema.getPossibleTypes(type).map(String).sort()).toEqual(['Bot', 'User']);
    }
    expect((await (await startPlanner()).ready).answerTypesSdl).toBeUndefined();
  });

  it('plans an operation as plain data', async () => {
    const planner = await startPlanner();
    const plan = await planner.plan('query A { me { id } } query B { me { friend { id } } }', 'B');
    expect(plan).toEqual({
      kind: 'QueryPlan',
      node: expect.objectContaining({
        kind: 'Fetch',
        serviceName: 'a',
        operation: 'query B__a__0{me{friend{id}}}',
      }),
    });
  });

  it('follows progressive overrides that are on', async () => {
    const supergraphSdl = compose({
      a: 'type Query { me: User } type User @key(fields: "id") { id: ID! name: String }',
      b: 'type User @key(fields: "id") { id: ID! name: String @override(from: "a", label: "percent(5)") }',
    });
    const planner = await startPlanner({ supergraphSdl });
    const subgraphsOf = async (labels?: string[]): Promise<unknown> =>
      JSON.stringify(await planner.plan('{ me { name } }', undefined, labels)).match(
        /(?<="serviceName":")\w+/g,
      );

    expect((await planner.ready).overrideLabels).toEqual(['percent(5)']);
    expect(await subgraphsOf()).toEqual(['a']);
    expect(await subgraphsOf(['percent(5)'])).toEqual(['a', 'b']);
  });

  it('refuses a supergraph that does not build, and says why', async () => {
    const planner = createPlanner({ supergraphSdl: 'type Query { me: ID }' });
    planners.push(planner);
    await expect(planner.ready).rejects.toThrow('This is not a supergraph');
    expect(await failureOf(planner.plan('{ me }', undefined))).toMatchObject({ failure: 'failed' });
  });

  it('refuses a supergraph whose security feature it does not know', async () => {
    const supergraphSdl = friends.replace(
      '@link(url: "https://specs.apollo.dev/join',
      '@link(url: "https://specs.apollo.dev/secrecy/v0.1", for: SECURITY) @link(url: "https://specs.apollo.dev/join',
    );
    const planner = createPlanner({ supergraphSdl });
    planners.push(planner);
    await expect(planner.ready).rejects.toThrow(/secrecy/);
  });

  it('masks what the planner throws', async () => {
    const planner = await startPlanner();
    const error = await failureOf(planner.plan('{ nothing }', undefined));
    expect(error).toMatchObject({
      message: 'The operation could not be planned.',
      extensions: { code: 'QUERY_PLANNING_FAILED', http: { status: 500 } },
      cause: { message: expect.stringContaining('nothing') },
    });
  });

  it('refuses an operation with too many ways to reach a field, and does not try it again', async () => {
    // Its own bounds end it, however busy the machine is.
    const planner = await startPlanner({ deadline: 60_000 });
    const refused = {
      failure: 'too-complex',
      extensions: { code: 'QUERY_TOO_COMPLEX', http: { status: 400 } },
    };
    expect(await failureOf(planner.plan(friendsOfFriends(16), undefined))).toMatchObject(refused);
    expect(await failureAtOnce(planner.plan(friendsOfFriends(16), undefined))).toMatchObject(refused);
  });

  it('refuses an operation that overflows the stack', async () => {
    const planner = await startPlanner();
    const error = await failureOf(planner.plan(friendsOfFriends(20_000), undefined));
    expect(error).toMatchObject({ failure: 'too-complex' });
  });

  it('gives a plan up at the deadline, and does not try it again for a while', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 500 });
    // It waits for another operation before it is planned itself.
    void planner.plan(friendsOfFriends(6), undefined).catch(() => undefined);
    const deadline = timed(wait(500));
    const bomb = await timed(failureOf(planner.plan(friendsOfFriends(16), undefined)));
    expect(bomb.result).toMatchObject({
      message: 'The operation could not be planned in time.',
      extensions: { code: 'QUERY_PLANNING_TIMEOUT', http: { status: 503 } },
    });
    expect(bomb.took).toBeLessThan((await deadline).took + 100);
    // It is not to blame for its first timeout where it mostly waited for the other one.
    expect(await refusedAtLast(planner, friendsOfFriends(16))).toMatchObject({ failure: 'timeout' });
  });

  it('remembers an operation whose time was over while it was tried for the second time', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 2000 });
    expect(await failureOf(planner.plan(friendsOfFriends(16), undefined))).toMatchObject({
      failure: 'timeout',
    });
    expect(await failureAtOnce(planner.plan(friendsOfFriends(16), undefined))).toMatchObject({
      failure: 'timeout',
    });
  });

  it('tries an operation again that failed, after a while', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 300, retryAfter: 1 });
    expect(await failureOf(planner.plan(friendsOfFriends(16), undefined))).toMatchObject({
      failure: 'timeout',
    });
    // Its thread may learn a little later that the time is over, which counts as another failure.
    await plannedAtLast(planner, '{ me { id } }');
    await wait(20);
    const again = await timed(failureOf(planner.plan(friendsOfFriends(16), undefined)));
    expect(again.took).toBeGreaterThan(250);
  });

  it('plans other operations while one takes long', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 60_000 });
    const bomb = failureOf(planner.plan(friendsOfFriends(16), undefined));
    let bombEnded = false;
    void bomb.then(() => (bombEnded = true));
    await expect(planner.plan('{ me { id } }', undefined)).resolves.toBeDefined();
    expect(bombEnded).toBe(false);
  });

  it('plans other operations while many take long, and tells each of those at its deadline', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 6000 });
    const ended: number[] = [];
    const start = performance.now();
    const deadline = timed(wait(6000));
    const bombs = Array.from({ length: 10 }, async (_, i) => {
      const bomb = friendsOfFriends(16).replace('me', `bomb${i}:me`);
      const { failure } = (await failureOf(planner.plan(bomb, undefined))) as { failure: string };
      ended.push(performance.now() - start);
      return failure;
    });
    for (let i = 0; i < 20; i++) await planner.plan(`{ me { quick${i}: id } }`, undefined);
    expect(ended).toEqual([]);
    expect(new Set(await Promise.all(bombs))).toEqual(new Set(['timeout']));
    expect(Math.max(...ended)).toBeLessThan((await deadline).took + 100);
  });

  it('keeps no others waiting for operations that are known to be slow', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 60_000 });
    const given = jest.spyOn(Worker.prototype, 'postMessage');
    const tries = (...documents: string[]) =>
      given.mock.calls.filter(([{ document }]) => documents.includes(document)).length;
    const heard = jest.spyOn(Worker.prototype, 'emit');
    const timeouts = () => heard.mock.calls.filter(([, message]) => message?.failure === 'timeout').length;
    let ended = 0;
    const slow = [13, 14].map(friendsOfFriends);
    const planSlow = () =>
      slow.forEach((document) => void failureOf(planner.plan(document, undefined)).then(() => ended++));
    planSlow();
    // Each is tried for a short time. Then one takes the turn of slow ones, and the other one waits for it.
    await eventually(() => timeouts() === 2 && tries(...slow) === 3);
    // Not tried first, as they are known by now.
    planSlow();
    const quick = '{ me { id } }';
    void failureOf(planner.plan(quick, undefined));
    await eventually(() => tries(quick) > 0);
    expect(tries(...slow)).toBe(3);
    expect(ended).toBe(0);
  });

  it('goes on after a plan that was given up', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 500, maxThreads: 1 });
    expect(await failureOf(planner.plan(friendsOfFriends(16), undefined))).toMatchObject({
      failure: 'timeout',
    });
    expect(await plannedAtLast(planner, '{ me { id } }')).toMatchObject({ kind: 'QueryPlan' });
  });

  it('refuses more waiting operations than it may have, and blames none of them', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 1500, queueLimit: 2, maxThreads: 1 });
    const bomb = failureOf(planner.plan(friendsOfFriends(16), undefined));
    const waiting = ['{ me { id } }', '{ me { friend { id } } }'].map((document) =>
      failureOf(planner.plan(document, undefined)),
    );
    expect(await failureOf(planner.plan('{ me { __typename } }', undefined))).toMatchObject({
      failure: 'busy',
      extensions: { code: 'QUERY_PLANNING_TIMEOUT', http: { status: 503 } },
    });
    expect(await bomb).toMatchObject({ failure: 'timeout' });
    expect(await Promise.all(waiting)).toMatchObject([{ failure: 'timeout' }, { failure: 'timeout' }]);
    expect(await plannedAtLast(planner, '{ me { id } }')).toMatchObject({ kind: 'QueryPlan' });
  });

  it('delays the operation of one sender by one of another who sends many, and refuses many first', async () => {
    const planner = await startPlanner({ ...unbounded, queueLimit: 20 });
    const order: string[] = [];
    const plan = (document: string, sender: string) =>
      planner.plan(document, undefined, [], sender).then(
        () => order.push(sender),
        () => order.push(`${sender} refused`),
      );
    const many = Array.from({ length: 21 }, (_, i) => plan(`{ me { a${i}: id } }`, 'many'));
    await Promise.all([plan('{ me { id } }', 'one'), ...many]);
    // One was being planned when they came, another one before it was its turn.
    expect(order.indexOf('one')).toBeLessThanOrEqual(3);
    expect(order.filter((each) => each.endsWith('refused'))).toEqual(['many refused']);
  });

  it('plans all of many ordinary operations that one sender sends to a planner that has just started', async () => {
    // Four times the default, for a busy machine: still too short for so many if each counted as slow.
    const planner = await startPlanner({ deadline: 20_000 });
    const plans = Array.from({ length: 200 }, (_, i) =>
      planner.plan(`{ me { friend { friend { a${i}: id } } } }`, undefined, [], 'one'),
    );
    expect(await Promise.all(plans)).toHaveLength(200);
  });

  it('tries an operation once more in the background whose time was over, and refuses it meanwhile', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 2000 });
    // Some seconds on a machine that has other things to do; its time is stretched when it is tried again.
    const slow = friendsOfFriends(16);
    const work = jest.spyOn(Worker.prototype, 'postMessage');
    // In the background it has the whole deadline. Before, it has a second, and then what is left of the deadline.
    const tried = () =>
      work.mock.calls.filter(([{ document, timeLimit }]) => document === slow && timeLimit > 1000);
    expect(await failureOf(planner.plan(slow, undefined))).toMatchObject({ failure: 'timeout' });
    await eventually(() => tried().length > 0);
    expect(await failureAtOnce(planner.plan(slow, undefined))).toMatchObject({ failure: 'timeout' });
    await wait(1500);
    expect(tried()).toHaveLength(1);
    // Last: one that takes long on a busy machine ends what runs in the background, which is then tried anew.
    expect(await plannedAtLast(planner, '{ me { id } }')).toMatchObject({ kind: 'QueryPlan' });
  });

  it('remembers of an operation that failed no more than a hash, however long it is', async () => {
    const planner = await startPlanner();
    const before = await heapUsed();
    for (let i = 0; i < 100; i++) {
      const long = `{ nothing${i} } #${'x'.repeat(1_000_000)}`;
      expect(await failureOf(planner.plan(long, undefined))).toMatchObject({ failure: 'failed' });
    }
    // A fifth of their text.
    expect((await heapUsed()) - before).toBeLessThan(20e6);
  });

  it('ends its last thread when it has had nothing to plan for long, and starts one for the next operation', async () => {
    const ended = jest.spyOn(Worker.prototype, 'terminate');
    const planner = await startPlanner({ deadline: 600_000, idleTime: 1 });
    await eventually(() => ended.mock.calls.length === 1);
    await expect(planner.plan('{ me { id } }', undefined)).resolves.toBeDefined();
    await eventually(() => ended.mock.calls.length === 2);
    // Not those of other planners.
    expect(new Set(ended.mock.contexts).size).toBe(2);
  });

  it.each([
    ['is told to keep it', { deadline: 600_000, idleTime: 0 }],
    ['took long to start, for the time that an operation has', { deadline: 1, idleTime: 1 }],
  ])('keeps a thread that %s', async (_, options) => {
    const ended = jest.spyOn(Worker.prototype, 'terminate');
    const timers = jest.spyOn(globalThis, 'setTimeout');
    await startPlanner(options);
    expect(timers.mock.calls.filter(([, delay]) => delay === options.idleTime)).toEqual([]);
    expect(ended).not.toHaveBeenCalled();
  });

  it('gives its threads a part of the memory of a container, and no more than goes with the limit of the heap', () => {
    const [gigabyte, heap] = [1024 ** 3, 4 * 1024 ** 3];
    expect(memoryForThreads(gigabyte / 2, gigabyte / 4)).toBe(192);
    expect(memoryForThreads(16 * gigabyte, heap)).toBe(3072);
    expect(memoryForThreads(16 * gigabyte, gigabyte / 4)).toBe(192);
  });

  it('says which option is wrong where a supergraph needs more memory than a thread has', async () => {
    const planner = createPlanner({ supergraphSdl: friends, memoryLimit: 4 });
    planners.push(planner);
    await expect(planner.ready).rejects.toThrow('`planning.memory`');
  });

  it('survives a plan that takes more memory than it may', async () => {
    const planner = await startPlanner({ ...unbounded, deadline: 60_000, memoryLimit: 64 });
    expect(await failureOf(planner.plan(friendsOfFriends(14), undefined))).toMatchObject({
      failure: 'too-complex',
    });
    await expect(planner.plan('{ me { id } }', undefined)).resolves.toBeDefined();
  });

  it('refuses a plan for which the planner would make one array larger than its memory, which would end the process', async () => {
    const types = (fields: string): string =>
      Array.from(
        { length: 24 },
        (_, i) => `type T${i} implements I @key(fields: "id") { id: ID! ${fields} }`,
      ).join(' ');
    const shared = `interface I { id: ID! x: Int } ${types('x: Int @shareable')}`;
    const supergraphSdl = compose({
      a: `type Query { i: I } interface I { id: ID! } ${types('')}`,
      b: shared,
      c: shared,
    });
    const planner = await startPlanner({ supergraphSdl, deadline: 60_000, memoryLimit: 64 });
    expect(await failureOf(planner.plan('{ i { x } }', undefined))).toMatchObject({ failure: 'too-complex' });
    await expect(planner.plan('{ i { id } }', undefined)).resolves.toBeDefined();
  });

  it('rejects what it is planning when it is closed', async () => {
    const planner = await startPlanner(unbounded);
    const plans = [friendsOfFriends(16), '{ me { id } }'].map((document) =>
      failureOf(planner.plan(document, undefined)),
    );
    await planner.close();
    expect(await Promise.all(plans)).toMatchObject([{ failure: 'closed' }, { failure: 'closed' }]);
    expect(await failureOf(planner.plan('{ me { id } }', undefined))).toMatchObject({ failure: 'closed' });
  });

  it('says which option is wrong', () => {
    expect(() => createPlanner({ supergraphSdl: friends, deadline: -1 })).toThrow(
      '"deadline" must be a positive number, but got: -1',
    );
  });
});
