/**
 * A gateway as a function of AWS Lambda that streams its answers, over a stub of the Runtime API. The subgraph's events are the
 * test's. Over 300 lines: each way of an answer in parts, and each end of a stream.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { compileFunction } from 'node:vm';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createClient } from 'graphql-sse';
import {
  createStreamHandler,
  type LambdaOptions,
  type LambdaStreamHandler,
  streamHandler as ownHandler,
} from '../../gateway/lambda/index';
import { openLambda } from '../../gateway/lambda/lambda-handler';
import { examplesOf } from '../support/documentation';
import { upstreams } from '../support/held-upstreams';
import { headersIn, lambdaEvent, type SentRequest } from '../support/lambda-events';
import { context, startStreamingGateway, streamingSenders } from '../support/lambda-front';
import { awsLambdaStub, setAwsLambda, startFunctionStub } from '../support/lambda-runtime-stub';
import { startOtlpReceiver } from '../support/otlp-receiver';
import { Queue } from '../support/queue';
import { readEventStream, readMultipart } from '../support/read-parts';
import { type Json, sourceOf } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const query = 'subscription { repriced { price } }';
const repriced = (price: number): Json => ({ repriced: { price } });

let products: TestSubgraph;
let reviews: TestSubgraph;
let supergraph: string;
/** Answers of the second subgraph wait for it. */
let held: Promise<void> | undefined;
let letGo: () => void = () => undefined;
const folder = mkdtempSync(join(tmpdir(), 'weir-stream-'));

beforeAll(async () => {
  products = await startSubgraph({
    name: 'products',
    typeDefs: `
      type Query { product: Product text(of: String!, length: Int!): String! }
      type Mutation { reprice(price: Int!): Product }
      type Subscription { repriced: Product }
      type Product @key(fields: "id") { id: ID! price: Int name: String }
    `,
    resolvers: {
      Query: {
        product: () => ({ id: '1', price: 1, name: 'ä' }),
        text: (_: unknown, { of, length }: { of: string; length: number }) => of.repeat(length),
      },
      Mutation: { reprice: (_: unknown, { price }: { price: number }) => ({ id: '1', price }) },
    },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: 'type Product @key(fields: "id") { id: ID! stars: Int words(length: Int!): String }',
    resolvers: {
      Product: {
        stars: async () => {
          await held;
          return 5;
        },
        words: (_: unknown, { length }: { length: number }) => 'x'.repeat(length),
      },
    },
  });
  supergraph = compose([products, reviews]);
});
afterAll(async () => {
  await products.close();
  await reviews.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  held = undefined;
  upstreams.reset();
});

/** Resolves when a subgraph is asked for events. */
const opened = (): Promise<void> => until(() => upstreams.open.length > 0);
const closed = (): Promise<void> => until(() => upstreams.open.length === 0);

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await wait(5);
}

const json = ['content-type', 'application/json'] as const;
const bodyOf = (operation: string, variables: object = {}) =>
  Buffer.from(JSON.stringify({ query: operation, variables }));
const sse = ['accept', 'text/event-stream'] as const;
const multipart = ['accept', 'multipart/mixed;subscriptionSpec=1.0, application/json'] as const;

