/**
 * What planners do with operations: what they refuse, in which order they plan, and how long they work at once. Over 300
 * lines: all cases share one supergraph and one clock.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildSchema, type GraphQLAbstractType, parse, validate } from 'graphql';
import { Planner } from '../../../../gateway/planning';
import { longestSlice } from '../../../../gateway/net/slice';
import { StepCount } from '../../../../gateway/planning/budget';
import { runAtOnce } from '../../../../schema/supergraph/sliced-work';
import { type PlannerOptions } from '../../../../gateway/planning/planner';
import { planOperation } from '../../../../gateway/planning/plan-operation';
import { readSupergraph } from '../../../../gateway/planning/supergraph-facts';
import { failureAtOnce } from '../../../support/at-once';
import { compose } from '../../../support/compose';
import { readGraph } from '../../../support/planner-graph';

const planners: Planner[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(planners.splice(0).map((planner) => planner.close()));
});

function createTestPlanner(options: Partial<PlannerOptions> = {}): Planner {
  const planner = new Planner({ supergraphSdl: friends, ...options });
  planners.push(planner);
  return planner;
}

async function startPlanner(options: Partial<PlannerOptions> = {}): Promise<Planner> {
  const planner = createTestPlanner(options);
  await planner.ready;
  return planner;
}

/** `friend` can be asked of either subgraph. */
const friends = compose({
  a: 'type Query { me: User } type User @key(fields: "id") { id: ID! friend: User @shareable }',
  b: 'type User @key(fields: "id") { id: ID! friend: User @shareable name: String @inaccessible }',
});

/** Operations of many steps, each another one. */
const long = (alias: string): string =>
  `{ ${Array.from({ length: 50 }, (_, i) => `${alias}${i}: me { friend { friend { id } } }`).join(' ')} }`;

const failureOf = (planning: Promise<unknown>): Promise<unknown> =>
  planning.then(
    () => 'planned',
    (error: unknown) => error,
  );

const source = join(__dirname, '../../../../gateway/net/slice.ts');

/** Time goes on by a millisecond whenever planning looks at the clock. */
function mockClock(): () => number {
  let now = 0;
  // Work that other test files have left to the process looks at the clock, too.
  const isPlanning = () => callers().some((site) => site.getFileName() === source);
  jest.spyOn(performance, 'now').mockImplementation(() => (isPlanning() ? ++now : now));
  return () => now;
}

/** Not as text, which would look for the sources' maps. */
function callers(): readonly NodeJS.CallSite[] {
  const before: unknown = Reflect.get(Error, 'prepareStackTrace');
  Error.prepareStackTrace = (_, sites) => sites;
  const sites = new Error().stack as unknown as NodeJS.CallSite[];
  Reflect.set(Error, 'prepareStackTrace', before);
  return sites;
}

