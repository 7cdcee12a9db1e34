/** What breaks beside the gateway is an attack here; the canary asks the two subgraphs that go on to work. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayOptions } from '../../gateway';
import { amountOf } from '../support/amounts';
import { type Attacked, startAttacked, stopAttacked } from '../support/attacked-gateway';
import { freePort } from '../support/free-port';
import type { Json, TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';
import { waysIn } from '../support/ways-in';
import { within } from '../support/times';

/** Clients at once. */
const many = amountOf('WEIR_CLIENTS', 100, 1_000);
let broken: TestSubgraph;
let attacked: Attacked;
let gateway: TestGateway;
/** Nobody listens there. */
let closedPort: number;

beforeAll(async () => {
  broken = await startSubgraph({
    name: 'broken',
    typeDefs: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
      type Query { thing: Thing  certain: Thing! }
      type Thing { name: String! }
      type User @key(fields: "id") { id: ID!  nick: String  rank: Int! }
    `,
    resolvers: {
      Query: { thing: () => ({ name: 'a thing' }), certain: () => ({ name: 'a thing' }) },
      User: { __resolveReference: ({ id }: Json) => ({ id, nick: `nick of ${id}`, rank: 1 }) },
    },
  });
  closedPort = await freePort();
});

afterEach(async () => {
  broken.answer = undefined;
  await stopAttacked(attacked, [], 0);
  broken.requests.length = 0;
});

afterAll(() => broken.close());

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<void> {
  attacked = await startAttacked(
    {
      limits: { batch: 5 },
      breaker: { enabled: false },
      ...options,
    },
    [broken],
  );
  ({ gateway } = attacked);
}

const failing: readonly [string, TestSubgraph['answer'], string][] = [
  ['refuses connections', undefined, 'SUBREQUEST_HTTP_ERROR'],
  ['resets connections', (_, response) => response.socket!.resetAndDestroy(), 'SUBREQUEST_HTTP_ERROR'],
  ['answers 500', (_, response) => response.writeHead(500).end('at /srv/x.js:1'), 'SUBREQUEST_HTTP_ERROR'],
  ['answers 503', (_, response) => response.writeHead(503).end(), 'SUBREQUEST_HTTP_ERROR'],
  ['hangs', () => undefined, 'GATEWAY_TIMEOUT'],
  ['hangs after its headers', (_, response) => response.flushHeaders(), 'GATEWAY_TIMEOUT'],
  ['hangs in its body', (_, response) => response.write('{"data":{'), 'GATEWAY_TIMEOUT'],
  [
    'resets in its body',
    (_, response) => response.write('{"data":', () => response.socket!.resetAndDestroy()),
    'SUBREQUEST_HTTP_ERROR',
  ],
];

/** Operations, and what is left of them. */
const operations: readonly [string, Json][] = [
  ['{ user(id: "u1") { name nick } }', { user: { name: 'Ada', nick: null } }],
  ['{ user(id: "u1") { name rank } me { name } }', { user: null, me: { name: 'Ada' } }],
  ['{ me { name } thing { name } }', { me: { name: 'Ada' }, thing: null }],
  ['{ me { name } certain { name } }', null],
];

it.each(failing)(
  'of a subgraph that %s fields are null as far as the schema lets them, on every way in',
  async (what, answer, code) => {
    const url = what === 'refuses connections' && `http://127.0.0.1:${closedPort}/graphql`;
    // Of this one alone, and where it hangs: whatever else is waited for may take longer on a busy machine.
    const timeout = code === 'GATEWAY_TIMEOUT' ? '200ms' : '30s';
    await start({ subgraphs: { broken: { timeout, ...(url && { url }) } } });
    broken.answer = answer;
    for (const { name, request } of waysIn) {
      // At once: some wait for their timeouts.
      await Promise.all(
        operations.map(async ([query, data]) => {
          const response = await fetch(request(gateway.url, { query }));
          const text = await response.text();
          const parsed: Json = JSON.parse(text);
          const body = Array.isArray(parsed) ? parsed[1] : parsed;
          expect([name, query, response.status, body.data]).toEqual([name, query, 200, data]);
          expect(body.errors[0].extensions).toEqual({ code, service: 'broken' });
          expect(text).not.toMatch(/127\.0\.0\.1|ECONN|\/srv\/|\bat .*:\d+:\d+/);
        }),
      );
    }
  },
  60_000,
);

it('a packed answer that is packed again and again is not unpacked', async () => {
  await start();
  broken.answer = (_, response) =>
    response
      .writeHead(200, { 'content-encoding': Array.from({ length: 50 }, () => 'gzip').join(', ') })
      .end('x');
  expect(await gateway.query('{ me { name } thing { name } }')).toMatchObject({
    data: { me: { name: 'Ada' }, thing: null },
    errors: [{ path: ['thing'], extensions: { service: 'broken' } }],
  });
});

it(`${many} clients that leave take their calls along, and the subgraph is not blamed`, async () => {
  await start({
    breaker: { atLeast: 1 },
    timeouts: { subgraph: '30s', request: '30s' },
    connections: { max: many },
    calls: { concurrency: many },
    overload: { requests: 5_000, delay: '60s' },
  });
  const hanging: { request: IncomingMessage; response: ServerResponse }[] = [];
  let aborted = 0;
  broken.answer = (request, response) => {
    hanging.push({ request, response });
    response.on('close', () => aborted++);
  };
  const clients = Array.from({ length: many }, () => new AbortController());
  const requests = clients.map(({ signal }, i) =>
    gateway.post({ query: '{ thing { name } }' }, { signal, headers: { authorization: `Bearer ${i}` } }).then(
      () => 'answered',
      () => 'left',
    ),
  );
  await until(() => hanging.length === clients.length);
  const left = performance.now();
  for (const client of clients) client.abort();
  expect(new Set(await Promise.all(requests))).toEqual(new Set(['left']));
  await until(() => aborted === clients.length);
  expect(performance.now() - left).toBeLessThan(within(100));
  broken.answer = undefined;
  expect(await gateway.query('{ thing { name } }')).toEqual({ data: { thing: { name: 'a thing' } } });
  expect(await gateway.metrics()).not.toMatch(/weir_subgraph_endpoints_open\{subgraph="broken"\} 1/);
});

describe('the deadline of a request', () => {
  // It is long enough for whoever else asks a busy machine.
  const deadline = 3000;

  it('is 504 in time, and told to each subgraph, on every way in', async () => {
    await start({ timeouts: { request: '3s', subgraph: '10s' } });
    const ways = waysIn.map((way, i) => ({ ...way, query: `{ me { name } thing { way${i}: name } }` }));
    const ask = ({ request, query }: (typeof ways)[number]) => fetch(request(gateway.url, { query }));
    // Once they are planned: on a busy machine that alone may take seconds.
    for (const way of ways) while ((await ask(way)).status !== 200);
    broken.requests.length = 0;
    broken.answer = () => undefined;
    await Promise.all(
      ways.map(async (way, i) => {
        const began = performance.now();
        const response = await ask(way);
        const took = performance.now() - began;
        const body: Json = await response.json();
        const { errors } = Array.isArray(body) ? body[1] : body;
        const { name } = way;
        expect([name, response.status, errors[0].extensions.code]).toEqual([name, 504, 'GATEWAY_TIMEOUT']);
        expect(took).toBeGreaterThanOrEqual(deadline - 5);
        expect(took).toBeLessThan(within(deadline + 100));
        const calls = broken.requests.filter((each) => JSON.stringify(each.body).includes(`way${i}`));
        expect(calls.length).toBeGreaterThan(0);
        for (const { headers } of calls)
          expect(Number(headers['x-request-timeout'])).toBeLessThanOrEqual(deadline);
        await until(() => calls.every((each) => each.aborted));
      }),
    );
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((turn) => setTimeout(turn, 5));
}