describe.each(streamingSenders)('behind a %s', (sender) => {
  let gateway: Awaited<ReturnType<typeof startStreamingGateway>>;
  beforeAll(async () => {
    gateway = await startStreamingGateway(sender, {
      transport: upstreams,
      supergraph: sourceOf(supergraph),
      cors: { origins: ['https://shop.example'] },
      lambda: { stream: '256KiB' },
      headers: { response: { 'set-cookie': 'append' } },
    });
  });
  afterAll(() => gateway.stop());

  const event = (sent: Partial<SentRequest>) =>
    lambdaEvent(sender, { method: 'POST', path: '/graphql', headers: [json], ...sent });
  /** Invokes the function; its client reads no more than the test does. */
  const invoke = (sent: Partial<SentRequest>, milliseconds?: number) =>
    gateway.runtime.invoke(event(sent), milliseconds);
  const subscribe = (accept: readonly [string, string], milliseconds?: number) =>
    invoke({ headers: [json, accept], body: bodyOf(query) }, milliseconds);
  /** Of requests that are over. */
  const lastStatus = (): number =>
    gateway.log.filter(({ msg }) => msg === 'request').at(-1)?.status as number;

  describe('a client of graphql-sse', () => {
    const begin = (operation: string) => {
      const client = createClient({ url: gateway.url, retryAttempts: 0 });
      const results = new Queue<Json>();
      const stop = client.subscribe(
        { query: operation },
        {
          next: (result) => results.push(result),
          error: (error) => results.push(['failed', error]),
          complete: () => results.push('complete'),
        },
      );
      return { results, stop };
    };

    it('gets each event before there is another, and learns of the end', async () => {
      const { results } = begin(query);
      await opened();
      for (const price of [5, 6, 7]) {
        upstreams.give(repriced(price));
        expect(await results.next()).toEqual({ data: repriced(price) });
      }
      upstreams.opened[0]!.events.end();
      expect(await results.next()).toBe('complete');
    });

    it('is told in an event why it is refused', async () => {
      const { results } = begin('subscription { unknown }');
      expect((await results.next()).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(await results.next()).toBe('complete');
    });
  });

  describe('a client of Apollo', () => {
    const begin = () => {
      const client = new ApolloClient({
        cache: new InMemoryCache(),
        link: new HttpLink({ uri: gateway.url }),
      });
      const results = new Queue<Json>();
      client.subscribe({ query: gql(query) }).subscribe({
        next: ({ data, error }) => results.push(error ?? data),
        error: (error: unknown) => results.push(['failed', error]),
        complete: () => results.push('complete'),
      });
      return results;
    };

    it('gets each event before there is another, and learns of the end', async () => {
      const results = begin();
      await opened();
      for (const price of [5, 6, 7]) {
        upstreams.give(repriced(price));
        expect(await results.next()).toMatchObject(repriced(price));
      }
      upstreams.opened[0]!.events.end();
      expect(await results.next()).toBe('complete');
    });
  });

  it('sends the first part of a deferred answer before the others are known', async () => {
    held = new Promise((resolve) => (letGo = resolve));
    const accept = ['accept', 'multipart/mixed;incrementalSpec=v0.2, application/json'] as const;
    const body = bodyOf('{ product { id ... @defer { stars } } }');
    const { head, body: answer } = invoke({ headers: [json, accept], body });
    const type = new Headers(headersIn(await head)).get('content-type')!;
    expect(type).toBe('multipart/mixed; boundary=graphql; incrementalSpec=v0.2');
    const parts = readMultipart(type, await answer);
    expect(JSON.parse((await parts.next()).value!)).toMatchObject({
      data: { product: { id: '1' } },
      hasNext: true,
    });
    letGo();
    expect(JSON.parse((await parts.next()).value!)).toMatchObject({
      incremental: [{ data: { stars: 5 } }],
      hasNext: false,
    });
    expect((await parts.next()).done).toBe(true);
  });

  it('answers in one piece whatever is not in parts', async () => {
    expect(await gateway.query('{ product { price name } }')).toEqual({
      data: { product: { price: 1, name: 'ä' } },
    });
    expect(await gateway.query('mutation { reprice(price: 3) { price } }')).toEqual({
      data: { reprice: { price: 3 } },
    });
    const at = (path: string, init?: RequestInit) => fetch(new URL(path, gateway.url), init);
    expect(await (await at('/health/ready')).json()).toEqual({ status: 'ready' });
    const head = await at('/health/live', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await at('/other')).status).toBe(404);
    const origin = 'https://shop.example';
    const asked = { origin, 'access-control-request-method': 'POST' };
    const preflight = await at('/graphql', { method: 'OPTIONS', headers: asked });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
  });

  it('sends each cookie of its own', async () => {
    products.headers = { 'set-cookie': 'a=1; Path=/', 'x-other': '1' };
    const { headers } = await gateway.post({ query: '{ product { price } }' });
    expect(headers.getSetCookie()).toEqual(['a=1; Path=/']);
    products.headers = {};
  });

  it('refuses a subscription whose client takes no parts', async () => {
    const response = await gateway.post({ query });
    const told: Json = await response.json();
    expect([response.status, told.errors[0].extensions.code]).toEqual([406, 'NOT_ACCEPTABLE']);
  });

  it('answers 400 to a request that Lambda would not send', async () => {
    const wrong = { ...event({}), [sender === 'rest api' ? 'path' : 'rawPath']: 'no path' };
    const { head, body } = gateway.runtime.invoke(wrong);
    expect((await head).statusCode).toBe(400);
    expect(JSON.parse(await text(await body)).errors[0].message).toContain(
      'its path does not begin with a slash',
    );
  });

  it('refuses an answer that is larger than `lambda.stream`', async () => {
    const response = await gateway.post({ query: `{ text(of: "x", length: ${2 ** 18}) }` });
    const told: Json = await response.json();
    expect([response.status, told.errors[0]]).toEqual([
      400,
      {
        message: `The answer is larger than ${2 ** 18} bytes.`,
        extensions: { code: 'RESPONSE_TOO_LARGE' },
      },
    ]);
  });

  it('refuses it in an event where its client takes nothing else', async () => {
    const body = bodyOf(`{ text(of: "x", length: ${2 ** 18}) }`);
    const { head, body: answer } = invoke({ headers: [json, sse], body });
    const events = readEventStream(new Headers(headersIn(await head)).get('content-type')!, await answer);
    const { errors } = JSON.parse((await events.next()).value!);
    expect(errors[0].extensions.code).toBe('RESPONSE_TOO_LARGE');
    expect((await events.next()).done).toBe(true);
  });

  it('ends a deferred answer that becomes larger with an error', async () => {
    const words = Array.from({ length: 5 }, (_, i) => `w${i}: words(length: 60000)`).join(' ');
    const accept = ['accept', 'multipart/mixed;incrementalSpec=v0.2, application/json'] as const;
    const { head, body } = invoke({
      headers: [json, accept],
      body: bodyOf(`{ product { id ... @defer { ${words} } } }`),
    });
    const type = new Headers(headersIn(await head)).get('content-type')!;
    const parts: Json[] = [];
    for await (const part of readMultipart(type, await body)) parts.push(JSON.parse(part));
    expect(parts).toMatchObject([
      { data: { product: { id: '1' } }, pending: [{ id: '0' }], hasNext: true },
      { completed: [{ id: '0', errors: [{ extensions: { code: 'RESPONSE_TOO_LARGE' } }] }], hasNext: false },
    ]);
  });

  it('has a client come back for the event that is too large for the rest of its stream', async () => {
    const named = bodyOf('subscription { repriced { price name } }');
    const { body } = invoke({ headers: [json, sse], body: named });
    const lines = createInterface({ input: await body })[Symbol.asyncIterator]();
    /** The next line that is neither empty nor a heartbeat. */
    const next = async (): Promise<string> => {
      for (;;) {
        const { done, value } = await lines.next();
        if (done === true) return 'end';
        if (value !== '' && value !== ':') return value;
      }
    };
    await opened();
    for (const price of [1, 2]) {
      upstreams.give({ repriced: { price, name: 'x'.repeat(100_000) } });
      expect(await next()).toBe('event: next');
      expect(JSON.parse((await next()).slice('data: '.length)).data.repriced.price).toBe(price);
    }
    upstreams.give({ repriced: { price: 3, name: 'x'.repeat(100_000) } });
    expect(await next()).toMatch(/^retry: \d+$/);
    expect(await next()).toBe('end');
    await closed();
  });

  it('ends a stream with an error where an event is larger than any stream', async () => {
    const named = bodyOf('subscription { repriced { price name } }');
    const { head, body } = invoke({ headers: [json, sse], body: named });
    const type = new Headers(headersIn(await head)).get('content-type')!;
    const events = readEventStream(type, await body);
    await opened();
    upstreams.give({ repriced: { price: 1, name: 'x'.repeat(2 ** 18) } });
    const { errors } = JSON.parse((await events.next()).value!);
    expect(errors[0].extensions.code).toBe('RESPONSE_TOO_LARGE');
    expect((await events.next()).done).toBe(true);
    await closed();
  });

  /** Subscribes with more and more time, until a busy machine has it opened before that is over. */
  async function subscribeFor(accept: readonly [string, string]) {
    for (let milliseconds = 1500; ; milliseconds *= 3) {
      upstreams.reset();
      const { head, body } = subscribe(accept, milliseconds);
      const answer = await body;
      const { statusCode } = await head;
      if (statusCode === 200 && upstreams.open.length > 0) return { head, answer };
      answer.resume();
    }
  }

  it("ends a stream before the function's time is over, so that its client comes back", async () => {
    const before = gateway.runtime.failures.length;
    const { answer } = await subscribeFor(sse);
    expect(await text(answer)).toMatch(/^(:\n\n)+retry: \d+\n\n$/);
    await closed();
    expect(lastStatus()).toBe(200);
    expect(gateway.runtime.failures).toHaveLength(before);
  });

  it('completes for Apollo at that time, without an error', async () => {
    const { head, answer } = await subscribeFor(multipart);
    const type = new Headers(headersIn(await head)).get('content-type')!;
    const parts: Json[] = [];
    for await (const part of readMultipart(type, answer)) parts.push(JSON.parse(part));
    expect(parts.filter((part) => Object.keys(part as object).length > 0)).toEqual([{ payload: null }]);
    await closed();
  });

  it('ends its source at once when the stream is closed', async () => {
    const { body, cut } = subscribe(sse);
    const answer = await body;
    answer.on('error', () => undefined);
    await opened();
    cut();
    await closed();
    expect(lastStatus()).toBe(499);
  });
});

