/** What becomes of many operations at once that take long to plan, and of those that do not. */
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let subgraphs: TestSubgraph[];
let gateway: TestGateway;

beforeAll(async () => {
  const link =
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';
  const user = 'type User @key(fields: "id") { id: ID! friend: User @shareable }';
  const me = { id: '1', friend: { id: '2', friend: { id: '3' } } };
  const User = { __resolveReference: () => me };
  subgraphs = await Promise.all([
    startSubgraph({
      name: 'a',
      typeDefs: `${link} type Query { me: User } ${user}`,
      resolvers: { Query: { me: () => me }, User },
    }),
    startSubgraph({ name: 'b', typeDefs: `${link} ${user}`, resolvers: { User } }),
  ]);
});

beforeEach(async () => {
  gateway = await startTestGateway({
    supergraph: sourceOf(compose(subgraphs)),
    trustedProxies: ['127.0.0.1'],
    planning: { steps: 1_000 },
    limits: { aliases: 1_000, rootFields: 1_000 },
  });
});

afterEach(() => gateway.stop());
afterAll(() => Promise.all(subgraphs.map((subgraph) => subgraph.close())));

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
  readonly took: number;
}

async function ask(query: string, address: string): Promise<Answered> {
  const start = performance.now();
  const response = await gateway.post({ query }, { headers: { 'x-forwarded-for': address } });
  const { errors } = (await response.json()) as {
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
  return {
    status: response.status,
    code: errors?.[0]?.extensions.code,
    retryAfter: response.headers.get('retry-after'),
    took: performance.now() - start,
  };
}

const friends = (depth: number, alias: string): string =>
  `{${alias}:me${'{friend'.repeat(depth)}{id}${'}'.repeat(depth)}}`;

/** 400 fields, of which each takes some steps. */
const bomb = (alias: string): string =>
  `{ ${Array.from({ length: 200 }, (_, i) => `${alias}${i}: me { id }`).join(' ')} }`;

const many = (count: number, of: (i: number) => Promise<Answered>): Promise<Answered[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => of(i)));

it('refuses operations of one address that take too many steps, and answers those of others', async () => {
  const bombs = many(20, (i) => ask(bomb(`bomb${i}`), '192.0.2.2'));
  for (let i = 0; i < 5; i++)
    expect(await ask(friends(1, `other${i}`), '192.0.2.3')).toMatchObject({ status: 200 });
  for (const { code, status } of await bombs) expect([status, code]).toEqual([400, 'QUERY_TOO_COMPLEX']);
  // It is known.
  const again = await ask(bomb('bomb0'), '192.0.2.2');
  expect([again.status, again.code]).toEqual([400, 'QUERY_TOO_COMPLEX']);
});

it('answers all of 200 ordinary operations that one address sends to a gateway that has just started', async () => {
  const answers = await many(200, (i) => ask(friends(2, `a${i}`), '192.0.2.1'));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
});
