/** The limits that depend on what an operation asks for and gets, over a live gateway. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAttacked, stopAttacked } from '../support/attacked-gateway';
import { type Canary } from '../support/canary';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, type SmallGraph, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { waysIn } from '../support/ways-in';

let graph: SmallGraph;
let lists: TestSubgraph;
let friends: TestSubgraph;
let gateway: TestGateway;
let canary: Canary;

const folder = mkdtempSync(join(tmpdir(), 'weir-limits-'));
const trail = join(folder, 'trail.jsonl');
const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"';

beforeAll(async () => {
  const friendly = `${link}])
    type User @key(fields: "id") { id: ID!  friend: User @shareable }`;
  lists = await startSubgraph({
    name: 'lists',
    typeDefs: `${link}, "@listSize"])
      type Query {
        sized(count: Int, first: Int): [Item] @listSize(slicingArguments: ["count", "first"], requireOneSlicingArgument: false)
        plain(first: Int, last: Int, limit: Int): [Item]
        text(size: Int): String
      }
      type Item { id: ID! }
      type User @key(fields: "id") { id: ID!  friend: User @shareable }`,
    resolvers: {
      Query: {
        sized: () => [{ id: '1' }],
        plain: () => [{ id: '1' }],
        text: (_: unknown, { size }: Json) => 'x'.repeat(size),
      },
      User: { friend: ({ id }: Json) => ({ id }), __resolveReference: ({ id }: Json) => ({ id }) },
    },
  });
  friends = await startSubgraph({
    name: 'friends',
    typeDefs: friendly,
    resolvers: {
      User: { friend: ({ id }: Json) => ({ id }), __resolveReference: ({ id }: Json) => ({ id }) },
    },
  });
  ({ graph, gateway, canary } = await startAttacked(
    {
      limits: {
        batch: 5,
        response: '64KiB',
        listSize: 100,
        calls: 2,
        selections: 1_000_000,
        cost: 1_000_000,
      },
      // Registered operations are kept there, too.
      cache: { memory: '16MiB' },
      trustedProxies: ['127.0.0.1', '10.0.0.0/8'],
      audit: { trails: [{ to: trail }] },
    },
    [lists, friends],
  ));
});

afterEach(() => canary.expectUnharmed(), 60_000);

afterAll(async () => {
  await stopAttacked({ graph, gateway, canary }, [lists, friends]);
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly body: Json;
}

async function ask(request: Request): Promise<Answer> {
  const response = await fetch(request);
  const answer: Json = await response.json();
  // A batch is 200 as a whole; the second of it is what was asked for.
  return Array.isArray(answer) && answer.length === 2
    ? { status: answer[1].data === undefined ? 400 : 200, body: answer[1] }
    : { status: response.status, body: Array.isArray(answer) ? answer[0] : answer };
}

/** Queries, and the field whose list is as long as their variable says. */
const tooLong = [
  ['query ($n: Int) { sized(count: $n) { id } }', 'Query.sized'],
  ['query ($n: Int) { sized(first: $n) { id } }', 'Query.sized'],
  ['query ($n: Int) { plain(first: $n) { id } }', 'Query.plain'],
  ['query ($n: Int) { a: plain(last: $n) { id } }', 'Query.plain'],
  ['query ($n: Int) { ...F } fragment F on Query { plain(limit: $n) { id } }', 'Query.plain'],
] as const;

describe.each(waysIn)('by $name', ({ request }) => {
  it('an answer over the size is replaced by RESPONSE_TOO_LARGE, one below it is not', async () => {
    const query = 'query ($size: Int) { text(size: $size) }';
    // Known from the second time on, which is another way.
    for (let i = 0; i < 3; i++) {
      const small = await ask(request(gateway.url, { query, variables: { size: 60_000 } }));
      expect([small.status, small.body.data.text.length]).toEqual([200, 60_000]);
      const { status, body } = await ask(request(gateway.url, { query, variables: { size: 70_000 } }));
      expect([status, body]).toEqual([
        400,
        {
          errors: [
            {
              message: 'The answer is larger than 65536 bytes.',
              extensions: { code: 'RESPONSE_TOO_LARGE' },
            },
          ],
        },
      ]);
    }
  });

  it('a list that is too long is MAX_LIST_SIZE_LIMIT, whichever argument says it', async () => {
    for (const [query, field] of tooLong) {
      for (let i = 0; i < 3; i++) {
        const before = lists.requests.length;
        const { status, body } = await ask(request(gateway.url, { query, variables: { n: 101 } }));
        expect([status, body.errors[0]]).toMatchObject([
          400,
          {
            message: `${field} is asked for 101 items; at most 100 are allowed.`,
            extensions: { code: 'MAX_LIST_SIZE_LIMIT' },
          },
        ]);
        expect(lists.requests.length).toBe(before);
        expect((await ask(request(gateway.url, { query, variables: { n: 100 } }))).status).toBe(200);
        const literal = query.replace('query ($n: Int)', '').replace('$n', '2147483647');
        expect((await ask(request(gateway.url, { query: literal }))).body.errors[0].extensions.code).toBe(
          'MAX_LIST_SIZE_LIMIT',
        );
      }
    }
  });

  it('fields that take more subgraph calls than allowed are null with MAX_SUBGRAPH_CALLS_LIMIT', async () => {
    const levels = 3;
    const query = `{ user(id: "u1") { name ${'reviews { author { name '.repeat(levels)}${'} } '.repeat(levels)} } }`;
    for (let i = 0; i < 2; i++) {
      const before = graph.accounts.requests.length;
      const { status, body } = await ask(request(gateway.url, { query }));
      expect([status, body.data.user.name]).toEqual([200, 'Ada']);
      expect(body.errors[0]).toMatchObject({ extensions: { code: 'MAX_SUBGRAPH_CALLS_LIMIT' } });
      expect(graph.accounts.requests.length).toBeGreaterThan(before);
    }
  });
});