describe('a supergraph', () => {
  it('is described: its subgraphs, and the schema that clients see', async () => {
    const { apiSchemaSdl, subgraphs } = await createTestPlanner().ready;
    expect(subgraphs).toEqual([
      { name: 'a', url: 'http://a.test/graphql' },
      { name: 'b', url: 'http://b.test/graphql' },
    ]);
    expect(validate(buildSchema(apiSchemaSdl.join('')), parse('{ me { name } }'))).toHaveLength(1);
  });

  it('has its schema in parts that are parsed one by one', async () => {
    const types = Array.from({ length: 500 }, (_, i) => `"""Blank\n\ntype lines.""" type T${i} { id: ID }`);
    const fields = types.map((_, i) => `t${i}: T${i}`);
    const supergraphSdl = compose({ a: `type Query { ${fields.join(' ')} } ${types.join(' ')}` });
    const { apiSchemaSdl } = await createTestPlanner({ supergraphSdl }).ready;
    expect(apiSchemaSdl.length).toBeGreaterThan(3);
    expect(apiSchemaSdl.flatMap((part) => parse(part).definitions)).toHaveLength(503);
  });

  it('has the types that answers may be of where clients do not see them all', async () => {
    const supergraphSdl = compose({
      a: `type Query { node: Node any: Any }
          interface Node { id: ID! }
          type User implements Node @key(fields: "id") { id: ID! name: String }
          type Bot implements Node @key(fields: "id") @inaccessible { id: ID! }
          union Any = User | Bot`,
    });
    const { apiSchemaSdl, answerTypesSdl } = await createTestPlanner({ supergraphSdl }).ready;
    expect(apiSchemaSdl.join('')).not.toContain('Bot');
    const schema = buildSchema(answerTypesSdl!);
    for (const name of ['Node', 'Any']) {
      const type = schema.getType(name) as GraphQLAbstractType;
      expect(schema.getPossibleTypes(type).map(String).sort()).toEqual(['Bot', 'User']);
    }
    expect((await createTestPlanner().ready).answerTypesSdl).toBeUndefined();
  });

  it('is refused where it is none, with what is wrong', async () => {
    const planner = createTestPlanner({ supergraphSdl: 'type Query { me: ID }' });
    await expect(planner.ready).rejects.toThrow('This is not a supergraph');
    expect(await failureOf(planner.plan('{ me }', undefined))).toMatchObject({
      extensions: { code: 'QUERY_PLANNING_FAILED' },
    });
  });

  it('is refused where its security feature is not known', async () => {
    const supergraphSdl = friends.replace(
      '@link(url: "https://specs.apollo.dev/join',
      '@link(url: "https://specs.apollo.dev/secrecy/v0.1", for: SECURITY) @link(url: "https://specs.apollo.dev/join',
    );
    await expect(createTestPlanner({ supergraphSdl }).ready).rejects.toThrow(/secrecy/);
  });
});

