/**
 * Response headers of subgraphs that clients get by rule. An answer with one is for its client alone. Over 300 lines: each
 * cache and each way to share a call that such an answer must not get into.
 */
import { readFileSync } from 'node:fs';
import { request as sendHttp } from 'node:http';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { GatewayOptions, Interceptor } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let products: TestSubgraph;
let reviews: TestSubgraph;
let gateway: TestGateway | undefined;

const publicly = { 'cache-control': 'public, max-age=600' };

beforeAll(async () => {
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
  products = await startSubgraph({
    name: 'products',
    typeDefs: `${link} type Query { product: Product } type Product @key(fields: "upc") { upc: ID!  name: String }`,
    resolvers: { Query: { product: () => ({ upc: '1', name: 'Table' }) } },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `${link}
      type Query { best: String  failing: String }
      type Mutation { write: String }
      type Product @key(fields: "upc") { upc: ID!  rating: Int }`,
    resolvers: {
      Query: {
        best: () => 'best',
        failing: () => {
          throw new Error('No luck.');
        },
      },
      Mutation: { write: () => 'written' },
      Product: { __resolveReference: (it: object) => it, rating: () => 5 },
    },
  });
});

afterEach(async () => {
  for (const subgraph of [products, reviews]) {
    subgraph.answer = undefined;
    subgraph.headers = {};
    subgraph.requests.length = 0;
  }
  await gateway?.stop();
  gateway = undefined;
});

afterAll(async () => {
  await Promise.all([products.close(), reviews.close()]);
});

async function start(options: Omit<GatewayOptions, 'supergraph'>): Promise<TestGateway> {
  gateway = await startTestGateway({ ...options, supergraph: sourceOf(compose([products, reviews])) });
  return gateway;
}

/** The values of a header of an answer, as they stand in lines of their own. */
async function linesOf(name: string, body: unknown, via = '1.1'): Promise<readonly string[]> {
  const { headers } = await (via === '1.1' ? askHttp1(body) : askHttp2(body));
  return [headers[name] ?? []].flat();
}

const askHttp1 = (
  body: unknown,
): Promise<{ readonly headers: Record<string, string[]>; readonly body: Json }> =>
  new Promise((resolve, reject) => {
    sendHttp(
      gateway!.url,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            headers: response.headersDistinct as Record<string, string[]>,
            body: JSON.parse(Buffer.concat(chunks).toString()),
          }),
        );
      },
    )
      .on('error', reject)
      .end(JSON.stringify(body));
  });

async function askHttp2(body: unknown): Promise<{ readonly headers: Json; readonly body: Json }> {
  const session = connect(new URL(gateway!.url).origin, { ca: readFileSync(join(tls, 'cert.pem')) });
  try {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' },
    });
    stream.end(JSON.stringify(body));
    const headers = await new Promise<Json>((resolve, reject) =>
      stream.once('response', resolve).once('error', reject),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { headers, body: JSON.parse(Buffer.concat(chunks).toString()) };
  } finally {
    session.close();
  }
}

const tls = join(__dirname, '../support/tls');
const both = { query: '{ product { name rating } }' };

/** A subgraph that gives each answer cookies that nobody else gets. */
function giveCookies(subgraph: TestSubgraph, ...names: readonly string[]): void {
  let count = 0;
  subgraph.headers = () => {
    count++;
    return {
      ...publicly,
      'set-cookie': names.map((name) => `${name}=${count}`) as never,
      'x-trail': `${subgraph.name}-${count}`,
    };
  };
}

