/** A gateway as a function of AWS Lambda. Over 300 lines: each rule for every kind of event. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { compileFunction } from 'node:vm';
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';
import type { HookRequest } from '../../gateway';
import {
  handler as ownHandler,
  type LambdaAnswer,
  type LambdaHandler,
  type LambdaOptions,
} from '../../gateway/lambda/index';
import { openLambda } from '../../gateway/lambda/lambda-handler';
import { apiSchemaOf, openRegistryStore, readUsage, Registry } from '../../schema';
import { examplesOf } from '../support/documentation';
import { type EventSender, eventSenders, headersIn, lambdaEvent } from '../support/lambda-events';
import { context } from '../support/lambda-front';
import { startOtlpReceiver } from '../support/otlp-receiver';
import { type Json, sourceOf } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let items: TestSubgraph;
let supergraphSdl: string;
const folder = mkdtempSync(join(tmpdir(), 'weir-lambda-'));
beforeAll(async () => {
  items = await startSubgraph({
    name: 'items',
    typeDefs: `
      type Query { item: Item text(of: String!, length: Int!): String! }
      type Mutation { rename(name: String!): Item }
      type Subscription { renamed: Item }
      type Item { id: ID! name: String }
    `,
    resolvers: {
      Query: {
        item: () => ({ id: '1', name: 'ä' }),
        text: (_: unknown, { of, length }: { of: string; length: number }) => of.repeat(length),
      },
      Mutation: { rename: (_: unknown, { name }: { name: string }) => ({ id: '1', name }) },
    },
  });
  supergraphSdl = compose([items]);
});
afterAll(async () => {
  await items.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  items.answer = undefined;
  items.headers = {};
  items.requests.length = 0;
});

/** A gateway as a function. */
async function open(options: LambdaOptions = {}) {
  const log: Json[] = [];
  const opened = await openLambda({
    supergraph: sourceOf(supergraphSdl),
    logDestination: { write: (line) => log.push(JSON.parse(line)) },
    lambda: { perInstance: true },
    ...options,
  });
  return { ...opened, log };
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Buffer;
}

const json = ['content-type', 'application/json'] as const;
const post = (query: string, variables: object = {}) => Buffer.from(JSON.stringify({ query, variables }));

function event(sender: EventSender, { method = 'POST', path = '/graphql', ...sent }: Sent) {
  return lambdaEvent(sender, { method, path, headers: [json], ...sent });
}