describe('trusted proxies', () => {
  const addressOf = async (headers: Record<string, string>): Promise<string> => {
    const query = 'mutation ($id: ID!) { rename(id: $id, name: "x") { id } }';
    const sent = await gateway.post({ query, variables: { id: 'u66' } }, { headers });
    await sent.text();
    const id = sent.headers.get('x-request-id');
    for (;;) {
      const lines = readFileSync(trail, 'utf8').trimEnd().split('\n').filter(Boolean);
      const line = lines.map((each): Json => JSON.parse(each)).find(({ requestId }) => requestId === id);
      if (line) return line.address;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it.each([
    ['nothing', {}, /127\.0\.0\.1$/],
    ['one client', { 'x-forwarded-for': '203.0.113.7' }, /^203\.0\.113\.7$/],
    [
      'what a client made up before its own',
      { 'x-forwarded-for': '1.2.3.4, 203.0.113.7' },
      /^203\.0\.113\.7$/,
    ],
    [
      'a client behind another proxy of ours',
      { 'x-forwarded-for': '203.0.113.7, 10.1.2.3' },
      /^203\.0\.113\.7$/,
    ],
    [
      'a client behind a proxy of somebody',
      { 'x-forwarded-for': '203.0.113.7, 192.0.2.1' },
      /^192\.0\.2\.1$/,
    ],
    ['another header', { forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7' }, /127\.0\.0\.1$/],
  ])('that say %s are believed as far as they are ours', async (_, headers, address) => {
    expect(await addressOf(headers)).toMatch(address);
  });
});

/** Fragments that unfold to four times as many selections with each. */
const bombOf = (fragments: number): string =>
  Array.from({ length: fragments }, (_, i) => {
    const below = i + 1 === fragments ? 'id' : `...F${i + 1}`;
    return `fragment F${i} on User { ${['a', 'b', 'c', 'd'].map((name) => `${name}: friend { ${below} }`).join(' ')} }`;
  }).join(' ') + ' { me { ...F0 } }';

describe('a document that unfolds to more than anybody could plan', () => {
  const bomb = bombOf(8);

  it('is refused on every way in, and costs nobody else anything', async () => {
    for (const [i, { request }] of waysIn.entries()) {
      const { status, body } = await ask(request(gateway.url, { query: bomb }));
      expect([status, body.errors[0].extensions.code]).toEqual([400, 'QUERY_TOO_COMPLEX']);
      expect(body).not.toHaveProperty('data');
      expect((await gateway.query(`{ me { name } } #${i}`)).data.me.name).toBe('Ada');
    }
  });
});

it('an operation that is being planned takes no place of others', async () => {
  const own = await startTestGateway({
    supergraph: sourceOf(compose([graph.accounts, graph.reviews, lists, friends])),
    planning: { steps: 1_000_000 },
    limits: { selections: 1_000_000, cost: 1_000_000 },
    overload: { requests: 1, queue: 0, wait: '1ms' },
  });
  try {
    let isPlanned = false;
    const leaving = new AbortController();
    const planning = own
      .post({ query: bombOf(6) }, { signal: leaving.signal })
      .catch(() => undefined)
      .finally(() => (isPlanned = true));
    // Until it waits for its plan it is worked on.
    while ((await own.post({ query: '{ me { name } }' })).status !== 200);
    expect(isPlanned).toBe(false);
    leaving.abort();
    await planning;
    while ((await own.inFlight()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await own.post({ query: '{ me { id } }' })).status).toBe(200);
  } finally {
    await own.stop();
  }
});

it('registrations of persisted queries are bounded in bytes, however many', async () => {
  const send = async (query: string | undefined, text = query!): Promise<string> => {
    const sha256Hash = createHash('sha256').update(text).digest('hex');
    const response = await gateway.post({
      query,
      extensions: { persistedQuery: { version: 1, sha256Hash } },
    });
    const body: Json = await response.json();
    return body.errors?.[0].extensions.code ?? body.data.__typename;
  };
  const textOf = (i: number, size: number): string => `{ __typename } #${i} ${'x'.repeat(size)}`;
  const isKnown = async (i: number, size: number): Promise<boolean> =>
    (await send(undefined, textOf(i, size))) === 'Query';

  for (let i = 0; i < 200; i++) expect(await send(textOf(i, 100))).toBe('Query');
  expect(await isKnown(0, 100)).toBe(true);
  // Fewer than the small ones, but over 40 MB in memory.
  for (let i = 0; i < 25; i++) expect(await send(textOf(i, 900_000))).toBe('Query');
  expect([await isKnown(24, 900_000), await isKnown(0, 900_000), await isKnown(1, 100)]).toEqual([
    true,
    false,
    false,
  ]);
});