describe('a function that streams', () => {
  const options: LambdaOptions = {
    logDestination: { write: () => undefined },
    lambda: { perInstance: true },
  };
  const open = (more: LambdaOptions = {}) =>
    openLambda({ supergraph: sourceOf(supergraph), ...options, ...more }, { transport: upstreams });
  let reset: () => void;
  beforeEach(() => {
    reset = setAwsLambda(awsLambdaStub);
  });
  afterEach(() => reset());

  it.each(['http api', 'load balancer'] as const)(
    'answers an event of a %s in one piece, as one that does not stream',
    async (sender) => {
      const { streamHandler, handler, gateway } = await open();
      const api = await startFunctionStub(awsLambdaStub.streamifyResponse(streamHandler));
      for (const [accept, body] of [
        [multipart, bodyOf('{ product { price ... @defer { stars } } }')],
        [sse, bodyOf(query)],
      ] as const) {
        const event = lambdaEvent(sender, {
          method: 'POST',
          path: '/graphql',
          headers: [json, accept],
          body,
        });
        const { body: streamed } = api.invoke(event);
        const { headers, ...answer } = await handler(event, context());
        expect(JSON.parse(await text(await streamed))).toEqual({ ...answer, headers: expect.anything() });
        expect(headers).toBeDefined();
      }
      await api.close();
      await gateway.stop();
    },
  );

  it('streams an answer that is too large for one in one piece', async () => {
    const { streamHandler, gateway } = await open();
    const api = await startFunctionStub(awsLambdaStub.streamifyResponse(streamHandler));
    const length = 7 * 2 ** 20;
    const body = bodyOf(`{ text(of: "x", length: ${length}) }`);
    const event = lambdaEvent('function url', { method: 'POST', path: '/graphql', headers: [json], body });
    expect(JSON.parse(await text(await api.invoke(event).body)).data.text).toHaveLength(length);
    await api.close();
    await gateway.stop();
  });

  it('sends its trace before it has done', async () => {
    const collector = await startOtlpReceiver();
    const { streamHandler, gateway } = await open({
      telemetry: { traces: { otlp: { url: collector.url } } },
    });
    const done = new Queue<number>();
    const api = await startFunctionStub(
      awsLambdaStub.streamifyResponse(async (...given) => {
        await streamHandler(...given);
        done.push(collector.spans.filter(({ kind }) => kind === 2).length);
      }),
    );
    const body = bodyOf('{ product { price } }');
    const event = lambdaEvent('function url', { method: 'POST', path: '/graphql', headers: [json], body });
    expect(JSON.parse(await text(await api.invoke(event).body))).toEqual({ data: { product: { price: 1 } } });
    expect(await done.next()).toBe(1);
    await api.close();
    await gateway.stop();
    await collector.close();
  });

  it.each<[string, Partial<typeof awsLambdaStub> | undefined]>([
    ['without the global', undefined],
    ['with the empty one that the AWS SDK makes', {}],
  ])("is not created outside of Lambda's runtime: %s", async (_, given) => {
    const back = setAwsLambda(given);
    const sentence = 'There is no global `awslambda`, so no answer can be streamed.';
    await expect(createStreamHandler(options)).rejects.toThrow(sentence);
    await expect(ownHandler({}, undefined as never, context())).rejects.toThrow(sentence);
    back();
  });

  it('runs as docs/lambda.md shows', async () => {
    const example = examplesOf('docs/lambda.md').find(({ text: code }) =>
      code.includes('createStreamHandler'),
    )!;
    const [, body] = /^[^]*?import \{ createStreamHandler \} from 'weir\/lambda';\n([^]*)$/.exec(
      example.text,
    )!;
    process.env['SUPERGRAPH'] = join(folder, 'supergraph.graphql');
    process.env['CACHE_STORE'] = 'redis://127.0.0.1:1';
    writeFileSync(process.env['SUPERGRAPH'], supergraph);
    const code = body!.replace('export const handler = await', 'return');
    const run = compileFunction(code, ['process', 'createStreamHandler'], { filename: 'index.mjs' });
    let stop: () => Promise<void>;
    const handler: LambdaStreamHandler = await run(process, async (given: LambdaOptions) => {
      const { streamHandler, gateway } = await openLambda(
        { ...given, logDestination: options.logDestination! },
        { transport: upstreams },
      );
      stop = () => gateway.stop();
      return awsLambdaStub.streamifyResponse(streamHandler);
    });
    const api = await startFunctionStub(handler);
    const headers = [json, sse];
    const event = lambdaEvent('function url', {
      method: 'POST',
      path: '/graphql',
      headers,
      body: bodyOf(query),
    });
    const { head, body: answer } = api.invoke(event);
    const events = readEventStream(new Headers(headersIn(await head)).get('content-type')!, await answer);
    await opened();
    upstreams.give(repriced(1));
    expect(JSON.parse((await events.next()).value!)).toEqual({ data: repriced(1) });
    upstreams.opened[0]!.events.end();
    expect((await events.next()).done).toBe(true);
    await api.close();
    await stop!();
  });
});
