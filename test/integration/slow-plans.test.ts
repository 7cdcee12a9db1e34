/** What becomes of many operations at once that take long to plan, and of those that do not. */
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

/** A busy machine must not decide what comes of slow operations. */
jest.mock('../../gateway/planning/thread-time', () => ({
  systemThread: () => 1,
  processorTimeOf: () => performance.now() * share,
}));
let share = 1;

let subgraphs: TestSubgraph[];
let gateway: TestGateway;

/** `friend` can be asked of either subgraph, at every level: the ways double with each. */
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

async function start(timeout: string): Promise<void> {
  gateway = await startTestGateway({
    supergraph: sourceOf(compose(subgraphs)),
    trustedProxies: ['127.0.0.1'],
    // The bounds of the planner itself, which usually fire first, out of the way.
    planning: { paths: 1_000_000, plans: 1_000_000, timeout },
  });
}

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
const many = (count: number, of: (i: number) => Promise<Answered>): Promise<Answered[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => of(i)));

it('refuses of 50 slow operations of one address those that would wait too long, and answers other addresses', async () => {
  share = 1;
  await start('5s');
  const others = await many(5, (i) => ask(friends(1, `a${i}`), '192.0.2.1'));
  expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const bombs = many(50, (i) => ask(friends(16, `bomb${i}`), '192.0.2.2'));
  const other = ask(friends(1, 'other'), '192.0.2.3');
  expect(await other).toMatchObject({ status: 200 });
  const limited = (await bombs).filter(({ code }) => code === 'REQUEST_CONCURRENCY_LIMITED');
  expect(limited.length).toBeGreaterThan(40);
  for (const { status, retryAfter } of limited) expect([status, retryAfter]).toEqual([503, '1']);
  // From the first moment at which anybody can know it, for those that have no turn in time even if each gets 200 ms.
  const soon = limited.filter(({ took }) => took < 150);
  if (process.env['WEIR_QUIET'] === '1') expect(soon.length).toBeGreaterThan(20);
  // Now it is known, for each that comes.
  const again = await many(20, (i) => ask(friends(16, `again${i}`), '192.0.2.2'));
  const refused = again.filter(({ code }) => code === 'REQUEST_CONCURRENCY_LIMITED');
  expect(refused.length).toBeGreaterThan(15);
});

it('answers all of 200 ordinary operations that one address sends to a gateway that has just started', async () => {
  // What a plan takes that has a processor is not known; that it has none most of the time must do no harm.
  share = 0.5;
  await start('25s');
  const answers = await many(200, (i) => ask(friends(2, `a${i}`), '192.0.2.1'));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
});