describe.each(['1.1', '2'])('over HTTP/%s', (via) => {
  const secure = via === '2' ? { tls: { cert: join(tls, 'cert.pem'), key: join(tls, 'key.pem') } } : {};

  it('sends every cookie in a line of its own, and other headers as the rule says', async () => {
    giveCookies(products, 'a', 'b');
    giveCookies(reviews, 'c');
    const trailBy = async (rule: 'append' | 'first' | 'last') => {
      await start({ ...secure, headers: { response: { 'Set-Cookie': 'append', 'x-trail': rule } } });
      const cookies = await linesOf('set-cookie', both, via);
      const trail = await linesOf('x-trail', both, via);
      await gateway!.stop();
      return { cookies: cookies.map((cookie) => cookie[0]), trail: trail.join() };
    };
    expect(await trailBy('append')).toEqual({ cookies: ['a', 'b', 'c'], trail: 'products-2, reviews-2' });
    expect((await trailBy('first')).trail).toBe('products-4');
    expect((await trailBy('last')).trail).toBe('reviews-6');
    gateway = undefined;
  });

  it('sends them with errors and with batches, too', async () => {
    giveCookies(products, 'a');
    giveCookies(reviews, 'b');
    await start({ ...secure, limits: { batch: 3 }, headers: { response: { 'set-cookie': 'append' } } });
    expect(await linesOf('set-cookie', { query: '{ failing }' }, via)).toEqual(['b=1']);
    expect(await linesOf('set-cookie', { query: 'mutation { write }' }, via)).toEqual(['b=2']);
    const batch = [{ query: '{ best }' }, { query: '{ product { name } }' }];
    expect([...(await linesOf('set-cookie', batch, via))].sort()).toEqual(['a=1', 'b=3']);
    reviews.answer = (_, response) => {
      response.writeHead(503, { 'set-cookie': ['c=1', 'd=1'] }).end();
    };
    expect(await linesOf('set-cookie', { query: 'mutation { write }' }, via)).toEqual(['c=1', 'd=1']);
  });
});

it('sends none without a rule', async () => {
  giveCookies(products, 'a');
  await start({});
  expect(await linesOf('set-cookie', { query: '{ product { name } }' })).toEqual([]);
  expect(await linesOf('x-trail', { query: '{ product { name } }' })).toEqual([]);
});

it('follows the rules of the subgraph before those of all', async () => {
  giveCookies(products, 'a');
  giveCookies(reviews, 'b');
  await start({
    headers: { response: { 'x-trail': 'append' } },
    subgraphs: { reviews: { headers: { response: { 'x-trail': 'first', 'set-cookie': 'append' } } } },
  });
  expect(await linesOf('x-trail', both)).toEqual(['products-1']);
  expect(await linesOf('set-cookie', both)).toEqual(['b=2']);
});

it('gives each client the headers of its own calls, and keeps no answer that has them', async () => {
  giveCookies(products, 'a');
  giveCookies(reviews, 'b');
  await start({ headers: { response: { 'set-cookie': 'append' } } });
  for (const count of [1, 2]) {
    const { headers } = await askHttp1(both);
    expect(headers['set-cookie']).toEqual([`a=${count}`, `b=${count}`]);
    expect(headers['cache-control']).toEqual(['no-store']);
    expect(headers['x-cache']).toBeUndefined();
  }
});

it.each([
  ['the response cache', 'x-trail'],
  ['the response cache', 'set-cookie'],
])(
  'shares no execution of %s between clients that ask at the same time, for the sake of %s',
  async (_, name) => {
    giveCookies(reviews, 'b');
    await start({ headers: { response: { [name]: 'append' } } });
    const held: (() => void)[] = [];
    products.answer = (__, response) => {
      response.setHeaders(new Map(Object.entries(publicly)));
      held.push(() => response.end('{"data":{"product":{"__typename":"Product","upc":"1","name":"Table"}}}'));
    };
    const answers = [1, 2, 3].map(() => linesOf(name, both));
    while ((await gateway!.inFlight()) !== 3 || held.length === 0) await wait(5);
    products.answer = undefined;
    for (const answer of held) answer();
    const lines = (await Promise.all(answers)).flat();
    expect(lines).toHaveLength(3);
    expect(new Set(lines).size).toBe(3);
  },
);

it.each([
  { dedupe: true, batch: false },
  { dedupe: false, batch: true },
])('shares no call between clients that ask at the same time with %j', async (calls) => {
  giveCookies(reviews, 'b');
  await start({
    calls: { ...calls, batchWindow: '1ms' },
    cache: { responses: { enabled: false } },
    headers: { response: { 'set-cookie': 'append' } },
  });
  const held: (() => void)[] = [];
  products.answer = (_, response) =>
    held.push(() => response.end('{"data":{"product":{"__typename":"Product","upc":"1","name":"Table"}}}'));
  const answers = [1, 2, 3].map(() => linesOf('set-cookie', both));
  while ((await gateway!.inFlight()) !== 3 || held.length === 0) await wait(5);
  products.answer = undefined;
  for (const answer of held) answer();
  const lines = (await Promise.all(answers)).flat();
  expect(lines).toHaveLength(3);
  expect(new Set(lines).size).toBe(3);
});