describe('a plan', () => {
  it('is plain data', async () => {
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

  it('is refused beyond the budget of steps, with the limit, and at once when it is asked for again', async () => {
    const planner = await startPlanner({ limits: { steps: 100 } });
    const refused = {
      message: 'The operation is too complex to be planned: it takes more than 100 steps.',
      extensions: { code: 'QUERY_TOO_COMPLEX', http: { status: 400 } },
    };
    expect(await failureOf(planner.plan(long('a'), undefined))).toMatchObject(refused);
    // Others have taken the time of this turn.
    void planner.plan(long('b'), undefined).catch(() => undefined);
    expect(await failureAtOnce(planner.plan(long('a'), undefined))).toMatchObject(refused);
    await expect(planner.plan('{ me { friend { id } } }', undefined)).resolves.toBeDefined();
  });

  it('is refused beyond the levels that an operation may have', async () => {
    const planner = await startPlanner({ limits: { depth: 5 } });
    const deep = (depth: number) => `{me${'{friend'.repeat(depth)}{id}${'}'.repeat(depth)}}`;
    expect(await failureOf(planner.plan(deep(10), undefined))).toMatchObject({
      message: 'The operation is too complex to be planned: it takes more than 5 levels.',
      extensions: { code: 'QUERY_TOO_COMPLEX' },
    });
    await expect(planner.plan(deep(2), undefined)).resolves.toBeDefined();
  });

  it('refuses mutations whose fields of one name run in too many ways, after as few steps as of other operations', () => {
    const { index } = runAtOnce(
      readSupergraph(compose({ a: 'type Query { a: Int } type Mutation { m: Int n: Int }' }), {}),
    );
    const stepsOf = (names: readonly string[], count: number): StepCount => {
      const numbers = Array.from({ length: count }, (_, i) => i);
      const variables = numbers.map((i) => `$a${i}: Boolean! $b${i}: Boolean!`);
      const fields = numbers.flatMap((i) =>
        names.map((name) => `${name} @skip(if: $a${i}) @include(if: $b${i})`),
      );
      const document = parse(`mutation (${variables.join(' ')}) { ${fields.join(' ')} }`);
      const steps = new StepCount({ steps: 15_000, depth: 1000 });
      const work = planOperation({ document }, index, steps);
      if (count > 5) expect(() => runAtOnce(work)).toThrow('too complex');
      else runAtOnce(work);
      return steps;
    };
    expect(stepsOf(['m'], 5).taken).toBeLessThan(2_000);
    expect(stepsOf(['m', 'n'], 3).taken).toBeLessThan(2_000);
    for (const names of [['m'], ['m', 'n']]) expect(stepsOf(names, 20).taken).toBeLessThan(100_000);
  });

  it('takes few steps of fragments that spread each other twice, and too many of them under all conditions', async () => {
    const planner = await startPlanner();
    const bomb = (conditions: (i: number) => string) =>
      `query (${Array.from({ length: 25 }, (_, i) => `$v${i}: Boolean!`).join()}) { me { ...F0 } } ` +
      Array.from(
        { length: 25 },
        (_, i) => `fragment F${i} on User { ...F${i + 1} ${conditions(i)} ...F${i + 1} }`,
      ).join(' ') +
      ' fragment F25 on User { id name }';
    await expect(
      planner.plan(
        bomb(() => ''),
        undefined,
      ),
    ).resolves.toBeDefined();
    expect(
      await failureOf(
        planner.plan(
          bomb((i) => `@include(if: $v${i})`),
          undefined,
        ),
      ),
    ).toMatchObject({
      extensions: { code: 'QUERY_TOO_COMPLEX' },
    });
  });

  it('does not fail with what the planner throws', async () => {
    const planner = await startPlanner({ facts: await createTestPlanner().ready, supergraphSdl: 'type A' });
    expect(await failureOf(planner.plan('{ me { id } }', undefined))).toMatchObject({
      message: 'The operation could not be planned.',
      extensions: { code: 'QUERY_PLANNING_FAILED', http: { status: 500 } },
      cause: { message: expect.stringContaining('supergraph') },
    });
  });
});

describe('operations that wait', () => {
  it('are delayed by one slice for each turn of another sender, however many operations that one has', async () => {
    const planner = await startPlanner();
    const now = mockClock();
    const others = Array.from({ length: 100 }, (_, i) => planner.plan(long(`a${i}x`), undefined, [], 'a'));
    let planned = 0;
    for (const other of others) void other.then(() => planned++);
    // The others are under way.
    for (let i = 0; i < 5; i++) await nextTurn();
    const start = now();
    await planner.plan('{ me { id } }', undefined, [], 'b');
    expect(now() - start).toBeLessThanOrEqual(3 * (longestSlice + 2));
    expect(planned).toBeLessThan(90);
    await Promise.all(others);
  });

  it('of one sender are planned one after another, not all at the same time', async () => {
    const planner = await startPlanner();
    mockClock();
    const ends: number[] = [];
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        planner.plan(long(`a${i}x`), undefined, [], 'a').then(() => ends.push(i)),
      ),
    );
    expect(ends).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('are refused beyond their number: the newest of the sender with the most', async () => {
    const planner = await startPlanner({ limits: { waiting: 3 } });
    const plan = (name: string, sender: string) =>
      failureOf(planner.plan(`{ ${name}: me { id } }`, undefined, [], sender));
    const outcomes = Promise.all([
      plan('a', 'a'),
      plan('b', 'a'),
      plan('c', 'a'),
      plan('d', 'b'),
      plan('e', 'c'),
    ]);
    const limited = {
      extensions: {
        code: 'REQUEST_CONCURRENCY_LIMITED',
        http: { status: 503, headers: new Map([['retry-after', '1']]) },
      },
    };
    expect(await outcomes).toEqual([
      'planned',
      expect.objectContaining(limited),
      expect.objectContaining(limited),
      'planned',
      'planned',
    ]);
  });

  it('count once for each 4 KiB of their documents; one alone is planned, however long it is', async () => {
    const planner = await startPlanner({ limits: { waiting: 3 } });
    const large = `{ me { id } } # ${'x'.repeat(20_000)}`;
    await expect(planner.plan(large, undefined, [], 'a')).resolves.toBeDefined();
    const outcomes = [
      planner.plan(large, undefined, [], 'a'),
      planner.plan('{ me { id } }', undefined, [], 'b'),
    ];
    const failures = await Promise.all(outcomes.map(failureOf));
    expect(failures).toEqual([
      expect.objectContaining({
        extensions: expect.objectContaining({ code: 'REQUEST_CONCURRENCY_LIMITED' }),
      }),
      'planned',
    ]);
  });

  it('end when the planner is closed, and so do those that come later', async () => {
    const planner = await startPlanner();
    mockClock();
    const closed = { extensions: { code: 'SHUTTING_DOWN', http: { status: 503 } } };
    const waiting = Array.from({ length: 3 }, (_, i) => failureOf(planner.plan(long(`a${i}x`), undefined)));
    // One is under way.
    await nextTurn();
    await planner.close();
    for (const failure of await Promise.all(waiting)) expect(failure).toMatchObject(closed);
    expect(await failureOf(planner.plan('{ me { id } }', undefined))).toMatchObject(closed);
  });

  it('are planned in slices, between which other work goes on', async () => {
    const planner = await startPlanner();
    const now = mockClock();
    const waiting = new Set(Array.from({ length: 5 }, (_, i) => String(i)));
    const planning = Promise.all(
      [...waiting].map((sender) =>
        planner.plan(long(`a${sender}x`), undefined, [], sender).then(() => waiting.delete(sender)),
      ),
    );
    const slices: number[] = [];
    while (waiting.size > 0) {
      const before = now();
      await nextTurn();
      slices.push(now() - before);
    }
    await planning;
    expect(slices.length).toBeGreaterThan(10);
    // Of a slice, the looks at its beginning and at its end.
    expect(Math.max(...slices)).toBeLessThanOrEqual(longestSlice + 3);
  });
});

/** Says that a slice is over at each so-manieth question. */
class InterruptedSteps extends StepCount {
  #questions = 0;

  constructor(readonly every: number) {
    super({ steps: 1_000_000, depth: 1000 });
  }

  override get isSliceOver(): boolean {
    return ++this.#questions % this.every === 0;
  }
}

describe.each([
  [
    'bench/fixture/supergraph.graphql',
    `{ users { ...P reviews { ...R product { ...G reviews { ...R author { ...P reviews { ...R product { ...G } } } } } } }
       topProducts { ...G reviews { ...R author { ...P reviews { ...R product { ...G } } } } } }
     fragment P on User { id username name }
     fragment R on Review { id title }
     fragment G on Product { inStock name price shippingEstimate upc weight }`,
    '{ topProducts { name reviews { author { name } } } }',
  ],
  [
    'test/differential/graphs/more-io.graphql',
    'query($b: Boolean! = false) { any { ... on M1 @skip(if: $b) { next { ... on M1 { label } } } } }',
  ],
  [
    'schema/supergraph.graphql',
    `mutation($b: Boolean!, $c: Boolean!) {
       updateProfile(input: { name: "a" }) @skip(if: $b) { orders { edges { node { status } } } }
       updateProfile(input: { name: "a" }) @include(if: $c) { name reviews { edges { node { product { inStock } } } } }
       updateProfile(input: { name: "a" }) { reviews { edges { node { product { name } } } } } }`,
  ],
])('of %s', (file, ...operations) => {
  const { index } = runAtOnce(readSupergraph(readGraph(file), {}));

  it.each(operations)('%s has the same plan, of as many steps, wherever slices end', (operation) => {
    const document = parse(operation, { noLocation: true });
    const whole = new StepCount({ steps: 1_000_000, depth: 1000 });
    const expected = JSON.stringify(runAtOnce(planOperation({ document }, index, whole)));
    for (const every of [2, 3, 5, 7, 16, 31, 127, 1000]) {
      const steps = new InterruptedSteps(every);
      const plan = JSON.stringify(runAtOnce(planOperation({ document }, index, steps)));
      expect([every, plan, steps.taken]).toEqual([every, expected, whole.taken]);
    }
  });
});
