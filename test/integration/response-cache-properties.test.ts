import fc from 'fast-check';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { redisProgram, sayWithoutRedis, startRedis } from '../support/redis-server';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { amountOf, timeFor } from '../support/amounts';

const rounds = amountOf('WEIR_ROUNDS', 5, 25);
const token = 'a-token-of-the-tests';
const maxAge = 60;
/** Each value that anybody can be told, by who it belongs to; `secret` is told to its owner alone. */
const world = new Map<string, { name: string; secret: string }>();
/** Those who are always there, and of whom there is a list; and those who come and go, and are in none. */
const users = ['a', 'b', 'c'];
const comers = ['d', 'e'];
let subgraph: TestSubgraph;
let profiles: TestSubgraph;
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
      type Query {
        user(id: ID!): User  users: [User!]!  me: Me
        comers: [User]  team: Team  anybody(id: ID!): Someone  reference: User
      }
      type Mutation { rename(id: ID!, name: String!): User  create(id: ID!, name: String!): User }
      type User @key(fields: "id") { id: ID!  name: String! }
      type Robot { name: String! }
      type Team { lead: User }
      union Someone = User | Robot
      type Me { secret: String! }
    `,
    resolvers: {
      Query: {
        user: (_: unknown, { id }: Json) => userOf(id) || null,
        users: () => users.map(userOf),
        comers: () => comers.map((id) => userOf(id) || null),
        team: () => (world.has(comers[0]!) ? { lead: userOf(comers[0]!) } : null),
        anybody: (_: unknown, { id }: Json) => userOf(id) || null,
        // Of somebody who need not be there.
        reference: () => ({ id: comers[1], name: 'unknown' }),
        me: (_: unknown, __: unknown, { authorization }: Json) =>
          (users.includes(authorization) && userOf(authorization)) || null,
      },
      Someone: { __resolveType: () => 'User' },
      Mutation: {
        create: (_: unknown, { id, name }: Json) => {
          world.set(id, { name, secret: name });
          return userOf(id);
        },
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
  profiles = await startSubgraph({
    name: 'profiles',
    typeDefs: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
      type Query { profiles: Int }
      type User @key(fields: "id") { id: ID!  motto: String }
    `,
    resolvers: {
      User: {
        __resolveReference: ({ id }: Json) =>
          world.has(id) ? { id, motto: `I am ${world.get(id)!.name}` } : null,
      },
    },
  });
  profiles.headers = { 'cache-control': `public, max-age=${maxAge}` };
  supergraphSdl = compose([subgraph, profiles]);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await Promise.all([subgraph.close(), profiles.close()]);
});

const anyUser = fc.constantFrom(...users, ...comers, 'nobody');
const selection = fc.constantFrom('id', 'name', 'id name', 'name id', 'alias: name', 'id motto', 'motto');
const queries = fc.oneof(
  fc.record({ query: selection.map((of) => `{ users { ${of} } }`), variables: fc.constant({}) }),
  fc.record({
    query: selection.map((of) => `query ($id: ID!) { user(id: $id) { ${of} } }`),
    variables: fc.record({ id: anyUser }),
  }),
  fc.record({
    query: selection.map((of) => `query ($id: ID!) { anybody(id: $id) { ... on User { ${of} } } }`),
    variables: fc.record({ id: anyUser }),
  }),
  fc.record({
    query: fc
      .tuple(selection, fc.constantFrom('comers { ? }', 'team { lead { ? } }', 'reference { motto }'))
      .map(([of, field]) => `{ ${field.replace('?', of)} }`),
    variables: fc.constant({}),
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
  // Something that was asked for before, and may have changed.
  { weight: 15, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), id: anyUser }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('come or go' as const),
      id: fc.constantFrom(...comers),
      told: fc.constantFrom('entity', 'type', 'mutation'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      id: fc.constantFrom(...users),
      told: fc.constantFrom('entity', 'type', 'subgraph', 'time'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('outage' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(maxAge) }) },
);

interface Question {
  readonly by: string;
  readonly what: { readonly query: string; readonly variables: object };
  readonly get: boolean;
}

async function ask(gateway: TestGateway, { by, what, get }: Question) {
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
  ['memory', false, async () => ({ store: 'memory:', stop: async () => undefined })],
  ['memory, of entities too', true, async () => ({ store: 'memory:', stop: async () => undefined })],
  ...(redisProgram === undefined
    ? []
    : [
        [
          'Redis',
          false,
          async () => {
            const server = await startRedis();
            return { store: server.url, stop: () => server.stop() };
          },
        ] as const,
      ]),
] as [string, boolean, () => Promise<{ store: string; stop: () => Promise<unknown> }>][];
sayWithoutRedis();

it.each(stores)(
  'a store never changes an answer: %s',
  async (_, ofEntities, open) => {
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
    const kept = await start({ store, timeout: '2s', entities: { enabled: ofEntities } });
    const plain = await start({ responses: { enabled: false }, entities: { enabled: false } });
    let hits = 0;
    const compare = async (question: Question): Promise<void> => {
      const expected = await ask(plain, question);
      const requests = subgraph.requests.length + profiles.requests.length;
      const got = await Promise.all([1, 2, 3].map(() => ask(kept, question)));
      if (subgraph.requests.length + profiles.requests.length === requests) hits++;
      for (const each of got) expect(each).toEqual(expected);
    };
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: 'max' }), async (sequence) => {
          for (const id of users)
            world.set(id, { name: `${id}-${number++}`, secret: `${id}-secret-${number++}` });
          for (const id of comers) world.delete(id);
          await invalidate(kept, { subgraphs: ['accounts', 'profiles'] });
          const asked: Question[] = [];
          for (const step of sequence) {
            switch (step.kind) {
              case 'ask':
                asked.unshift(step);
                await compare(step);
                break;
              case 'again':
                if (step.which < asked.length) await compare(asked[step.which]!);
                break;
              case 'rename': {
                // What a mutation returns is dropped by itself.
                const query =
                  'mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { id name } }';
                await kept.query(query, { id: step.id, name: `${step.id}-${number++}` });
                break;
              }
              case 'come or go': {
                const { id, told } = step;
                const name = `${id}-${number++}`;
                if (!world.has(id) && told === 'mutation') {
                  const query =
                    'mutation ($id: ID!, $name: String!) { create(id: $id, name: $name) { name } }';
                  await kept.query(query, { id, name });
                  break;
                }
                if (!world.delete(id)) world.set(id, { name, secret: name });
                const isType = told === 'type';
                await invalidate(
                  kept,
                  isType ? { types: ['User'] } : { entities: [{ type: 'User', key: { id } }] },
                );
                break;
              }
              case 'change': {
                const { secret } = world.get(step.id)!;
                world.set(step.id, {
                  name: `${step.id}-${number++}`,
                  secret: step.told === 'entity' ? secret : `${step.id}-secret-${number++}`,
                });
                if (step.told === 'entity')
                  await invalidate(kept, { entities: [{ type: 'User', key: { id: step.id } }] });
                if (step.told === 'type') await invalidate(kept, { types: ['User', 'Me'] });
                if (step.told === 'subgraph') await invalidate(kept, { subgraphs: ['accounts', 'profiles'] });
                if (step.told === 'time') clockOffset += (maxAge + 1) * 1000;
                break;
              }
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
        { seed: Number(process.env['WEIR_SEED'] ?? 1), numRuns: rounds },
      );
      expect(hits).toBeGreaterThan(2 * rounds);
    } finally {
      await Promise.all([kept.stop(), plain.stop()]);
      await stop();
    }
  },
  timeFor(rounds, 25),
);