it('has none of what comes from the entity cache, which keeps no entity of a response that has them', async () => {
  reviews.headers = publicly;
  await start({ cache: { responses: { enabled: false } }, headers: { response: { 'x-trail': 'append' } } });
  expect(await linesOf('x-trail', both)).toEqual([]);
  expect(await linesOf('x-trail', both)).toEqual([]);
  expect(reviews.requests).toHaveLength(1);
  await gateway!.stop();
  giveCookies(reviews, 'b');
  await start({ cache: { responses: { enabled: false } }, headers: { response: { 'x-trail': 'append' } } });
  expect(await linesOf('x-trail', both)).toEqual(['reviews-1']);
  expect(await linesOf('x-trail', both)).toEqual(['reviews-2']);
});

it('lets no cache keep a stale answer that is sent with the headers of a failed call', async () => {
  reviews.headers = { 'cache-control': 'public, max-age=0, stale-if-error=600' };
  await start({ headers: { response: { 'set-cookie': 'append' } } });
  const ask = () => askHttp1({ query: '{ best }' });
  expect((await ask()).headers['cache-control']).toEqual(['public, max-age=0, stale-if-error=600']);
  reviews.answer = (_, response) => {
    response.writeHead(503, { 'set-cookie': 'a=1' }).end();
  };
  const { headers, body } = await ask();
  expect(body).toEqual({ data: { best: 'best' } });
  expect(headers['set-cookie']).toEqual(['a=1']);
  expect(headers['cache-control']).toEqual(['no-store']);
});

it('sends those of an AppSync API', async () => {
  giveCookies(reviews, 'b');
  await start({
    subgraphs: { reviews: { appsync: { auth: { type: 'API_KEY', apiKey: 'da2-key' } } } },
    headers: { response: { 'set-cookie': 'append' } },
  });
  expect(await linesOf('set-cookie', both)).toEqual(['b=1']);
});

it('sends those of a response that an interceptor made, without what could not be sent', async () => {
  const inProcess: Interceptor = () => async () => ({
    status: 200,
    headers: { 'set-cookie': ['a=1', 'b=1\r\nx-forged: 1', 'c=1'], 'x-trail': 'Ω' },
    body: Buffer.from('{"data":{"best":"made"}}'),
  });
  await start({
    interceptors: [inProcess],
    headers: { response: { 'set-cookie': 'append', 'x-trail': 'last' } },
  });
  const { headers, body } = await askHttp1({ query: '{ best }' });
  expect(body).toEqual({ data: { best: 'made' } });
  expect(headers['set-cookie']).toEqual(['a=1', 'c=1']);
  expect(headers['x-trail']).toBeUndefined();
  expect(headers['x-forged']).toBeUndefined();
});

it('adds the headers of one response once, however many calls of the request it answers', async () => {
  giveCookies(reviews, 'b');
  await start({
    ...{ cache: { responses: { enabled: false } }, limits: { batch: 2 } },
    headers: { response: { 'set-cookie': 'append' } },
  });
  const twice = [{ query: '{ best }' }, { query: '{ best }' }];
  expect(await linesOf('set-cookie', twice)).toEqual(['b=1']);
  expect(reviews.requests).toHaveLength(1);
});

it('lets pages of listed origins read them, but for cookies', async () => {
  giveCookies(reviews, 'b');
  await start({
    cors: { origins: ['https://shop.example'] },
    headers: { response: { 'set-cookie': 'append', 'x-trail': 'last' } },
  });
  const response = await gateway!.post(
    { query: '{ best }' },
    { headers: { origin: 'https://shop.example' } },
  );
  expect(response.headers.get('access-control-expose-headers')).toMatch(/, retry-after, x-trail$/);
});
