/** Whether what gateway/graph/operations/ says that operations take is what they take. */
import { buildSchema, getOperationAST, parse } from 'graphql';
import { Authorization, Policies } from '../../../../gateway/auth/directives';
import { describeOperation } from '../../../../gateway/cache/responses/cached-operation';
import { createClientLimits } from '../../../../gateway/limits/client-limits';
import { type OperationOptions, SupergraphOperations } from '../../../../gateway/graph/operations';
import { parseOptions } from '../../../../gateway/options';
import { OperationMemory } from '../../../../gateway/graph/operation-cache';
import { buildQueryPlanner } from '../../../support/own-planner';
import { createPrograms } from '../../../../gateway/graph/programs';
import type { SubgraphRequest } from '../../../../gateway/subgraph-calls/contract/transport';
import { ScopesInFlight } from '../../../../gateway/subgraph-calls/sharing/scopes-in-flight';
import { CallStatistics } from '../../../../gateway/telemetry/metrics/call-statistics';
import { Meter } from '../../../../gateway/telemetry/metrics/meter';
import { amountOf } from '../../../support/amounts';
import { callerOf } from '../../../support/caller';
import { compose } from '../../../support/compose';
import { heapUsed } from '../../../support/heap';
import { plannerOf } from '../../../support/planning';

/** The fewest operations, and their bytes: what V8 compiles meanwhile, and what a collection leaves, is little beside them. */
const count = amountOf('WEIR_OPERATIONS', 30, 250);
const enough = 4_000_000;

const logger = { warn: () => undefined, isLevelEnabled: () => false } as never;
const { plan, supergraph: facts } = buildQueryPlanner({
  supergraphSdl: compose({
    a: `type Query { me(x: Int): User node(id: ID): Node find(text: String): User }
        type Mutation { rename(name: String): User }
        interface Node { id: ID! name: String }
        type User implements Node @key(fields: "id") {
          id: ID! name: String email: String friend: User friends(first: Int): [User!] address: Address kind: Kind
        }
        type Bot implements Node @key(fields: "id") { id: ID! name: String owner: User }
        type Address { street: String city: String zip: String }
        enum Kind { A B }`,
    b: `type User @key(fields: "id") { id: ID! reviews(first: Int): [Review!] score: Float }
        type Bot @key(fields: "id") { id: ID! reviews: [Review!] }
        type Review @key(fields: "id") { id: ID! rating: Int body: String author: User product: Product }
        type Product @key(fields: "upc") { upc: ID! }`,
    c: 'type Product @key(fields: "upc") { upc: ID! title: String price: Int weight: Int } type Query { p: [Product] }',
  }),
});
const schema = buildSchema(facts.apiSchemaSdl.join(''), { noLocation: true });
const user = { id: '1', name: 'Ada', email: 'e', kind: 'A', address: { street: 's', city: 'c', zip: 'z' } };

/** Runs operations as a gateway does, with subgraphs that answer one user to everything. */
function createRunner(memory: OperationMemory, planned = plan) {
  const options = parseOptions({});
  const policies = new Policies({ evaluate: undefined, ttl: 0, logger });
  const authorization = new Authorization({
    ...{ facts: facts.protections, schema, policies, logger },
    options: options.authorization,
  });
  const planner = plannerOf((document, name) => planned(document, name, [])) as never;
  const calls = new CallStatistics(new Meter());
  const programs = createPrograms({
    ...{ planner, authorization, schema, supergraphSchema: schema, facts, cache: memory.open(3 / 4), calls },
  });
  const { learn } = new SupergraphOperations({
    ...{ planner, programs, authorization, schema, costs: facts.costs, cache: memory.open(1 / 4) },
    errors: {},
    isDevelopment: false,
    limits: createClientLimits({ limits: options.limits, introspection: true }),
    mostBytes: 1e9,
    assumedListSize: 10,
    caching: {
      responses: {
        describe: (given: Parameters<typeof describeOperation>[0]) =>
          describeOperation(given, { operations: {}, types: {} }),
        answer: (_: unknown, client: unknown, run: (client: unknown) => unknown) => run(client),
      },
    },
    metrics: {
      meter: new Meter(),
      calls,
    },
    logger,
    supergraph: 'x',
    scopes: new ScopesInFlight(),
    send: async ({ operation: { document } }: SubgraphRequest) => {
      const data: Record<string, unknown> = {};
      for (const [, alias, name] of document.matchAll(/(?:\b(\w+):)?\b(me|node|find|rename)\b/g))
        data[alias ?? name!] = { __typename: 'User', ...user, friends: [user], friend: user };
      const body = Buffer.from(JSON.stringify({ data }));
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    },
    chooseOverrides: () => [],
    callerOverrides: undefined,
  } as unknown as OperationOptions & ConstructorParameters<typeof SupergraphOperations>[0]);
  return async (source: string, i: number): Promise<void> => {
    const operation = getOperationAST(parse(source))!;
    const client = Object.assign(callerOf(), {
      identity: { deniedFields: [] },
      awaitPlan: (planned: Promise<unknown>) => planned,
    });
    const learned = learn({ source, queryHash: `${i}`, operation, request: {} } as never);
    const variables = { x: 1, first: 2, id: '1', a: i % 2 === 0, b: true, name: 'x' };
    await learned.run(variables, client as never);
  };
}