function read(answer: LambdaAnswer): { status: number; headers: Headers; body: Json } {
  const { statusCode, body, isBase64Encoded } = answer;
  const text = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString();
  return {
    status: statusCode,
    headers: new Headers(headersIn(answer)),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const item = { data: { item: { name: 'ä' } } };

describe('a gateway on Lambda', () => {
  let lambda: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    lambda = await open();
  });
  afterAll(() => lambda.gateway.stop());
  const ask = async (sender: EventSender, sent: Sent, given = context()) =>
    read(await lambda.handler(event(sender, sent), given));

  describe.each(eventSenders)('behind a %s', (sender) => {
    it('answers a POST and a GET', async () => {
      const posted = await ask(sender, { body: post('{ item { name } }') });
      expect([posted.status, posted.body]).toEqual([200, item]);
      const query = `query=${encodeURIComponent('query Named($n: Int!) { text(of: "ä&=+ ", length: $n) }')}&variables=%7B%22n%22%3A2%7D`;
      const got = await ask(sender, { method: 'GET', query, headers: [['apollo-require-preflight', '1']] });
      expect([got.status, got.body]).toEqual([200, { data: { text: 'ä&=+ ä&=+ ' } }]);
    });

    it.each([
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ])('takes a body in %s', async (encoding, pack) => {
      const headers = [json, ['content-encoding', encoding]] as const;
      const { body } = await ask(sender, { headers, body: pack(post('{ item { name } }')) });
      expect(body).toEqual(item);
      const refused = await ask(sender, { headers, body: Buffer.from('no') });
      expect([refused.status, refused.body.errors[0].message]).toEqual([
        400,
        `The body is not valid ${encoding}.`,
      ]);
      const bomb = await ask(sender, { headers, body: pack(Buffer.alloc(4_000_000)) });
      expect([bomb.status, bomb.body.errors[0].extensions.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    });

    it('answers health checks, and says where nothing is', async () => {
      const health = await ask(sender, { method: 'GET', path: '/health/ready' });
      expect([health.status, health.body]).toEqual([200, { status: 'ready' }]);
      expect((await ask(sender, { method: 'GET', path: '/other' })).status).toBe(404);
      expect((await ask(sender, { method: 'DELETE' })).headers.get('allow')).toBe('GET, POST');
      const head = await ask(sender, { method: 'HEAD', path: '/health/live' });
      expect([head.status, head.body]).toEqual([200, undefined]);
    });

    it('sends packed answers from the cache', async () => {
      items.headers = { 'cache-control': 'public, max-age=60' };
      const body = post(`{ text(of: "${sender} ", length: 500) }`);
      const headers = [json, ['accept-encoding', 'gzip']] as const;
      const send = () => lambda.handler(event(sender, { headers, body }), context());
      const headOf = (answer: LambdaAnswer) => read({ ...answer, body: '', isBase64Encoded: false }).headers;
      expect(headOf(await send()).get('x-cache')).toBe('MISS');
      let answer = await send();
      // It is kept after it was answered, and packed after it was sent to who accepts that.
      for (; !headOf(answer).has('content-encoding'); answer = await send()) await wait(5);
      expect([headOf(answer).get('x-cache'), answer.isBase64Encoded]).toEqual(['HIT', true]);
      expect(gunzipSync(Buffer.from(answer.body, 'base64')).toString()).toContain(
        `"text":"${sender} ${sender} `,
      );
    });

    it('names a request in its log as Lambda does', async () => {
      await ask(sender, { body: post('{ item { name } }') });
      expect(lambda.log.at(-1)).toMatchObject({ requestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd' });
    });

    it('refuses subscriptions with a sentence, and sends deferred fragments with the rest', async () => {
      const accept = [
        'accept',
        'multipart/mixed;incrementalSpec=v0.2, text/event-stream, application/json',
      ] as const;
      // At first nobody knows the operation.
      for (let i = 0; i < 2; i++) {
        const refused = await ask(sender, {
          headers: [json, accept],
          body: post('subscription { renamed { name } }'),
        });
        expect([refused.status, refused.body.errors[0]]).toEqual([
          406,
          {
            message:
              'The answer comes in parts, but this endpoint sends every answer in one piece: subscribe where the gateway streams.',
            extensions: { code: 'NOT_ACCEPTABLE' },
          },
        ]);
      }
      const query = '{ item { id ... @defer { name } } }';
      const { body } = await ask(sender, { headers: [json, accept], body: post(query) });
      expect(body).toEqual({ data: { item: { id: '1', name: 'ä' } } });
    });

    it("ends before the function's time is over", async () => {
      const body = post('mutation { rename(name: "x") { name } }');
      expect((await ask(sender, { body })).status).toBe(200);
      items.answer = () => undefined;
      const late = await ask(sender, { body }, context(800));
      expect([late.status, late.body.errors[0].extensions.code]).toEqual([504, 'GATEWAY_TIMEOUT']);
      expect(Number(items.requests[1]!.headers['x-request-timeout'])).toBeLessThanOrEqual(300);
    });
  });

  it.each([
    ['http api', 6],
    ['load balancer', 1],
  ] as const)(
    'refuses an answer to a %s of more than %i MiB, and sends one that just is not',
    async (sender, mebibytes) => {
      const limit = mebibytes * 2 ** 20;
      // In JSON within JSON a quotation mark takes four bytes.
      for (const [of, each] of [
        ['"', 4],
        ['a', 1],
      ] as const) {
        const length = (bytes: number): number => Math.floor(bytes / each);
        const query = 'query Long($of: String!, $length: Int!) { text(of: $of, length: $length) }';
        const sent = await ask(sender, { body: post(query, { of, length: length(limit - 2000) }) });
        expect([sent.status, sent.body.data?.text.length]).toEqual([200, length(limit - 2000)]);
        const refused = await ask(sender, { body: post(query, { of, length: length(limit) }) });
        expect(refused.status).toBe(400);
        expect(refused.body.errors[0]).toEqual({
          message: `The answer is larger than ${limit} bytes.`,
          extensions: { code: 'RESPONSE_TOO_LARGE' },
        });
        expect(lambda.log.at(-1)).toMatchObject({
          msg: 'request',
          status: 400,
          codes: ['RESPONSE_TOO_LARGE'],
        });
      }
    },
  );

  it('answers 400 to what is no HTTP request', async () => {
    for (const wrong of [{ Records: [] }, null, 'text', { version: '2.0', requestContext: { http: {} } }]) {
      const { status, body } = read(await lambda.handler(wrong, context()));
      expect([status, body.errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
      expect(body.errors[0].message).toContain('is not an HTTP request of API Gateway');
    }
  });

  it('answers many events at once, each with its own answer', async () => {
    const lengths = Array.from({ length: 50 }, (_, i) => i);
    const query = 'query Of($length: Int!) { text(of: "x", length: $length) }';
    const answers = await Promise.all(
      lengths.map((length) => ask('http api', { body: post(query, { length }) })),
    );
    expect(answers.map(({ body }) => body.data.text.length)).toEqual(lengths);
  });
});

it.each([
  ['what AWS says', [], '192.0.2.1'],
  ['behind proxies that are trusted', ['192.0.2.0/24'], '198.51.100.7'],
])('takes as the address of its client: %s', async (_, trustedProxies, expected) => {
  const addresses: string[] = [];
  const hooks = { onRequest: ({ address }: HookRequest) => void addresses.push(address) };
  const { handler, gateway } = await open({ trustedProxies, hooks });
  for (const sender of eventSenders) {
    const headers = [json, ['x-forwarded-for', '203.0.113.5, 198.51.100.7']] as const;
    await handler(event(sender, { headers, body: post('{ item { name } }') }), context());
  }
  expect(addresses).toEqual(eventSenders.map(() => expected));
  await gateway.stop();
});

it('opens with its first event by the file of the function, and tries again with the next when it cannot', async () => {
  process.env['WEIR_CONFIG'] = join(folder, 'none.yaml');
  try {
    await expect(ownHandler(event('http api', {}), context())).rejects.toThrow('none.yaml');
    await expect(ownHandler(event('http api', {}), context())).rejects.toThrow('none.yaml');
  } finally {
    delete process.env['WEIR_CONFIG'];
  }
});

it('runs as docs/lambda.md shows', async () => {
  const example = examplesOf('docs/lambda.md').find(({ file }) => file === 'index.mjs')!;
  const [, body] = /^[^]*?import \{ createHandler \} from 'weir\/lambda';\n([^]*)$/.exec(example.text)!;
  process.env['SUPERGRAPH'] = join(folder, 'supergraph.graphql');
  process.env['CACHE_STORE'] = 'redis://127.0.0.1:1';
  writeFileSync(process.env['SUPERGRAPH'], supergraphSdl);
  const code = body!.replace('export const handler = await', 'return');
  const run = compileFunction(code, ['process', 'createHandler'], { filename: 'index.mjs' });
  let gateway: Awaited<ReturnType<typeof open>>['gateway'];
  const handler: LambdaHandler = await run(process, async (options: LambdaOptions) => {
    const opened = await openLambda({ ...options, logDestination: { write: () => undefined } });
    gateway = opened.gateway;
    return opened.handler;
  });
  expect(
    read(await handler(event('function url', { body: post('{ item { name } }') }), context())).body,
  ).toEqual(item);
  await gateway!.stop();
});

describe('an answer on Lambda', () => {
  it('waits until its trace is sent, at most for `lambda.flush`', async () => {
    const collector = await startOtlpReceiver();
    const { handler, gateway } = await open({
      telemetry: { traces: { otlp: { url: collector.url } } },
      lambda: { perInstance: true, flush: '300ms' },
    });
    const ask = () => handler(event('http api', { body: post('{ item { name } }') }), context());
    expect(read(await ask()).body).toEqual(item);
    expect(collector.spans.map(({ kind }) => kind)).toContain(2);
    const held: ServerResponse[] = [];
    collector.answer = (response) => void held.push(response);
    const start = performance.now();
    expect(read(await ask()).body).toEqual(item);
    expect(performance.now() - start).toBeGreaterThan(290);
    collector.answer = undefined;
    for (const response of held) response.end();
    await gateway.stop();
    await collector.close();
  });

  it('waits until its mutation is in the audit trail', async () => {
    const to = join(folder, 'audit.jsonl');
    const { handler, gateway } = await open({ audit: { trails: [{ to }] } });
    const body = post('mutation Rename { rename(name: "x") { name } }');
    expect(read(await handler(event('rest api', { body }), context())).status).toBe(200);
    const [last] = readFileSync(to, 'utf8').trimEnd().split('\n').slice(-1);
    expect(JSON.parse(last!)).toMatchObject({ action: 'mutation', operation: 'Rename' });
    await gateway.stop();
  });

  it('waits until its use of the schema is written', async () => {
    const location = join(folder, 'registry');
    const store = await openRegistryStore(location);
    const registry = new Registry({ store, variant: { graph: 'shop', variant: 'prod' } });
    const { name, url: routingUrl, typeDefs: sdl } = items;
    await registry.publish([{ name, routingUrl, sdl, file: name }], { by: 'ana' });
    const { handler, gateway } = await open({
      supergraph: { registry: location, graph: 'shop@prod', keep: join(folder, 'kept') },
      usage: { interval: '1h' },
    });
    await handler(event('rest api', { body: post('query Used { item { name } }') }), context());
    const schema = apiSchemaOf(await registry.supergraph(await registry.newest()));
    const usage = await readUsage(registry.usage, { since: new Date(0), schema });
    expect(usage.using(['Item.name'])).toMatchObject([{ name: 'Used' }]);
    await gateway.stop();
  });
});
