/** Which answers are kept, for whom, and until when. Over 300 lines: all of it is asked of the same small graph. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestGateway, sourceOf, type Json, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
const gateways: TestGateway[] = [];
const token = 'a-token-of-the-tests';

beforeAll(async () => {
  graph = await startSmallGraph();
});
beforeEach(() => {
  for (const subgraph of [graph.accounts, graph.reviews]) {
    subgraph.answer = undefined;
    subgraph.headers = { 'cache-control': 'public, max-age=60' };
    subgraph.requests.length = 0;
  }
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});
afterAll(() => graph.close());

async function start(cache: Json = {}, more: Json = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    admin: { port: 0, token },
    cache,
    ...more,
  });
  gateways.push(gateway);
  return gateway;
}

interface Sent {
  readonly query?: string;
  readonly variables?: Json;
  readonly as?: string;
  readonly headers?: Record<string, string>;
  readonly get?: boolean;
}

const me = '{ me { name } }';

async function send(
  gateway: TestGateway,
  { query = me, variables, as, headers = {}, get = false }: Sent = {},
) {
  const all = {
    ...headers,
    ...(as !== undefined && { authorization: as }),
    'apollo-require-preflight': 'yes',
  };
  const search = new URLSearchParams({ query, ...(variables && { variables: JSON.stringify(variables) }) });
  const response = get
    ? await fetch(`${gateway.url}?${search.toString()}`, { headers: all })
    : await gateway.post({ query, variables }, { headers: all });
  const text = await response.text();
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    control: response.headers.get('cache-control'),
    age: response.headers.get('age'),
    etag: response.headers.get('etag'),
    vary: response.headers.get('vary'),
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const idOf = ({ headers }: { readonly headers: Headers }) => headers.get('x-request-id');

const calls = () => graph.accounts.requests.length + graph.reviews.requests.length;

async function invalidate(gateway: TestGateway, body: Json): Promise<number> {
  const response = await fetch(`${gateway.adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

const failing = (_: unknown, response: { writeHead(status: number): { end(body: string): void } }) =>
  response.writeHead(500).end('no');

it('has anything invalidated while there is no supergraph to know it by', async () => {
  const never = { start: async () => undefined, stop: async () => undefined };
  expect(await invalidate(await start({}, { supergraph: never }), { types: ['Usr'] })).toBe(200);
});

describe('a public answer', () => {
  it.each([false, true])('is fetched once for all clients (GET: %s)', async (get) => {
    const gateway = await start();
    const first = await send(gateway, { as: 'Bearer a', get });
    const others = [];
    for (const as of ['Bearer b', 'Bearer c', 'Bearer d']) others.push(await send(gateway, { as, get }));
    expect(first).toMatchObject({ status: 200, cache: 'MISS', control: 'public, max-age=60', age: null });
    for (const other of others) {
      expect(other).toMatchObject({ status: 200, cache: 'HIT', control: 'public, max-age=60', age: '0' });
      expect(other.body).toEqual(first.body);
      expect(other.etag).toBe(first.etag);
    }
    expect(calls()).toBe(1);
  });

  it('is another one for other variables, operations and forwarded headers', async () => {
    const gateway = await start({}, { headers: { forward: ['authorization', 'accept-language'] } });
    const user = 'query ($id: ID!) { user(id: $id) { name } }';
    const asked: Sent[] = [
      { query: user, variables: { id: 'u1' } },
      { query: user, variables: { id: 'u2' } },
      { query: '{ me { name } }' },
      { query: '{ me { id } }' },
      { query: '{ me { id } }', headers: { 'accept-language': 'de' } },
    ];
    for (let round = 0; round < 3; round++) for (const each of asked) await send(gateway, each);
    expect(calls()).toBe(asked.length);
    expect((await send(gateway, asked[4])).vary).toContain('accept-language');
  });

  it('lives as long as the shortest-lived of its parts', async () => {
    graph.reviews.headers = { 'cache-control': 'public, max-age=7' };
    const gateway = await start();
    const spanning = { query: '{ me { name reviews { rating } } }' };
    expect((await send(gateway, spanning)).control).toBe('public, max-age=7');
  });

  it('tells who has it already nothing new', async () => {
    const gateway = await start();
    const { etag } = await send(gateway, { get: true });
    for (let i = 0; i < 3; i++) {
      const again = await send(gateway, { get: true, headers: { 'if-none-match': `"x", ${etag}` } });
      expect(again).toMatchObject({ status: 304, body: undefined, etag, control: 'public, max-age=60' });
    }
    expect((await send(gateway, { get: true, headers: { 'if-none-match': '"x"' } })).status).toBe(200);
    // A condition is for reading; a POST is answered.
    expect((await send(gateway, { headers: { 'if-none-match': etag! } })).status).toBe(200);
  });

  it('is packed for those who accept that', async () => {
    const gateway = await start();
    graph.accounts.answer = (_, response) => {
      response.setHeaders(new Map(Object.entries(graph.accounts.headers)));
      response.end(JSON.stringify({ data: { me: { name: 'Ada '.repeat(1_000) } } }));
    };
    const query = me;
    const unpacked = { query, headers: { 'accept-encoding': 'identity' } };
    const plain = await send(gateway, unpacked);
    while ((await send(gateway, unpacked)).cache !== 'HIT') await sleep(5);
    // It is packed when a client first accepts it, who does not wait for that.
    for (const accepted of ['br', 'gzip']) {
      const ask = () => send(gateway, { query, headers: { 'accept-encoding': accepted } });
      expect((await ask()).headers.get('content-encoding')).toBeNull();
      while ((await ask()).headers.get('content-encoding') !== accepted) await sleep(5);
    }
    for (const [accepted, encoding] of [
      ['gzip, deflate, br', 'br'],
      ['gzip', 'gzip'],
      ['identity', null],
      ['gzip;q=0, br;q=0', null],
    ] as const) {
      const packed = await send(gateway, { query, headers: { 'accept-encoding': accepted } });
      expect([packed.cache, packed.headers.get('content-encoding')]).toEqual(['HIT', encoding]);
      expect(packed.vary).toContain('accept-encoding');
      expect(packed.body).toEqual(plain.body);
    }
  });

  it.each([
    [{ subgraphs: ['accounts'] }, 2],
    [{ operations: ['Na'] }, 2],
    [{ subgraphs: ['reviews'], operations: ['Other'] }, 1],
  ])('is dropped by %j', async (invalidation, expected) => {
    const gateway = await start();
    const query = 'query Named { me { name } }';
    for (let i = 0; i < 3; i++) await send(gateway, { query });
    expect(await invalidate(gateway, invalidation)).toBe(200);
    for (let i = 0; i < 3; i++) await send(gateway, { query });
    expect(calls()).toBe(expected);
  });

  it('is kept when what is named is not all in the supergraph', async () => {
    const gateway = await start();
    await send(gateway);
    expect(await invalidate(gateway, { types: ['User', 'Usr'] })).toBe(400);
    expect(await invalidate(gateway, { entities: [{ type: 'User', key: { ID: 'u1' } }] })).toBe(400);
    expect((await send(gateway)).cache).toBe('HIT');
  });

  it('is not served on a new supergraph', async () => {
    const source = sourceOf(graph.supergraphSdl);
    const gateway = await start({}, { supergraph: source });
    for (let i = 0; i < 3; i++) await send(gateway);
    source.report(`${graph.supergraphSdl}\n# again`);
    while (gateway.log.filter(({ msg }) => msg === 'a supergraph is live').length < 2) await sleep(5);
    expect((await send(gateway)).cache).toBe('MISS');
  });
});

describe('a private answer', () => {
  beforeEach(() => (graph.accounts.headers = { 'cache-control': 'private, max-age=60' }));

  it('is kept for each client alone', async () => {
    const gateway = await start();
    graph.accounts.answer = ({ headers }, response) => {
      response.setHeaders(new Map([['cache-control', 'private, max-age=60']]));
      response.end(JSON.stringify({ data: { me: { name: headers.authorization ?? 'nobody' } } }));
    };
    const clients = ['a', 'b', undefined];
    for (let round = 0; round < 4; round++) {
      for (const as of clients) {
        const { body, cache, control, vary } = await send(gateway, as === undefined ? {} : { as });
        expect(body.data.me.name).toBe(as ?? 'nobody');
        expect(cache).toBe(round === 0 ? 'MISS' : 'HIT');
        expect(control).toBe('private, max-age=60');
        expect(vary).toContain('authorization');
      }
    }
    expect(calls()).toBe(clients.length);
  });

  it('is not shared by those who ask at once', async () => {
    const gateway = await start();
    graph.accounts.answer = ({ headers }, response) =>
      void setTimeout(() => {
        response.setHeaders(new Map([['cache-control', 'private, max-age=60']]));
        response.end(JSON.stringify({ data: { me: { name: headers.authorization } } }));
      }, 20);
    const clients = Array.from({ length: 20 }, (_, i) => `Bearer ${i % 4}`);
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(clients.map((as) => send(gateway, { as })));
      expect(answers.map(({ body }) => body.data.me.name)).toEqual(clients);
    }
  });

  it('is not taken for public when the subgraph changes its mind', async () => {
    const gateway = await start();
    graph.accounts.headers = { 'cache-control': 'public, max-age=0, stale-while-revalidate=60' };
    await send(gateway, { as: 'a' });
    graph.accounts.answer = ({ headers }, response) =>
      void setTimeout(() => {
        response.setHeaders(new Map([['cache-control', 'private, max-age=60']]));
        response.end(JSON.stringify({ data: { me: { name: headers.authorization } } }));
      }, 20);
    await invalidate(gateway, { subgraphs: ['accounts'] });
    const clients = ['b', 'c', 'd', 'c'];
    const answers = await Promise.all(clients.map((as) => send(gateway, { as })));
    expect(answers.map(({ body }) => body.data.me.name)).toEqual(clients);
  });
});

describe('is never kept:', () => {
  it.each([
    ['no-store', 'no-store'],
    ['no-cache', 'public, no-cache, max-age=60'],
    ['what says nothing', undefined],
  ])('%s', async (_, header) => {
    graph.accounts.headers = header === undefined ? {} : { 'cache-control': header };
    const gateway = await start();
    for (let i = 0; i < 3; i++) {
      expect(await send(gateway, { as: 'a' })).toMatchObject({
        cache: null,
        control: 'no-store',
        etag: null,
      });
    }
    expect(calls()).toBe(3);
  });

  it('an answer with an error', async () => {
    graph.reviews.answer = failing;
    const gateway = await start({}, { retries: { max: 0 } });
    const spanning = { query: '{ me { name reviews { rating } } }' };
    for (let i = 0; i < 3; i++) {
      const { body, control, cache } = await send(gateway, spanning);
      expect(body.errors).toHaveLength(1);
      expect([control, cache]).toEqual(['no-store', null]);
    }
    graph.reviews.answer = undefined;
    for (let i = 0; i < 2; i++) expect((await send(gateway, spanning)).body.errors).toBeUndefined();
  });

  it('a mutation', async () => {
    const gateway = await start();
    const query = 'mutation { rename(id: "u1", name: "Ada") { name } }';
    for (let i = 0; i < 3; i++)
      expect(await send(gateway, { query })).toMatchObject({ control: 'no-store', cache: null });
    expect(calls()).toBe(3);
  });

  it('anything, when the response cache is off', async () => {
    const gateway = await start({ responses: { enabled: false } });
    for (let i = 0; i < 3; i++) expect((await send(gateway)).control).toBe('no-store');
    expect(calls()).toBe(3);
  });
});

it('says of a batch what is true for all of it: that it is not kept', async () => {
  const gateway = await start({}, { limits: { batch: 2 } });
  graph.reviews.headers = {};
  const uncached = { query: '{ latestReviews { rating } }' };
  for (let i = 0; i < 3; i++) {
    const response = await gateway.post([uncached, { query: me }]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('etag')).toBeNull();
    expect(await response.json()).toHaveLength(2);
  }
});

describe('a subgraph that reflects what correlates its calls', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const hostile = {
    'x-request-id': 'hostile-id',
    traceparent: `cc-${traceId}-b7ad6b7169203331-01-hostile-version`,
    tracestate: 'v=hostile-state',
    baggage: 'user=hostile-baggage',
  };
  const reflected = ['x-request-id', 'traceparent', 'tracestate', 'baggage'];
  const author = '{ latestReviews { author { name } } }';
  beforeEach(() => {
    graph.accounts.answer = ({ headers }, response) => {
      const name = reflected.map((each) => headers[each] ?? '-').join(' ');
      const { representations } = graph.accounts.requests.at(-1)!.body.variables ?? {};
      const userOf = ({ id }: Json) => ({ __typename: 'User', id, name });
      const data = representations
        ? { _entities: representations.map(userOf) }
        : { me: { name }, rename: { name } };
      response.setHeader('cache-control', 'public, max-age=60');
      // Others come while it is in flight.
      setTimeout(() => response.end(JSON.stringify({ data })), 20);
    };
  });

  it.each([me, author])('puts no text of one client into the answer to another: %s', async (query) => {
    const gateway = await start();
    const answers = [
      ...(await Promise.all([hostile, {}, {}].map((headers) => send(gateway, { query, headers })))),
      await send(gateway, { query }),
    ];
    expect(answers.at(-1)!.cache).toBe('HIT');
    for (const { body } of answers) expect(JSON.stringify(body)).not.toContain('hostile');
    expect(graph.accounts.requests).toHaveLength(1);
    const { headers } = graph.accounts.requests[0]!;
    expect(headers['traceparent']).toBe(`00-${traceId}-b7ad6b7169203331-01`);
    expect(headers).not.toHaveProperty('tracestate');
  });

  it('gets the state of the trace with a mutation, whose answer is for its client alone', async () => {
    const gateway = await start();
    await send(gateway, { query: 'mutation { rename(id: "u1", name: "A") { name } }', headers: hostile });
    expect(graph.accounts.requests[0]!.headers).toMatchObject({
      ...{ 'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
      ...{ traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'v=hostile-state' },
    });
  });

  it.each([me, author])(
    'gets the id of the client where it is forwarded, which is in the key: %s',
    async (query) => {
      const gateway = await start({}, { headers: { forward: ['x-request-id'] } });
      const ids = ['one', 'two'];
      const answersTo = (id: string) => send(gateway, { query, headers: { 'x-request-id': id } });
      for (const expected of [/MISS/, /HIT/]) {
        const answers = await Promise.all(ids.map(answersTo));
        answers.forEach(({ body, cache }, i) => {
          expect(JSON.stringify(body)).toContain(`"name":"${ids[i]} `);
          expect(cache).toMatch(expected);
        });
      }
      expect(graph.accounts.requests).toHaveLength(2);
    },
  );
});

describe.each<[string, Record<string, string>]>([
  ['varies with the id of the request', { vary: 'Accept, X-Request-Id' }],
  ['varies with the trace', { vary: 'traceparent' }],
  ['varies with everything', { vary: '*' }],
  ['sets a cookie', { 'set-cookie': 'session=1' }],
])('an answer that %s', (_, headers) => {
  const eager: Json[] = [
    {},
    { responses: { operations: { Named: { maxAge: '1h', scope: 'public' } } } },
    {
      subgraphs: {
        accounts: { cache: { maxAge: '1h', scope: 'public', types: { User: { maxAge: '1h' } } } },
      },
    },
  ];
  const query = 'query Named { user(id: "u1") { name } latestReviews { author { name } } }';
  const options = ({ subgraphs, ...cache }: Json) =>
    [cache, { subgraphs, errors: { maskSubgraphs: 'none' } }] as const;
  const answerWith = (more: Json) => {
    graph.accounts.answer = (request, response) => {
      const name = request.headers['x-request-id'] as string;
      const { representations } = graph.accounts.requests.at(-1)!.body.variables ?? {};
      const userOf = ({ id }: Json) => ({ __typename: 'User', id, name });
      const data = representations
        ? { _entities: representations.map(userOf) }
        : { user: userOf({ id: 'u1' }) };
      response.setHeaders(new Map(Object.entries({ 'cache-control': 'public, max-age=60', ...headers })));
      // Others come while it is in flight.
      setTimeout(() => response.end(JSON.stringify({ data, ...more })), 20);
    };
  };

  it.each(eager)('is kept for nobody, and given to nobody else who asks at once (%j)', async (given) => {
    answerWith({});
    const gateway = await start(...options(given));
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => send(gateway, { query })));
      const ids = answers.map(idOf);
      expect(answers.map(({ body: { data } }) => data.user.name)).toEqual(ids);
      const authors = answers.map(({ body: { data } }) =>
        data.latestReviews.map(({ author }: Json) => author.name),
      );
      expect(authors).toEqual(ids.map((id) => authors[0].map(() => id)));
    }
  });

  it('is given to nobody else where it is an error', async () => {
    answerWith({});
    const gateway = await start(...options({}));
    graph.accounts.answer = (request, response) => {
      const message = request.headers['x-request-id'] as string;
      response.setHeaders(new Map(Object.entries(headers)));
      setTimeout(() => response.end(JSON.stringify({ data: { user: null }, errors: [{ message }] })), 20);
    };
    const alone = '{ user(id: "u1") { name } }';
    const answers = await Promise.all([1, 2, 3].map(() => send(gateway, { query: alone })));
    expect(answers.map(({ body }) => body.errors[0].message)).toEqual(answers.map(idOf));
  });
});

describe('stale answers', () => {
  it('are served while one request fetches a newer one', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=0, stale-while-revalidate=60' };
    const gateway = await start();
    await send(gateway);
    graph.accounts.answer = (_, response) =>
      void setTimeout(() => {
        response.setHeaders(new Map([['cache-control', 'public, max-age=60']]));
        response.end(JSON.stringify({ data: { me: { name: 'new' } } }));
      }, 20);
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(gateway)));
    for (const { body, cache } of answers) {
      expect(cache).toMatch(/^(STALE|HIT)$/);
      expect(body.data.me.name).toBe(cache === 'STALE' ? 'Ada' : 'new');
    }
    while ((await send(gateway)).body.data.me.name !== 'new') await sleep(5);
    expect((await send(gateway)).cache).toBe('HIT');
    expect(calls()).toBe(2);
  });

  it('are served while a subgraph fails', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=0, stale-if-error=60' };
    const gateway = await start({}, { retries: { max: 0 } });
    await send(gateway);
    // Fails when all requests wait for it.
    const allWait = async () => {
      while ((await gateway.inFlight()) < 20) await sleep(5);
    };
    graph.accounts.answer = (...args) => void allWait().then(() => failing(...args));
    const before = calls();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(gateway)));
    for (const { body, cache } of answers) expect([cache, body.data.me.name]).toEqual(['STALE', 'Ada']);
    expect(calls() - before).toBe(1);
  });

  it('are not served in place of a failure when their period is over', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=0, stale-if-error=1' };
    const gateway = await start({}, { retries: { max: 0 } });
    await send(gateway);
    graph.accounts.answer = failing;
    await sleep(1_050);
    const { body, control } = await send(gateway);
    expect(body.errors[0].extensions.code).toBe('SUBREQUEST_HTTP_ERROR');
    expect(control).toBe('no-store');
  });

  it('are not served in place of an error of the application', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=0, stale-if-error=60' };
    const gateway = await start();
    await send(gateway);
    graph.accounts.answer = (_, response) =>
      response.end('{"data":{"me":null},"errors":[{"message":"No.","extensions":{"code":"FORBIDDEN"}}]}');
    expect((await send(gateway)).body.errors[0].message).toBe('No.');
  });
});

it('answers a stampede on a cold key by one execution', async () => {
  const gateway = await start();
  await gateway.query('{ me { id } }');
  graph.accounts.requests.length = 0;
  const answers = await Promise.all(Array.from({ length: 300 }, () => send(gateway)));
  for (const { body } of answers) expect(body).toEqual({ data: { me: { name: 'Ada' } } });
  expect(calls()).toBe(1);
});

describe('options', () => {
  it('give an operation a life of its own', async () => {
    graph.accounts.headers = {};
    const gateway = await start({ responses: { operations: { Named: { maxAge: '5s', scope: 'public' } } } });
    const query = 'query Named { me { name } }';
    for (let i = 0; i < 3; i++) expect((await send(gateway, { query })).control).toBe('public, max-age=5');
    expect(calls()).toBe(1);
  });

  it('limit what holds a type', async () => {
    const gateway = await start({
      responses: { types: { User: { maxAge: '5s' }, Review: { scope: 'private' } } },
    });
    expect((await send(gateway)).control).toBe('public, max-age=5');
    const { control } = await send(gateway, { query: '{ latestReviews { rating } }' });
    expect(control).toBe('private, max-age=60');
  });

  it('give responses a life that say nothing', async () => {
    graph.accounts.headers = {};
    const gateway = await start(
      {},
      { subgraphs: { accounts: { cache: { maxAge: '9s', scope: 'public', staleIfError: '3s' } } } },
    );
    expect((await send(gateway)).control).toBe('public, max-age=9, stale-if-error=3');
  });

  it('let clients say what they want of caches', async () => {
    const gateway = await start({ responses: { clientDirectives: true } });
    const ask = async (control: string) => {
      const { status, cache } = await send(gateway, { headers: { 'cache-control': control } });
      return `${status} ${cache}`;
    };
    expect(await ask('only-if-cached')).toBe('504 null');
    expect(await ask('no-store')).toBe('200 null');
    expect(await ask('only-if-cached')).toBe('504 null');
    expect(await ask('max-age=60')).toBe('200 MISS');
    expect(await ask('only-if-cached')).toBe('200 HIT');
    expect(await ask('no-cache')).toBe('200 MISS');
    expect(await ask('min-fresh=61')).toBe('200 MISS');
    expect(await ask('min-fresh=50')).toBe('200 HIT');
    const deaf = await start();
    await send(deaf);
    expect((await send(deaf, { headers: { 'cache-control': 'no-cache' } })).cache).toBe('HIT');
  });

  it('tell a CDN how long to keep public answers, and what they are made of', async () => {
    const gateway = await start({ cdn: { enabled: true } });
    const query = 'query Named { me { name } }';
    for (let i = 0; i < 3; i++) {
      const { control, headers } = await send(gateway, { query, get: true });
      expect(control).toBe('public, max-age=0, s-maxage=60');
      expect(headers.get('surrogate-key')!.split(' ')).toEqual(
        expect.arrayContaining(['operation:Named', 'subgraph:accounts']),
      );
      expect(headers.get('cache-tag')).toBe(headers.get('surrogate-key')!.replaceAll(' ', ','));
    }
    graph.accounts.headers = { 'cache-control': 'private, max-age=60' };
    const { control, headers } = await send(gateway, { query: '{ me { id } }' });
    expect([control, headers.get('surrogate-key')]).toEqual(['private, max-age=60', null]);
  });

  it('show in development what the cache did', async () => {
    const gateway = await start({}, { mode: 'development' });
    await send(gateway);
    const { body, cache, etag } = await send(gateway);
    expect(body.extensions.weir.cache).toMatchObject({ result: 'HIT', age: 0, scope: 'public', maxAge: 60 });
    expect(body.extensions.weir.calls).toMatchObject({ sent: 0 });
    // Its body is not the one that is kept.
    expect([cache, etag]).toEqual(['HIT', null]);
  });
});

it('lets nothing be read by GET that a foreign page could have asked for', async () => {
  const gateway = await start();
  const url = `${gateway.url}?${new URLSearchParams({ query: me }).toString()}`;
  const headers = { 'apollo-require-preflight': 'yes' };
  for (let i = 0; i < 3; i++) expect((await fetch(url, { headers })).status).toBe(200);
  expect((await fetch(url)).status).toBe(400);
  expect((await fetch(url, { headers: { 'content-type': 'text/plain' } })).status).toBe(400);
  expect((await fetch(url, { headers: { 'content-type': 'application/json' } })).status).toBe(200);
});

it('counts what it did', async () => {
  const gateway = await start();
  for (let i = 0; i < 4; i++) await send(gateway);
  await send(gateway, { query: 'mutation { rename(id: "u1", name: "Ada") { name } }' });
  const answer = await fetch(`${gateway.adminUrl}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const metrics = await answer.text();
  expect(metrics).toContain('weir_response_cache_requests_total{result="hit"} 3');
  expect(metrics).toContain('weir_response_cache_requests_total{result="miss"} 1');
});
