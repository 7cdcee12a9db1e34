/** `@defer` over HTTP/1.1 and HTTP/2, as clients meet it. Over 300 lines: each format, failure and limit of an answer in parts. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { Client, fetchExchange } from '@urql/core';
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { GatewayOptions } from '../../gateway';
import { mergeParts, type SentPart } from '../support/merge-parts';
import { readEventStream, readMultipart } from '../support/read-parts';
import {
  type Json,
  sampleSum,
  sourceOf,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';
import { connectWebSocket, webSocketUrl } from '../support/web-socket-client';

const people = [
  { id: '1', name: 'Ada' },
  { id: '2', name: 'Bob' },
];
let users: TestSubgraph;
let reviews: TestSubgraph;
let supergraph: string;
/** Answers of the second subgraph wait for it. */
let held: Promise<void> | undefined;
let letGo: () => void = () => undefined;

function hold(): void {
  held = new Promise((resolve) => (letGo = resolve));
}

beforeAll(async () => {
  users = await startSubgraph({
    name: 'users',
    typeDefs: `
      type Query { people: [User!]! }
      type Mutation { rename(name: String!): User }
      type User @key(fields: "id") { id: ID! name: String }
    `,
    resolvers: {
      Query: { people: () => people },
      Mutation: { rename: (_: unknown, { name }: { name: string }) => ({ id: '1', name }) },
    },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@authenticated"])
      type User @key(fields: "id") { id: ID! stars: Int secret: Int @authenticated best: Int! text: String friends: [User!] }
    `,
    resolvers: {
      User: {
        stars: async ({ id }: { id: string }) => {
          await held;
          return Number(id);
        },
        secret: () => 42,
        best: ({ id }: { id: string }) => (id === '1' ? 5 : null),
        text: () => 'x'.repeat(3000),
        friends: () => people,
      },
    },
  });
  supergraph = compose([users, reviews]);
});

afterAll(async () => {
  for (const gateway of gateways.values()) await (await gateway).stop();
  await users.close();
  await reviews.close();
});

const gateways = new Map<string, Promise<TestGateway>>();

/** One gateway for equal options. */
function started(options: GatewayOptions = {}): Promise<TestGateway> {
  const key = JSON.stringify({ ...options, hooks: options.hooks !== undefined });
  let gateway = gateways.get(key);
  if (gateway === undefined)
    gateways.set(key, (gateway = startTestGateway({ supergraph: sourceOf(supergraph), ...options })));
  return gateway;
}

afterEach(() => {
  letGo();
  held = undefined;
  for (const subgraph of [users, reviews]) {
    subgraph.requests.length = 0;
    subgraph.headers = {};
  }
});

const query = '{ people { name ... @defer(label: "S") { stars } } }';
const whole = {
  people: [
    { name: 'Ada', stars: 1 },
    { name: 'Bob', stars: 2 },
  ],
};
const v02 = 'multipart/mixed;incrementalSpec=v0.2,application/json';
const v2022 = 'multipart/mixed;deferSpec=20220824,application/json';

async function partsOf(answer: Response): Promise<SentPart[]> {
  const type = answer.headers.get('content-type')!;
  const read = type.startsWith('multipart') ? readMultipart : readEventStream;
  const parts: SentPart[] = [];
  for await (const text of read(type, Readable.fromWeb(answer.body as never))) parts.push(JSON.parse(text));
  return parts;
}

describe.each([
  [v02, 'multipart/mixed; boundary=graphql; incrementalSpec=v0.2', 'v0.2'],
  [v2022, 'multipart/mixed; boundary=graphql; deferSpec=20220824', '20220824'],
  ['multipart/mixed', 'multipart/mixed; boundary=graphql', 'v0.2'],
  ['text/event-stream', 'text/event-stream; charset=utf-8', 'v0.2'],
])('with Accept: %s', (accept, type, format) => {
  it(`the answer comes in parts as ${type}, new and known`, async () => {
    const gateway = await started();
    for (let time = 0; time < 2; time++) {
      const answer = await gateway.post({ query }, { headers: { accept } });
      expect(answer.headers.get('content-type')).toBe(type);
      const parts = await partsOf(answer);
      expect(parts.length).toBeGreaterThan(1);
      expect(mergeParts(parts, format)).toEqual({ data: whole, errors: [], failed: [] });
    }
  });
});

it('the answer to a GET comes in parts, too', async () => {
  const { url } = await started();
  const headers = { accept: v02, 'apollo-require-preflight': '1' };
  const answer = await fetch(`${url}?query=${encodeURIComponent(query)}`, { headers });
  expect(mergeParts(await partsOf(answer), 'v0.2').data).toEqual(whole);
});

it('the first part comes before the calls of the deferred fragments are answered', async () => {
  hold();
  const gateway = await started();
  const answer = await gateway.post({ query }, { headers: { accept: v02 } });
  const parts = readMultipart(answer.headers.get('content-type')!, Readable.fromWeb(answer.body as never));
  const { value } = await parts.next();
  expect(JSON.parse(value!).data).toEqual({ people: [{ name: 'Ada' }, { name: 'Bob' }] });
  letGo();
  expect(JSON.parse((await parts.next()).value!).hasNext).toBe(false);
  expect((await parts.next()).done).toBe(true);
});

describe.each(['application/json', '*/*', undefined])('with Accept: %s', (accept) => {
  it('the whole answer comes at once', async () => {
    const gateway = await started();
    const answer = await gateway.post({ query }, accept === undefined ? {} : { headers: { accept } });
    expect(await answer.json()).toEqual({ data: whole });
  });
});

it('an answer without deferred parts is JSON where that is accepted', async () => {
  const gateway = await started();
  const answer = await gateway.post(
    { query: '{ people { ... @defer { name } } }' },
    { headers: { accept: v02 } },
  );
  expect(answer.headers.get('content-type')).toContain('json');
  expect(await answer.json()).toEqual({ data: { people: [{ name: 'Ada' }, { name: 'Bob' }] } });
});

it('the older format can be asked for over server-sent events', async () => {
  const gateway = await started();
  const extensions = { weir: { incremental: '20220824' } };
  const answer = await gateway.post({ query, extensions }, { headers: { accept: 'text/event-stream' } });
  expect(mergeParts(await partsOf(answer), '20220824').data).toEqual(whole);
});

it.each([
  ['v0.2', undefined],
  ['20220824', { weir: { incremental: '20220824' } }],
])('over a WebSocket the format is %s with the extensions %o', async (format, extensions) => {
  const gateway = await started();
  const client = createClient({ url: webSocketUrl(gateway.url), webSocketImpl: WebSocket });
  const parts: SentPart[] = [];
  for await (const part of client.iterate({ query, extensions })) parts.push(part as SentPart);
  await client.dispose();
  expect(parts.length).toBeGreaterThan(1);
  expect(mergeParts(parts, format)).toEqual({ data: whole, errors: [], failed: [] });
});

it('a batch is answered as a whole', async () => {
  const gateway = await started({ limits: { batch: 2 } });
  const answer = await gateway.post([{ query }, { query }], { headers: { accept: v02 } });
  expect(await answer.json()).toEqual([{ data: whole }, { data: whole }]);
});

it('@stream and root fields of mutations are executed as if the directive were absent', async () => {
  const gateway = await started();
  const documents = [
    'query { people @stream(initialCount: 1) { name } }',
    'mutation { ... @defer { rename(name: "Eve") { name } } }',
  ];
  const answers = await Promise.all(
    documents.map((text) => gateway.post({ query: text }, { headers: { accept: v02 } })),
  );
  expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([
    { data: { people: [{ name: 'Ada' }, { name: 'Bob' }] } },
    { data: { rename: { name: 'Eve' } } },
  ]);
});

it.each([
  ['{ people { ... @defer(label: "a") { name } ... @defer(label: "a") { id } } }', /must be unique/],
  ['query ($l: String) { people { ... @defer(label: $l) { name } } }', /must be a static string/],
  ['{ people { name @stream } }', /cannot be used on non-list field "User.name"/],
  ['{ people { name @defer } }', /may not be used on FIELD/],
])('%s is not valid', async (invalid, message) => {
  const gateway = await started();
  const answer = await gateway.post({ query: invalid }, { headers: { accept: 'application/json' } });
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as Json).errors[0].message).toMatch(message);
});

it('introspection shows the directives', async () => {
  const gateway = await started({ mode: 'development' });
  const { data } = await gateway.query(getIntrospectionQuery());
  const sdl = printSchema(buildClientSchema(data));
  expect(sdl).toContain('directive @defer(');
  expect(sdl).toContain('directive @stream(');
});

it('the entity cache serves deferred fragments, and the response cache keeps no parts', async () => {
  for (const subgraph of [users, reviews]) subgraph.headers = { 'cache-control': 'public, max-age=60' };
  const gateway = await started({ cache: { entities: { enabled: true }, responses: { enabled: true } } });
  for (let time = 0; time < 2; time++) {
    const parts = await partsOf(await gateway.post({ query }, { headers: { accept: v02 } }));
    expect(mergeParts(parts, 'v0.2').data).toEqual(whole);
  }
  expect([users.requests.length, reviews.requests.length]).toEqual([2, 1]);
});

it('a refused field is null, and told with its part', async () => {
  const gateway = await started();
  const text = '{ people { name ... @defer { secret stars } } }';
  const parts = await partsOf(await gateway.post({ query: text }, { headers: { accept: v02 } }));
  expect(parts[0]).not.toHaveProperty('errors');
  expect(parts[1]?.incremental?.[0]).toMatchObject({
    data: { secret: null, stars: 1 },
    errors: [{ path: ['people', 0, 'secret'], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }],
  });
});

it('fragments that make the answer too large end with an error', async () => {
  const gateway = await started({ limits: { response: 4000 } });
  const text = '{ people { name ... @defer { text } } }';
  const parts = await partsOf(await gateway.post({ query: text }, { headers: { accept: v02 } }));
  const message = 'The answer is larger than 4000 bytes.';
  const errors = [{ message, extensions: { code: 'RESPONSE_TOO_LARGE' } }];
  expect(parts.at(-1)).toEqual({
    completed: [
      { id: '0', errors },
      { id: '1', errors },
    ],
    hasNext: false,
  });
});

it.each([v02, v2022, 'text/event-stream'])(
  'a first part that is too large is an error (%s)',
  async (accept) => {
    const gateway = await started({ limits: { response: 4000 } });
    const long = Array.from({ length: 20 }, (_, i) => `${'x'.repeat(200)}${i}: name`).join(' ');
    const text = `{ people { ${long} ... @defer { stars } } }`;
    const parts = await partsOf(await gateway.post({ query: text }, { headers: { accept } }));
    expect(parts).toMatchObject([{ errors: [{ extensions: { code: 'RESPONSE_TOO_LARGE' } }] }]);
  },
);

it.each([
  [
    'is not deferred, as it comes with the rest',
    '{ people { id ... on User { text } ... @defer { name } } }',
    {},
  ],
  [
    'is not deferred, by a variable',
    'query ($late: Boolean!) { people { id text ... @defer(if: $late) { name } } }',
    { late: false },
  ],
])('an answer is too large as any other where what has @defer %s', async (_, text, variables) => {
  const gateway = await started({ limits: { response: 4000 } });
  const answer = await gateway.post({ query: text, variables }, { headers: { accept: v02 } });
  expect(((await answer.json()) as Json).errors[0].extensions.code).toBe('RESPONSE_TOO_LARGE');
});

it('the actual cost of an operation is that of all parts', async () => {
  const gateway = await startTestGateway({ supergraph: sourceOf(supergraph) });
  await partsOf(
    await gateway.post(
      { query: '{ people { ... @defer { stars friends { id } } } }' },
      { headers: { accept: v02 } },
    ),
  );
  const metrics = await gateway.metrics();
  await gateway.stop();
  // Two people with two friends each.
  expect(metrics).toContain('weir_operation_cost_sum{kind="actual"} 6');
});

it('the access log has the codes and the time of all parts', async () => {
  const gateway = await started({ errors: { maskSubgraphs: 'none' } });
  const text = '{ people { name ... @defer { stars best } } }';
  await gateway.query(text);
  hold();
  const answer = await gateway.post({ query: text }, { headers: { accept: v02 } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  letGo();
  await partsOf(answer);
  while (gateway.log.filter(({ msg }) => msg === 'request').length < 2)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const { status, codes, ms } = gateway.log.findLast(({ msg }) => msg === 'request');
  expect([status, codes]).toEqual([200, ['DOWNSTREAM_SERVICE_ERROR']]);
  expect(ms).toBeGreaterThan(49);
});

it('over HTTP/2 the answer comes in parts, too', async () => {
  const files = join(__dirname, '../support/tls');
  const gateway = await started({ tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') } });
  hold();
  const session = connectHttp2(new URL(gateway.url).origin, { ca: certificate });
  const stream = session.request({
    ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json', accept: v02 },
  });
  stream.end(JSON.stringify({ query }));
  const [headers] = (await once(stream, 'response')) as [Json];
  const parts: SentPart[] = [];
  for await (const text of readMultipart(headers['content-type'], stream)) {
    parts.push(JSON.parse(text));
    letGo();
  }
  session.destroy();
  expect(parts.length).toBeGreaterThan(1);
  expect(mergeParts(parts, 'v0.2').data).toEqual(whole);
});

it('over a WebSocket all parts come before a gateway that stops closes the connection', async () => {
  const gateway = await startTestGateway({ supergraph: sourceOf(supergraph), shutdown: { grace: '5s' } });
  const client = await connectWebSocket(gateway.url);
  hold();
  client.send({ id: 'a', type: 'subscribe', payload: { query } });
  const parts: SentPart[] = [(await client.next()).payload];
  const stopped = gateway.stop();
  while (!gateway.readiness().includes('shutting down')) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 100));
  letGo();
  for (let message = await client.next(); message.type === 'next'; message = await client.next())
    parts.push(message.payload);
  expect(mergeParts(parts, 'v0.2').data).toEqual(whole);
  expect((await client.closed).code).toBe(1001);
  await stopped;
});

it('a deferred call ends with the deadline of the request, and is told with its part', async () => {
  const gateway = await started({ timeouts: { request: 1500 } });
  // So that it is planned.
  await gateway.query(query);
  hold();
  const parts = await partsOf(await gateway.post({ query }, { headers: { accept: v02 } }));
  expect(parts[0]?.data).toEqual({ people: [{ name: 'Ada' }, { name: 'Bob' }] });
  expect(parts[1]?.incremental).toMatchObject([
    { id: '0', data: { stars: null }, errors: [{ extensions: { code: 'GATEWAY_TIMEOUT' } }] },
    { id: '1', data: { stars: null }, errors: [{ extensions: { code: 'GATEWAY_TIMEOUT' } }] },
  ]);
});

it('a request has its slot until its deferred calls have ended', async () => {
  const gateway = await started({ overload: { requests: 2 } });
  await gateway.query(query);
  hold();
  const answers = await Promise.all([0, 1].map(() => gateway.post({ query }, { headers: { accept: v02 } })));
  const other = gateway.query('{ people { name } }');
  while (sampleSum(await gateway.metrics(), 'weir_requests_waiting') === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  letGo();
  expect(await other).toEqual({ data: { people: [{ name: 'Ada' }, { name: 'Bob' }] } });
  for (const answer of answers) await answer.text();
});

it('deferred fragments end soon after the deadline, where an interceptor hangs', async () => {
  const gateway = await startTestGateway({
    supergraph: sourceOf(supergraph),
    timeouts: { request: '1500ms' },
    interceptors: [
      (next) => (request) =>
        request.operation.subgraph === 'reviews' ? new Promise(() => undefined) : next(request),
    ],
  });
  const parts = await partsOf(await gateway.post({ query }, { headers: { accept: v02 } }));
  const errors = [{ message: expect.any(String) as string, extensions: { code: 'GATEWAY_TIMEOUT' } }];
  expect(parts.at(-1)).toEqual({
    completed: [
      { id: '0', errors },
      { id: '1', errors },
    ],
    hasNext: false,
  });
  await gateway.stop();
});

it('errors of deferred fragments are masked, logged and noted in the access log', async () => {
  const gateway = await started({ mode: 'production', errors: { maskSubgraphs: 'all' } });
  const text = '{ people { name ... @defer { best } } }';
  const parts = await partsOf(await gateway.post({ query: text }, { headers: { accept: v02 } }));
  expect(parts[1]?.completed).toMatchObject([
    { id: '0' },
    { id: '1', errors: [{ message: 'Subgraph "reviews" reported an error.' }] },
  ]);
  expect(JSON.stringify(gateway.log)).toContain('Cannot return null for non-nullable field User.best.');
});

it('onAnswer is shown each part', async () => {
  const seen: unknown[] = [];
  const onAnswer = (_: unknown, answer: object) => void seen.push(Object.keys(answer).sort());
  const gateway = await started({ hooks: { onAnswer } });
  await partsOf(await gateway.post({ query }, { headers: { accept: v02 } }));
  expect(seen).toEqual([
    ['data', 'hasNext', 'pending'],
    ['completed', 'hasNext', 'incremental'],
  ]);
});

it('in development the last part tells the calls', async () => {
  const gateway = await started({ mode: 'development' });
  const parts = (await partsOf(await gateway.post({ query }, { headers: { accept: v02 } }))) as Json[];
  expect(parts[0].extensions).toBeUndefined();
  expect(parts[1].extensions.weir.calls).toMatchObject({ planned: 2, sent: 2 });
});

it('a call for a deferred fragment is aborted when the client leaves', async () => {
  hold();
  const gateway = await started();
  const abort = new AbortController();
  const answer = await gateway.post({ query }, { headers: { accept: v02 }, signal: abort.signal });
  const parts = readMultipart(answer.headers.get('content-type')!, Readable.fromWeb(answer.body as never));
  await parts.next();
  const end = parts.next();
  abort.abort();
  await expect(end).rejects.toThrow();
  while (reviews.requests[0]?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await gateway.inFlight()).toBe(0);
});

describe('clients', () => {
  const document = gql(query);

  it.each([
    ['Defer20220824Handler', () => new Defer20220824Handler()],
    ['GraphQL17Alpha9Handler', () => new GraphQL17Alpha9Handler()],
  ])('Apollo Client 4 with %s shows the first part, and then the whole', async (_, handler) => {
    hold();
    const { url } = await started();
    const client = new ApolloClient({
      link: new HttpLink({ uri: url }),
      cache: new InMemoryCache(),
      incrementalHandler: handler() as never,
    });
    const seen: Json[] = [];
    await new Promise<void>((resolve, reject) => {
      client.watchQuery({ query: document }).subscribe({
        next: ({ data, dataState }: Json) => {
          if (data === undefined) return;
          seen.push(dataState);
          letGo();
          if (dataState !== 'complete') return;
          expect(
            JSON.parse(JSON.stringify(data, (key, value) => (key === '__typename' ? undefined : value))),
          ).toEqual(whole);
          resolve();
        },
        error: reject,
      });
    });
    expect(seen).toEqual(['streaming', 'complete']);
    client.stop();
  });

  it('urql shows the first part, and then the whole', async () => {
    hold();
    const { url } = await started();
    const client = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
    const seen: Json[] = [];
    await new Promise<void>((resolve) => {
      client.query(query, {}).subscribe((result: Json) => {
        seen.push([result.data, result.hasNext]);
        letGo();
        if (result.hasNext !== true) resolve();
      });
    });
    expect(seen[0]).toEqual([expect.objectContaining({ people: expect.anything() }), true]);
    expect(seen.at(-1)).toEqual([whole, false]);
  });
});
