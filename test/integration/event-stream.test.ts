/** Operations whose client takes nothing but server-sent events, over HTTP/1.1. */
import { get, type IncomingHttpHeaders } from 'node:http';
import { type Json, type TestGateway, sourceOf, startTestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let subgraph: TestSubgraph;
let gateway: TestGateway;
let name = 'Ada';

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'users',
    typeDefs: 'type Query { name: String } type Mutation { rename(to: String!): String }',
    resolvers: { Query: { name: () => name }, Mutation: { rename: (_: Json, { to }: Json) => (name = to) } },
  });
  gateway = await startTestGateway({
    supergraph: sourceOf(compose([subgraph])),
    mode: 'production',
    cors: { origins: ['https://shop.example'] },
    limits: { batch: 5, depth: 5 },
    cache: { responses: { operations: { Known: { maxAge: '1h', scope: 'public' } } } },
  });
});

afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
});

const accept = 'text/event-stream';

/** What a client has got: its events as one text each. */
async function eventsOf(response: Response): Promise<string[]> {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('cache-control')).toMatch(/^no-store/);
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const texts = (await response.text()).split('\n\n');
  expect([texts.shift(), texts.pop()]).toEqual([':', '']);
  expect(texts.pop()).toBe('event: complete\ndata:');
  return texts;
}

/** The only answer of a stream. */
async function answerOf(response: Response): Promise<Json> {
  const events = await eventsOf(response);
  expect(events).toHaveLength(1);
  const [, data] = /^event: next\ndata: (.*)$/.exec(events[0]!)!;
  return JSON.parse(data!);
}

const post = (body: unknown, headers: Record<string, string> = {}) =>
  gateway.post(body, { headers: { accept, ...headers } });

it('answers a query, new or known or kept, and a mutation with one event', async () => {
  for (let again = 0; again < 3; again++) {
    expect(await answerOf(await post({ query: '{ name }' }))).toEqual({ data: { name } });
    expect(await answerOf(await post({ query: 'query Known { name }' }))).toEqual({ data: { name: 'Ada' } });
    const to = `Eva ${again}`;
    const query = 'mutation ($to: String!) { rename(to: $to) }';
    expect(await answerOf(await post({ query, variables: { to } }))).toEqual({ data: { rename: to } });
  }
});

it.each<[string, unknown, string]>([
  ['that is no GraphQL', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
  ['of an unknown field', { query: '{ unknown }' }, 'GRAPHQL_VALIDATION_FAILED'],
  ['beyond a limit', { query: `{ name ${'... { '.repeat(9)} name ${'}'.repeat(9)} }` }, 'MAX_DEPTH_LIMIT'],
  ['that is no JSON', '{', 'BAD_REQUEST'],
  [
    'by an unknown hash',
    { extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } } },
    'PERSISTED_QUERY_NOT_FOUND',
  ],
  ['within a batch', [{ query: '{ name }' }], 'BAD_REQUEST'],
])('tells with one event why an operation %s is refused, as it does in JSON', async (_, body, code) => {
  const told = await answerOf(await post(body));
  expect(told.errors[0].extensions.code).toBe(code);
  if (!Array.isArray(body)) expect(told).toEqual(await (await gateway.post(body)).json());
  const line = gateway.log.filter(({ msg }) => msg === 'request').at(-1);
  expect(JSON.stringify(line)).toContain(code);
});

it('answers in JSON whoever takes that, too', async () => {
  for (const types of ['application/json, text/event-stream', 'text/event-stream, */*;q=0.1']) {
    const response = await post({ query: '{ name }' }, { accept: types });
    expect(await response.json()).toEqual({ data: { name } });
    expect((await post({ query: '{' }, { accept: types })).status).toBe(400);
  }
});

describe('a GET as of an `EventSource`', () => {
  /** `fetch` sends headers of its own, and none that say what a browser says. */
  const ask = (query: string, headers: Record<string, string>) =>
    new Promise<Response>((resolve, reject) => {
      const url = `${gateway.url}?${new URLSearchParams({ query }).toString()}`;
      get(url, { headers: { accept, ...headers } }, (message) => {
        const pieces: Buffer[] = [];
        message
          .on('data', (piece: Buffer) => pieces.push(piece))
          .on('end', () => {
            const { statusCode: status = 0 } = message;
            resolve(new Response(Buffer.concat(pieces), { status, headers: named(message.headers) }));
          });
      }).on('error', reject);
    });
  const named = (headers: IncomingHttpHeaders): [string, string][] =>
    Object.entries(headers).map(([key, value]) => [key, String(value)]);

  it.each<[string, Record<string, string>]>([
    ['the same origin', { 'sec-fetch-site': 'same-origin' }],
    ['an origin that may call', { origin: 'https://shop.example', 'sec-fetch-site': 'cross-site' }],
    ['a client that sends a header', { 'apollo-require-preflight': '1' }],
  ])('is answered to %s, whether it is known or not', async (_, headers) => {
    const query = `{ name } # ${JSON.stringify(headers)}`;
    for (let again = 0; again < 2; again++) {
      const response = await ask(query, headers);
      if (headers['origin'] !== undefined)
        expect(response.headers.get('access-control-allow-origin')).toBe(headers['origin']);
      expect(await answerOf(response)).toEqual({ data: { name } });
    }
  });

  it.each<[string, Record<string, string>]>([
    ['another origin', { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }],
    ['another site of this domain', { 'sec-fetch-site': 'same-site' }],
    ['nobody knows whom', {}],
    ['a page that may call, in JSON', { accept: '*/*', origin: 'https://shop.example' }],
  ])('is refused to %s', async (_, headers) => {
    for (const query of ['{ name }', 'query Known { name }']) {
      await post({ query });
      const response = await ask(query, headers);
      const told = headers['accept'] === undefined ? await answerOf(response) : await response.json();
      expect(told.errors[0].extensions.code).toBe('BAD_REQUEST');
      expect(told).not.toHaveProperty('data');
    }
  });

  it('changes nothing', async () => {
    const before = name;
    const response = await ask('mutation { rename(to: "x") }', { 'sec-fetch-site': 'same-origin' });
    expect((await answerOf(response)).errors[0].extensions.code).toBe('METHOD_NOT_ALLOWED');
    expect(name).toBe(before);
  });
});

it('answers whoever takes only parts of a multipart body with one part, and refuses in JSON', async () => {
  for (const [types, text] of [
    ['multipart/mixed', '{"data":{"name":NAME}}'],
    ['multipart/mixed;subscriptionSpec=1.0', '{"payload":{"data":{"name":NAME}}}'],
    ['multipart/mixed;deferSpec=20220824', '{"data":{"name":NAME}}'],
  ] as const) {
    const response = await post({ query: '{ name }' }, { accept: types });
    const part = text.replace('NAME', JSON.stringify(name));
    expect(await response.text()).toBe(
      `\r\n--graphql\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${part}\r\n--graphql--\r\n`,
    );
    const refusal = await post({ query: '{' }, { accept: types });
    expect([refusal.status, ((await refusal.json()) as Json).errors[0].extensions.code]).toEqual([
      400,
      'GRAPHQL_PARSE_FAILED',
    ]);
  }
});