const fields = 'name email address{street city zip} kind';
const times = (count: number, of: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => of(i)).join(' ');

/** Those that differ most come first: a short run takes them alone. */
const shapes: [string, (i: number) => string][] = [
  ['variables', (i) => `query Op${i}($x:Int){me(x:$x){id name email a${i}:name}}`],
  [
    'fragments, lists and three subgraphs',
    (i) => `query Page${i}($x:Int,$first:Int){
      me(x:$x){${fields} friends(first:$first){${fields} reviews(first:10){rating author{name} product{title}}}}
      b${i}:me{...U}
    } fragment U on User{id name friend{id name email} reviews{rating product{title}}}`,
  ],
  [
    'an interface and conditions',
    (i) => `query N${i}($id:ID,$a:Boolean!,$b:Boolean!){node(id:$id){a${i}:id name
      ...on User{email reviews @include(if:$a){body}} ...on Bot{owner{name} reviews @skip(if:$b){rating}}}}`,
  ],
  [
    'many root fields',
    (i) =>
      `{${times(20, (k) => `f${i}_${k}:me(x:${k}){id name address{street} reviews(first:3){rating author{id}}}`)}}`,
  ],
  ['a long text', (i) => `{find(text:"${i}${'x'.repeat(5_000)}"){name}}`],
  ['introspection', (i) => `{a${i}:__schema{types{name fields{name}}}}`],
  ['one field', (i) => `{a${i}:me{name}}`],
  ['two subgraphs', (i) => `query Op${i}{me{id a${i}:name reviews(first:5){rating body}}}`],
  ['a mutation', (i) => `mutation M${i}($name:String){rename(name:$name){id a${i}:name reviews{rating}}}`],
  ['many aliases', (i) => `{me{${times(90, (k) => `f${i}_${k}:name`)}}}`],
  ['deep nesting', (i) => `{f:me{${'friend{'.repeat(20)}a${i}:name${'}'.repeat(21)}}`],
  ['a long comment', (i) => `{a${i}:me{name}} #${'x'.repeat(1_000)}`],
];

it.each(shapes.slice(0, amountOf('WEIR_SHAPES', 6, shapes.length)))(
  'an operation with %s takes the estimated memory',
  async (_, operation) => {
    const memory = new OperationMemory(1e9);
    const run = createRunner(memory);
    // What is made once, for the first ones, is not theirs.
    for (let i = 0; i < 10; i++) await run(operation(i), i);
    let next = 10;
    const measure = async (): Promise<number> => {
      const [saidBefore, before, first] = [memory.size, await heapUsed(), next];
      for (; next < first + count || memory.size - saidBefore < enough; next++)
        await run(operation(next), next);
      return (memory.size - saidBefore) / ((await heapUsed()) - before);
    };
    let ratio = await measure();
    // What other suites of this process have left may go meanwhile, once.
    if (!(ratio > 1 / 1.3 && ratio < 1.3)) ratio = await measure();
    expect(ratio).toBeGreaterThan(1 / 1.3);
    expect(ratio).toBeLessThan(1.3);
  },
  60_000,
);

it('operations that cannot be planned are not remembered', async () => {
  const memory = new OperationMemory(1e9);
  const run = createRunner(memory, () => {
    throw new Error('It takes too long.');
  });
  await expect(run('{me{name}}', 0)).rejects.toThrow('It takes too long.');
  expect(memory.size).toBe(0);
});
