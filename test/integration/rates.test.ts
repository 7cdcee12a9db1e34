import { createHash } from 'node:crypto';
import { waysIn } from '../support/ways-in';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const keys = waysIn.map((_, i) => `key-${i}`);

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: {
      anonymous: true,
      apiKeys: [...keys, 'page', 'other', 'batch', 'cached'].map((key) => ({
        client: key,
        sha256: sha256(key),
      })),
    },
    limits: { batch: 10 },
    cors: { origins: ['https://shop.example'] },
    rates: [
      { name: 'plan', per: 'client', limit: 4, window: 'month' },
      { name: 'strangers', per: 'address', limit: 3, window: 'day', mode: 'none' },
    ],
  });
});
afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const codeOf = (body: Json): string =>
  (Array.isArray(body) ? body[0] : body).errors?.[0].extensions.code ?? 'data';

it.each(waysIn.map((way, i) => [way.name, way, keys[i]!] as const))(
  'holds a client to its plan by %s, the first time and when the operation is known',
  async (name, way, key) => {
    const operations = name === 'a batch' ? 2 : 1;
    for (let used = operations; used <= 4 + operations; used += operations) {
      const request = way.request(gateway.url, { query: `{ me { id } } # ${name}` });
      request.headers.set('x-api-key', key);
      const response = await fetch(request);
      const isLimited = used > 4;
      expect(response.headers.get('ratelimit-policy')).toMatch(/^"plan";q=4;w=\d+$/);
      if (operations === 1)
        expect(response.headers.get('ratelimit')).toMatch(
          new RegExp(`^"plan";r=${Math.max(0, 4 - used)};t=\\d+$`),
        );
      expect(codeOf(await response.json())).toBe(isLimited ? 'RATE_LIMITED' : 'data');
      expect(response.status).toBe(isLimited ? 429 : 200);
      expect(response.headers.has('retry-after')).toBe(isLimited);
    }
  },
);

it('counts each operation of a batch', async () => {
  const post = (count: number) =>
    gateway.post(
      Array.from({ length: count }, () => ({ query: '{ me { id } }' })),
      { headers: { 'x-api-key': 'batch' } },
    );
  expect((await post(5)).status).toBe(429);
  expect((await post(3)).status).toBe(200);
  expect((await post(1)).status).toBe(429);
});

it('lets pages of other origins read what is left, also when it refuses', async () => {
  const headers = { 'x-api-key': 'page', origin: 'https://shop.example' };
  for (let i = 0; i < 5; i++) {
    const response = await gateway.post({ query: '{ me { name } }' }, { headers });
    expect(response.status).toBe(i < 4 ? 200 : 429);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(response.headers.get('access-control-expose-headers')).toContain('ratelimit');
    expect(response.headers.has('ratelimit')).toBe(true);
  }
  // Others are served.
  const other = await gateway.post({ query: '{ me { name } }' }, { headers: { 'x-api-key': 'other' } });
  expect(other.status).toBe(200);
});

it('counts for the address who guesses keys, and tells a stranger no more than that', async () => {
  const guess = (key: string) => gateway.post({ query: '{ me { id } }' }, { headers: { 'x-api-key': key } });
  for (let i = 0; i < 3; i++) expect((await guess(`guess-${i}`)).status).toBe(401);
  expect((await guess('guess-4')).status).toBe(429);
  expect((await gateway.post({ query: '{ me { id } }' })).status).toBe(429);
});

it('counts an answer from the cache as a request', async () => {
  const cached = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    cache: { responses: { operations: { Me: { maxAge: '1h', scope: 'public' } } } },
    rates: [{ name: 'all', per: 'everybody', limit: 5, window: 'day' }],
  });
  try {
    const statuses: number[] = [];
    const results: string[] = [];
    for (let i = 0; i < 6; i++) {
      const response = await cached.post({ query: 'query Me { me { id } }' });
      statuses.push(response.status);
      results.push(response.headers.get('x-cache') ?? '');
      if (i < 5) expect(response.headers.get('ratelimit')).toMatch(new RegExp(`^"all";r=${4 - i};`));
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect(results.slice(1, 5).every((result) => result === 'HIT')).toBe(true);
  } finally {
    await cached.stop();
  }
});

