import fc from 'fast-check';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { redisProgram, sayWithoutRedis, startRedis } from '../support/redis-server';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';

const token = 'a-token-of-the-tests';
const maxAge = 60;
/** Each value that anybody can be told, by who it belongs to; `secret` is told to its owner alone. */
const world = new Map<string, { name: string; secret: string }>();
let subgraph: TestSubgraph;
let supergraphSdl: string;
let isDown = false;
let clockOffset = 0;
const realNow = Date.now;

beforeAll(async () => {
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + clockOffset);
  const userOf = (id: string) => world.has(id) && { id, ...world.get(id) };
  subgraph = await startSubgraph({
    name: 'accounts',
    typeDefs: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
      type Query { user(id: ID!): User  users: [User!]!  me: Me }
      type Mutation { rename(id: ID!, name: String!): User }
      type User @key(fields: "id") { id: ID!  name: String! }
      type Me { secret: String! }
    `,
    resolvers: {
      Query: {
        user: (_: unknown, { id }: Json) => userOf(id) || null,
        users: () => [...world.keys()].map(userOf),
        me: (_: unknown, __: unknown, headers: Json) => userOf(headers.authorization) || null,
      },
      Mutation: {
        rename: (_: unknown, { id, name }: Json) => {
          if (!world.has(id)) throw new Error('There is nobody of that id.');
          world.get(id)!.name = name;
          return userOf(id);
        },
      },
    },
  });
  subgraph.headers = ({ query }: Json): Record<string, string> =>
    query.includes('me') && query.includes('secret')
      ? { 'cache-control': `private, max-age=${maxAge}` }
      : { 'cache-control': `public, max-age=${maxAge}` };
  supergraphSdl = compose([subgraph]);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await subgraph.close();
});

const users = ['a', 'b', 'c'];
const anyUser = fc.constantFrom(...users, 'nobody');
const selection = fc.constantFrom('id', 'name', 'id name', 'name id', 'alias: name');
const queries = fc.oneof(
  fc.record({ query: selection.map((of) => `{ users { ${of} } }`), variables: fc.constant({}) }),
  fc.record({
    query: selection.map((of) => `query ($id: ID!) { user(id: $id) { ${of} } }`),
    variables: fc.record({ id: anyUser }),
  }),
  fc.record({ query: fc.constant('{ me { secret } }'), variables: fc.constant({}) }),
  fc.record({ query: fc.constant('{ me { secret } users { name } }'), variables: fc.constant({}) }),
);
const steps = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      by: anyUser,
      what: queries,
      get: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), id: anyUser }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      id: fc.constantFrom(...users),
      told: fc.constantFrom('type', 'subgraph', 'time'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('outage' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(maxAge) }) },
);

async function ask(
  gateway: TestGateway,
  { by, what, get }: { by: string; what: { query: string; variables: object }; get: boolean },
) {
  const headers = { authorization: by, 'apollo-require-preflight': 'yes' };
  if (!get) return (await gateway.post(what, { headers })).json() as Json;
  const search = new URLSearchParams({ query: what.query, variables: JSON.stringify(what.variables) });
  return (await fetch(`${gateway.url}?${search.toString()}`, { headers })).json() as Json;
}

async function invalidate(gateway: TestGateway, body: object): Promise<void> {
  const response = await fetch(`${gateway.adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
}

const stores = [
  ['memory', async () => ({ store: 'memory:', stop: async () => undefined })],
  ...(redisProgram === undefined
    ? []
    : [
        [
          'Redis',
          async () => {
            const server = await startRedis();
            return { store: server.url, stop: () => server.stop() };
          },
        ] as const,
      ]),
] as [string, () => Promise<{ store: string; stop: () => Promise<unknown> }>][];
sayWithoutRedis();

it.each(stores)(
  'a store never changes an answer: %s',
  async (_, open) => {
    const { store, stop } = await open();
    let number = 0;
    const start = (cache: object) =>
      startTestGateway({
        supergraph: sourceOf(supergraphSdl),
        admin: { port: 0, token },
        retries: { max: 0 },
        breaker: { enabled: false },
        cache,
      });
    const kept = await start({ store, timeout: '2s', entities: { enabled: false } });
    const plain = await start({ responses: { enabled: false }, entities: { enabled: false } });
    let hits = 0;
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (sequence) => {
          for (const id of users)
            world.set(id, { name: `${id}-${number++}`, secret: `${id}-secret-${number++}` });
          await invalidate(kept, { subgraphs: ['accounts'] });
          for (const step of sequence) {
            switch (step.kind) {
              case 'ask': {
                const expected = await ask(plain, step);
                const requests = subgraph.requests.length;
                const got = await Promise.all([ask(kept, step), ask(kept, step), ask(kept, step)]);
                if (subgraph.requests.length === requests) hits++;
                for (const each of got) expect(each).toEqual(expected);
                break;
              }
              case 'rename': {
                // What a mutation returns is dropped by itself.
                const query =
                  'mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { id name } }';
                await kept.query(query, { id: step.id, name: `${step.id}-${number++}` });
                break;
              }
              case 'change':
                world.set(step.id, {
                  name: `${step.id}-${number++}`,
                  secret: `${step.id}-secret-${number++}`,
                });
                if (step.told === 'type') await invalidate(kept, { types: ['User', 'Me'] });
                if (step.told === 'subgraph') await invalidate(kept, { subgraphs: ['accounts'] });
                if (step.told === 'time') clockOffset += (maxAge + 1) * 1000;
                break;
              case 'outage': {
                isDown = !isDown;
                subgraph.answer = isDown ? (_, response) => response.writeHead(500).end('no') : undefined;
                // What is fresh needs no subgraph: only what is not kept fails.
                await invalidate(kept, { subgraphs: ['accounts'] });
                const what = { by: 'a', what: { query: '{ users { name } }', variables: {} }, get: false };
                expect(await ask(kept, what)).toEqual(await ask(plain, what));
                isDown = false;
                subgraph.answer = undefined;
                break;
              }
              case 'wait':
                clockOffset += step.seconds * 1000;
                break;
            }
          }
        }),
        { seed: Number(process.env['WEIR_SEED'] ?? 1), numRuns: Number(process.env['WEIR_ROUNDS'] ?? 25) },
      );
      expect(hits).toBeGreaterThan(10);
    } finally {
      await Promise.all([kept.stop(), plain.stop()]);
      await stop();
    }
  },
  300_000,
);
