/**
 * An operation whose result is a source of answers, from a subgraph to the client's sink. Clients are refused subscriptions
 * when these are learned; here one is known already, made of a plan by the real planner (`KnownOperation.run`). Over 300
 * lines: each way in which a source, a client and a gateway end.
 */
import { buildSubgraphSchema } from '@apollo/subgraph';
import { buildSchema, parse } from 'graphql';
import { compileSubscription, subscribe } from '../../gateway/execution';
import type { KnownOperation } from '../../gateway/graph/engine';
import { buildQueryPlanner } from '../../gateway/planning/planner';
import { createFormatError } from '../../gateway/request/format-error';
import type { Hooks } from '../../gateway/request/hooks';
import { createPipeline } from '../../gateway/request/pipeline';
import { Reply } from '../../gateway/request/reply';
import { RunOperation } from '../../gateway/request/run-operation';
import { answerBySchema, createInProcessTransport } from '../../gateway/subgraph-calls/in-process';
import {
  type Subscribe,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../gateway/subgraph-calls/transport';
import { callerOf } from '../support/caller';
import { compose } from '../support/compose';
import { HeldSource } from '../support/held-source';
import { InProcessClient, type InProcessOptions } from '../support/in-process-client';
import { openRequests } from '../support/requests-in-flight';
import type { Json } from '../support/running-gateway';

const sdls = {
  products: `
    type Query { product: Product }
    type Subscription { repriced(upc: ID!): Product }
    type Product @key(fields: "upc") { upc: ID!  price: Int }`,
  reviews: 'type Product @key(fields: "upc") { upc: ID!  stars: Int }',
};
const { supergraph, plan } = buildQueryPlanner({ supergraphSdl: compose(sdls) });
const schema = buildSchema(supergraph.apiSchemaSdl.join(''));

const query = 'subscription ($upc: ID!) { repriced(upc: $upc) { price stars } }';
const subscription = compileSubscription({
  plan: plan(query, undefined, []),
  schema,
  supergraphSchema: schema,
  document: parse(query),
});

/** Answers for entities; the second of these fails. */
const reviews = createInProcessTransport({
  name: 'reviews',
  answer: answerBySchema(
    buildSubgraphSchema({
      typeDefs: parse(
        `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"]) ${sdls.reviews}`,
      ),
      resolvers: {
        Product: {
          stars: ({ upc }: Json) => {
            if (upc === 'unknown') throw new Error('It is not known.');
            return 4;
          },
        },
      },
    }),
  ),
});

/** A pipeline that knows the subscription, whose subgraph the test is. */
function open({ hooks = {}, timeout = '10s' }: { hooks?: Hooks; timeout?: string } = {}) {
  const { requests, logger, log } = openRequests({ timeouts: { request: timeout } });
  const events = new HeldSource<SubgraphResponse>();
  const opened: SubgraphRequest[] = [];
  let accept: () => void = () => undefined;
  const accepted = new Promise<void>((resolve) => (accept = resolve));
  const failure: { reason?: TransportError } = {};
  const subscribeTo: Subscribe = async (request) => {
    opened.push(request);
    await accepted;
    if (failure.reason !== undefined) throw failure.reason;
    return events;
  };
  const known: KnownOperation = {
    name: null,
    type: 'subscription',
    id: 'a',
    run: (variables, client) =>
      subscribe(subscription, {
        ...{ variables, send: reviews, open: subscribeTo, caller: client },
        callerOfEvent: () => callerOf({ deadline: performance.now() + 5000 }),
      }),
  };
  const other: KnownOperation = {
    name: null,
    type: 'query',
    id: 'b',
    run: async () => {
      const body = Buffer.from('{"data":{"a":1}}');
      return { body, data: body.subarray(8, -1), errors: [], errorsLeftOut: 0 };
    },
  };
  const gateway = {
    current: {
      known: (document: string) => (document === query ? known : other),
      hold: () => () => undefined,
    },
  } as never;
  const learn = () => Promise.reject(new Error('Nothing is to be learned.'));
  const limits = { of: () => ({ batch: 5 }), refuse: () => undefined } as never;
  const persistedOperations = { spellOut: async <Sent>(sent: Sent) => sent, refuse: undefined } as never;
  const reply = new Reply(logger, { add: () => undefined });
  const pipeline = createPipeline({
    bodyLimit: 1000,
    isReady: () => true,
    slots: { acquire: (_client, serve) => serve(), release: () => undefined },
    admit: undefined,
    rates: undefined,
    cachedAnswers: { answer: () => false, learn: () => undefined },
    limits,
    runOperation: new RunOperation({
      ...{ persistedOperations, limits, gateway, isPreflighted: () => true, learn, hooks },
    }),
    learn,
    answerHeaders: undefined as never,
    formatError: createFormatError(logger, { add: () => undefined }),
    hooks,
    reply,
  });
  const ask = (
    body: unknown = { query, variables: { upc: '1' } },
    how: InProcessOptions = {},
  ): InProcessClient => {
    const client = new InProcessClient(requests, how);
    pipeline.admit(client.request, Buffer.from(JSON.stringify(body)));
    return client;
  };
  return { ask, events, opened, accept, failure, log };
}

const eventOf = (upc: string, price: number): SubgraphResponse => ({
  status: 200,
  headers: {},
  body: Buffer.from(JSON.stringify({ data: { repriced: { __typename: 'Product', upc, price } } })),
});

const partOf = async (client: InProcessClient): Promise<Json> => {
  const part = await client.part();
  return part === undefined ? undefined : JSON.parse(part);
};

const untilOpened = async (opened: readonly unknown[]): Promise<void> => {
  while (opened.length === 0) await new Promise(setImmediate);
};

it('asks for the source with the fetch that opens it, and answers each event with what is fetched for it', async () => {
  const { ask, events, opened, accept, log } = open();
  accept();
  const client = ask();
  const { status, headers } = await client.head;
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
  const { operation, variables, caller } = opened[0]!;
  expect([operation.subgraph, operation.kind]).toEqual(['products', 'subscription']);
  expect(operation.document).toMatch(/^subscription\b.*\{repriced\(upc:\$upc\)\{__typename upc price\}\}$/);
  expect(variables.toString()).toBe('{"upc":"1"}');
  expect(caller).toBe(client.request);
  for (const price of [5, 6]) {
    events.give(eventOf('1', price));
    expect(await partOf(client)).toEqual({ data: { repriced: { price, stars: 4 } } });
  }
  expect(log).toEqual([]);
  events.end();
  expect(await partOf(client)).toBeUndefined();
  expect(log.map(({ msg, status, operationType }) => [msg, status, operationType])).toEqual([
    ['request', 200, 'subscription'],
  ]);
});

it('refuses a body that is larger than allowed, whatever connection it came by', async () => {
  const { ask, opened } = open();
  const client = ask({ query, variables: { upc: 'x'.repeat(1000) } });
  expect((await client.head).status).toBe(413);
  expect(JSON.parse(await client.text()).errors[0].extensions.code).toBe('PAYLOAD_TOO_LARGE');
  expect(opened).toEqual([]);
});

it('is open for longer than a request may take, which the fetches of each event have anew', async () => {
  const { ask, events, accept } = open({ timeout: '50ms' });
  accept();
  const client = ask();
  await client.head;
  while (performance.now() < client.request.deadline) await new Promise(setImmediate);
  events.give(eventOf('1', 5));
  expect(await partOf(client)).toEqual({ data: { repriced: { price: 5, stars: 4 } } });
  client.leave();
});

it('tells what fails for one event with that event', async () => {
  const { ask, events, accept } = open();
  accept();
  const client = ask();
  const broken = { ...eventOf('1', 6), body: Buffer.from('no JSON') };
  events.give(eventOf('unknown', 5), broken, eventOf('1', 7));
  expect(await partOf(client)).toMatchObject({
    data: { repriced: { price: 5, stars: null } },
    errors: [{ message: 'It is not known.', path: ['repriced', 'stars'] }],
  });
  expect(await partOf(client)).toMatchObject({
    data: { repriced: null },
    errors: [{ extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', service: 'products' } }],
  });
  expect(await partOf(client)).toEqual({ data: { repriced: { price: 7, stars: 4 } } });
  client.leave();
});

it('shows each answer to hooks', async () => {
  const { ask, events, accept } = open({
    hooks: { onAnswer: (_request, answer) => ({ ...answer, extensions: { seen: true } }) },
  });
  accept();
  const client = ask();
  events.give(eventOf('1', 5), eventOf('1', 6));
  for (const price of [5, 6])
    expect(await partOf(client)).toMatchObject({ data: { repriced: { price } }, extensions: { seen: true } });
  client.leave();
});

it('tells in the last part why there are no more, where the source breaks', async () => {
  const { ask, events, accept, log } = open();
  accept();
  const client = ask();
  events.give(eventOf('1', 5), new TransportError('products', 'reset'));
  expect(await partOf(client)).toMatchObject({ data: { repriced: { price: 5 } } });
  expect(await partOf(client)).toEqual({
    errors: [
      {
        message: 'Subgraph "products" closed the connection before it had answered.',
        extensions: { code: 'SUBREQUEST_HTTP_ERROR', service: 'products' },
      },
    ],
  });
  expect(await partOf(client)).toBeUndefined();
  expect(events.isClosed).toBe(true);
  expect(log.map(({ msg, status }) => [msg, status])).toEqual([['request', 200]]);
});

it('answers with an error alone where the source does not open', async () => {
  const { ask, accept, failure } = open();
  failure.reason = new TransportError('products', 'timeout');
  accept();
  const client = ask();
  expect((await client.head).status).toBe(504);
  expect(JSON.parse(await client.text())).toEqual({
    errors: [
      {
        message: 'Subgraph "products" did not answer in time.',
        extensions: { code: 'GATEWAY_TIMEOUT', service: 'products' },
      },
    ],
  });
});

it('closes the source when its client leaves while an event is awaited', async () => {
  const { ask, events, accept } = open();
  accept();
  const client = ask();
  events.give(eventOf('1', 5));
  await client.part();
  const next = client.part();
  expect(events.isClosed).toBe(false);
  client.leave();
  expect(events.isClosed).toBe(true);
  expect(await next).toBeUndefined();
});

it('gives nothing more once its client has left, though an answer was being made', async () => {
  let seen!: () => void;
  const isSeen = new Promise<void>((resolve) => (seen = resolve));
  let goOn!: () => void;
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  const { ask, events, accept } = open({
    hooks: {
      onAnswer: async (_request, answer) => {
        seen();
        await mayGoOn;
        return answer;
      },
    },
  });
  accept();
  const client = ask();
  events.give(eventOf('1', 5));
  const part = client.part();
  await isSeen;
  client.leave();
  goOn();
  expect(await part).toBeUndefined();
});

it.each([
  ['its client leaves', undefined, '10s'],
  ['its time is over', 504, '50ms'],
] as const)('closes the source once it is open, where %s before', async (_, status, timeout) => {
  const { ask, events, opened, accept } = open({ timeout });
  const client = ask();
  await untilOpened(opened);
  if (status === undefined) client.leave();
  else expect((await client.head).status).toBe(status);
  accept();
  while (!events.isClosed) await new Promise(setImmediate);
});

it('is refused to a client that takes no parts, and closed', async () => {
  const { ask, events, accept } = open();
  accept();
  const client = ask(undefined, { takesParts: false });
  expect((await client.head).status).toBe(406);
  expect(JSON.parse(await client.text()).errors[0].extensions.code).toBe('NOT_ACCEPTABLE');
  expect(events.isClosed).toBe(true);
});

it('is refused within a batch, and closed; the others of the batch are answered', async () => {
  const { ask, events, accept } = open();
  accept();
  const client = ask([{ query, variables: { upc: '1' } }, { query: '{ a }' }]);
  expect(JSON.parse(await client.text())).toEqual([
    {
      errors: [
        {
          message: 'An answer in parts within a batch is not supported.',
          extensions: { code: 'UNSUPPORTED_OPERATION' },
        },
      ],
    },
    { data: { a: 1 } },
  ]);
  expect(events.isClosed).toBe(true);
});