describe('a rate of cost', () => {
  /** Costs 3: a user and what is assumed of a list. */
  const query = (name: string) => `query ($id: ID!) { user(id: $id) { reviews { id } } } # ${name}`;
  let priced: TestGateway;

  beforeAll(async () => {
    priced = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { apiKeys: keys.map((key) => ({ client: key, sha256: sha256(key) })) },
      limits: { batch: 10, assumedListSize: 2 },
      rates: [{ name: 'cost', per: 'client', limit: 10, count: 'cost', window: 'month' }],
    });
  });
  afterAll(() => priced.stop());

  it.each(waysIn.map((way, i) => [way.name, way, keys[i]!] as const))(
    'is used up by what operations cost, by %s, the first time and when the operation is known',
    async (name, way, key) => {
      const codes: string[] = [];
      let calls = 0;
      for (let i = 0; i < 5; i++) {
        calls = graph.accounts.requests.length;
        const request = way.request(priced.url, { query: query(name), variables: { id: `u${i % 2}` } });
        request.headers.set('x-api-key', key);
        const response = await fetch(request);
        const body: Json = await response.json();
        const answer = Array.isArray(body) ? body[1] : body;
        codes.push(codeOf(answer));
        const isLimited = codes.at(-1) !== 'data';
        if (!Array.isArray(body)) expect(response.status).toBe(isLimited ? 429 : 200);
        expect(response.headers.get('ratelimit-policy')).toMatch(/^"cost";q=10;qu="cost";w=\d+$/);
        const used = Math.min(9, 3 * (i + 1));
        expect(response.headers.get('ratelimit')).toMatch(new RegExp(`^"cost";r=${10 - used};`));
        if (isLimited) expect(response.headers.has('retry-after')).toBe(true);
      }
      expect(codes).toEqual(['data', 'data', 'data', 'RATE_LIMITED', 'RATE_LIMITED']);
      expect(graph.accounts.requests.length).toBe(calls);
    },
  );

  it('is used up by answers from the cache, too, whoever had them put there', async () => {
    const cached = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { apiKeys: ['free', 'priced'].map((key) => ({ client: key, sha256: sha256(key) })) },
      limits: { assumedListSize: 2 },
      cache: { responses: { operations: { Me: { maxAge: '1h', scope: 'public' } } } },
      rates: [{ name: 'cost', per: 'client', client: 'priced', limit: 10, count: 'cost', window: 'month' }],
    });
    const ask = async (key: string) => {
      const response = await cached.post(
        { query: 'query Me { me { id reviews { id } } }' },
        { headers: { 'x-api-key': key } },
      );
      await response.text();
      return [response.status, response.headers.get('x-cache')];
    };
    try {
      for (let i = 0; i < 3; i++) expect((await ask('free'))[0]).toBe(200);
      const answers = [];
      for (let i = 0; i < 5; i++) answers.push(await ask('priced'));
      expect(answers).toEqual([
        [200, 'HIT'],
        [200, 'HIT'],
        [200, 'HIT'],
        [429, null],
        [429, null],
      ]);
      expect(await ask('free')).toEqual([200, 'HIT']);
    } finally {
      await cached.stop();
    }
  });
});

it('tells caches beside what is left that an answer depends on the page, whatever way it took', async () => {
  graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
  const query = 'query ($shown: Boolean!) { me { name @include(if: $shown) id } }';
  const told: (string | null)[][] = [];
  for (const shown of [true, true, true, false]) {
    const { headers } = await gateway.post(
      { query, variables: { shown } },
      { headers: { 'x-api-key': 'cached', origin: 'https://elsewhere.example' } },
    );
    told.push(['x-cache', 'vary', 'ratelimit'].map((name) => headers.get(name)?.split(';')[0] ?? null));
  }
  expect(told).toEqual(
    ['MISS', 'HIT', 'HIT', 'MISS'].map((cache) => [cache, 'Origin, accept, accept-encoding', '"plan"']),
  );
});
