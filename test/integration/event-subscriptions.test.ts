/**
 * Subscription fields that events feed: what clients are sent, who gets which, and who comes back after which. Over 300
 * lines: each of these, over one gateway.
 */
import { eventBody, type Publisher, startPublisher } from '../support/event-publisher';
import { eventually } from '../support/process';
import {
  type Json,
  sampleSum,
  startTestGateway,
  sourceOf,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { overWebSocket, type SubscribePayload, type Subscriber } from '../support/subscription-clients';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
const stock = new Map<string, number>();
const found = ({ upc }: { upc: string }) => ({ upc, available: stock.get(upc) ?? 0 });
let inventory: TestSubgraph;
let publisher: Publisher;
let supergraphSdl: string;
let gateway: TestGateway;

beforeAll(async () => {
  inventory = await startSubgraph({
    name: 'inventory',
    typeDefs: `${link}
      type Query { product(upc: ID!): Product }
      type Subscription { stockChanged(upcs: [ID!], least: Int): Product  mine: Product }
      type Product @key(fields: "upc") { upc: ID!  available: Int! }`,
    resolvers: {
      Query: { product: (_: Json, key: Json) => found(key) },
      Product: { __resolveReference: found },
    },
  });
  inventory.headers = { 'cache-control': 'public, max-age=3600' };
  publisher = await startPublisher(inventory.url);
  supergraphSdl = compose([inventory]);
  gateway = await start();
});
afterAll(async () => {
  await gateway.stop();
  await publisher.stop();
  await inventory.close();
});
const opened: Subscriber[] = [];
afterEach(async () => {
  for (const subscriber of opened.splice(0)) subscriber.close();
  await eventually(async () => (await count('subscriptions_active')) === 0);
});

const events = {
  sources: { stock: { type: 'subgraph', subgraph: 'inventory' } },
  types: { StockChanged: { drop: { entities: [{ type: 'Product', key: { upc: 'subject' } }] } } },
  subscriptions: {
    stockChanged: {
      types: ['StockChanged'],
      key: { upc: 'subject' },
      filter: [{ subject: { in: '{$args.upcs}' }, 'data.left': { ge: '{$args.least?}' } }],
    },
    mine: {
      types: ['StockChanged'],
      key: { upc: 'subject' },
      only: { 'data.owner': { eq: '{$claims.sub}' } },
    },
  },
} as const;

async function start(more: Json = {}): Promise<TestGateway> {
  const started = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    subgraphs: { inventory: { url: publisher.url, identity: 'independent' } },
    auth: {
      anonymous: true,
      lambda: {
        module: ({ authorizationToken: sub }: Json) => ({
          isAuthorized: true,
          resolverContext: sub === 'nobody' ? {} : { sub },
        }),
      },
    },
    events: events as Json,
    ...more,
  });
  await eventually(async () => sampleSum(await started.metrics(), 'weir_events_sources_up') === 1);
  return started;
}
const count = async (name: string, of = gateway): Promise<number> =>
  sampleSum(await of.metrics(), `weir_${name}`);

/** Subscribes, and waits until the gateway has it. One after the other, as the gateway only tells how many it has. */
async function subscribe(
  payload: SubscribePayload,
  { user, at = gateway }: { user?: string; at?: TestGateway } = {},
) {
  const before = await count('subscriptions_active', at);
  const headers: Record<string, string> = user === undefined ? {} : { authorization: user };
  const subscriber = overWebSocket(at.url, payload, { headers });
  opened.push(subscriber);
  await eventually(async () => (await count('subscriptions_active', at)) > before);
  return subscriber;
}
async function refused(payload: SubscribePayload, user?: string): Promise<Json> {
  const headers: Record<string, string> = user === undefined ? {} : { authorization: user };
  const subscriber = overWebSocket(gateway.url, payload, { headers });
  opened.push(subscriber);
  const { errors } = await subscriber.next();
  return errors.map(({ message, extensions }: Json) => [message, extensions.code]);
}
const query =
  'subscription ($upcs: [ID!], $least: Int) { stockChanged(upcs: $upcs, least: $least) { upc available } }';
const changed = (upc: string, left: number, more: Json = {}): void => {
  stock.set(upc, left);
  publisher.publish(eventBody({ subject: upc, data: { left, ...more } }));
};
const dataOf = async (subscriber: Subscriber): Promise<Json> => (await subscriber.next()).data.stockChanged;

describe('an event', () => {
  it('brings its object to those who want it, fresh, though it was cached', async () => {
    stock.set('p1', 1);
    const ask = '{ product(upc: "p1") { upc available } }';
    expect((await gateway.query(ask)).data.product.available).toBe(1);
    const [one, both] = [
      await subscribe({ query, variables: { upcs: ['p1'] } }),
      await subscribe({ query, variables: { upcs: ['p1', 'p2'] } }),
    ];
    changed('p2', 20);
    changed('p1', 10);
    expect(await dataOf(one)).toEqual({ upc: 'p1', available: 10 });
    expect([await dataOf(both), await dataOf(both)]).toEqual([
      { upc: 'p2', available: 20 },
      { upc: 'p1', available: 10 },
    ]);
    expect((await gateway.query(ask)).data.product.available).toBe(10);
  });

  it('costs one execution for all with the same filter, and one call for all filters; no subgraph for the key', async () => {
    const many: Subscriber[] = [];
    for (let i = 0; i < 5; i++)
      many.push(
        await subscribe({
          query: `subscription { stockChanged(upcs: ["p3", "q${i % 2}"]) { upc available } }`,
        }),
      );
    const keys = await subscribe({ query: 'subscription { stockChanged(upcs: ["p3"]) { code: upc } }' });
    expect(await count('subscriptions_upstreams')).toBe(3);
    const before = inventory.requests.length;
    const executions = await count('subscriptions_executions_total');
    changed('p3', 30);
    for (const each of many) expect(await dataOf(each)).toEqual({ upc: 'p3', available: 30 });
    expect(await dataOf(keys)).toEqual({ code: 'p3' });
    expect(inventory.requests.length - before).toBe(1);
    expect((await count('subscriptions_executions_total')) - executions).toBe(3);
  });

  it('gives the calls for it the request id and the trace that it began with, and no text of its writer', async () => {
    const subscriber = await subscribe({ query, variables: { upcs: ['p1'] } });
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const tracing = async (attributes: Json): Promise<Json> => {
      publisher.publish(eventBody({ subject: 'p1', ...attributes }));
      await subscriber.next();
      const { headers } = inventory.requests.at(-1)!;
      return ['x-request-id', 'traceparent', 'tracestate'].map((name) => headers[name]);
    };
    const correlationid = '0af76519-16cd-43dd-8448-eb211c80319c';
    expect(await tracing({ correlationid, traceparent, tracestate: 'a=b' })).toEqual([
      correlationid,
      traceparent,
      undefined,
    ]);
    const bad = {
      correlationid: 'order-7',
      traceparent: traceparent.replace('00', '01') + '-é',
      tracestate: 'a=é',
    };
    const ofSubscription = expect.stringMatching(/^[\w-]{36}$/) as string;
    expect(await tracing(bad)).toEqual([ofSubscription, undefined, undefined]);
    expect(await tracing({ correlationid: undefined, traceparent, tracestate: bad.tracestate })).toEqual([
      ofSubscription,
      traceparent,
      undefined,
    ]);
  });

  it('without the key is counted, and what it drops is dropped', async () => {
    const subscriber = await subscribe({ query, variables: { upcs: ['p1'] } });
    publisher.publish(eventBody({ subject: undefined }));
    changed('p1', 11);
    expect(await dataOf(subscriber)).toEqual({ upc: 'p1', available: 11 });
  });
});

describe('a filter', () => {
  it('needs an argument that is not optional, whatever the schema says', async () => {
    const says = [['The argument `upcs` is needed: it says which events are wanted.', 'BAD_USER_INPUT']];
    expect(await refused({ query: 'subscription { stockChanged { upc } }' })).toEqual(says);
    expect(await refused({ query, variables: { upcs: null } })).toEqual(says);
  });

  it('takes no huge list', async () => {
    const upcs = Array.from({ length: 1001 }, (_, i) => `p${i}`);
    expect(await refused({ query, variables: { upcs } })).toEqual([
      ['The argument `upcs` has 1001 values; 1000 is the limit.', 'BAD_USER_INPUT'],
    ]);
  });

  it('has conditions that count where the client gives the argument', async () => {
    const subscriber = await subscribe({ query, variables: { upcs: ['p1'], least: 50 } });
    changed('p1', 49);
    changed('p1', 50);
    expect(await dataOf(subscriber)).toEqual({ upc: 'p1', available: 50 });
  });
});

describe('a condition on the caller', () => {
  const mine = 'subscription { mine { upc } }';

  it('gives each caller the own events, and no others', async () => {
    const [ada, bob] = [
      await subscribe({ query: mine }, { user: 'ada' }),
      await subscribe({ query: mine }, { user: 'bob' }),
    ];
    for (const [upc, owner] of [
      ['a1', 'ada'],
      ['x', undefined],
      ['b1', 'bob'],
      ['a2', 'ada'],
      ['b2', 'bob'],
    ])
      changed(upc!, 1, { owner });
    const both = async (subscriber: Subscriber) => [await subscriber.next(), await subscriber.next()];
    const upcs = (results: Json[]) => results.map(({ data }) => data.mine.upc);
    expect([upcs(await both(ada)), upcs(await both(bob))]).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
    ]);
  });

  it.each([[undefined], ['nobody']])('refuses a caller without the claim (%s)', async (user) => {
    expect(await refused({ query: mine }, user)).toEqual([
      ['The caller may not see Subscription.mine.', 'UNAUTHORIZED_FIELD_OR_TYPE'],
    ]);
  });

  it('takes no cursor of somebody else', async () => {
    const ada = await subscribe({ query: mine }, { user: 'ada' });
    changed('a3', 1, { owner: 'ada' });
    const { cursor } = (await ada.next()).extensions.weir;
    changed('b3', 1, { owner: 'bob' });
    const bob = await subscribe({ query: mine, extensions: { after: cursor } }, { user: 'bob' });
    expect(await bob.next()).toEqual({ data: null, extensions: { weir: { gap: true } } });
  });
});

describe('a client that comes back with a cursor', () => {
  const variables = { upcs: ['p1'] };
  const cursorOf = async (subscriber: Subscriber): Promise<string> =>
    (await subscriber.next()).extensions.weir.cursor;
  const three = async (subscriber: Subscriber) => [
    await subscriber.next(),
    await subscriber.next(),
    await subscriber.next(),
  ];

  /** A cursor, and two events after it that nobody waits for. */
  async function left(): Promise<string> {
    const first = await subscribe({ query, variables });
    changed('p1', 1);
    const cursor = await cursorOf(first);
    first.close();
    await eventually(async () => (await count('subscriptions_active')) === 0);
    for (const left of [2, 3]) changed('p1', left);
    return cursor;
  }
  const lefts = (results: Json[]) =>
    results.map(({ data, extensions }) => [data?.stockChanged.upc, extensions.weir.gap]);

  it('gets what it has missed, from the memory of the same gateway', async () => {
    const cursor = await left();
    const asked = publisher.requests.length;
    const back = await subscribe({ query, variables, extensions: { after: cursor } });
    changed('p1', 4);
    expect(lefts(await three(back))).toEqual([
      ['p1', undefined],
      ['p1', undefined],
      ['p1', undefined],
    ]);
    expect(publisher.requests.length).toBe(asked);
  });

  it('gets what it has missed from another gateway, which reads the log once for it', async () => {
    const cursor = await left();
    const other = await start();
    try {
      const asked = publisher.requests.length;
      const back = await subscribe({ query, variables, extensions: { after: cursor } }, { at: other });
      const [second, third] = [await back.next(), await back.next()];
      changed('p1', 4);
      expect(lefts([second, third, await back.next()])).toEqual([
        ['p1', undefined],
        ['p1', undefined],
        ['p1', undefined],
      ]);
      expect(publisher.requests.length - asked).toBe(1);
      expect(publisher.requests.at(-1)!.url).toContain('after=');
      await eventually(async () => publisher.requests.at(-1)!.destroyed);
    } finally {
      await other.stop();
    }
  });

  it('gets what is fresh of an event that its gateway has not heard yet', async () => {
    const cursor = await left();
    const { StockChanged } = events.types;
    const types = { StockChanged, StockCounted: StockChanged };
    const other = await start({ events: { ...events, types } as Json });
    try {
      const first = await subscribe({ query, variables, extensions: { after: cursor } }, { at: other });
      // It is cached now.
      const both = [await dataOf(first), await dataOf(first)];
      expect(both.map(({ available }) => available)).toEqual([3, 3]);
      // The gateway is at an event that no replay of the field has.
      publisher.publish(eventBody({ type: 'StockCounted', subject: 'p9' }));
      await eventually(async () => (await count('events_total', other)) === 1);
      first.close();
      await eventually(async () => (await count('subscriptions_upstreams', other)) === 0);
      publisher.mute();
      changed('p1', 5);
      const back = await subscribe({ query, variables, extensions: { after: cursor } }, { at: other });
      const each = [await dataOf(back), await dataOf(back), await dataOf(back)];
      expect(each.at(-1)).toEqual({ upc: 'p1', available: 5 });
    } finally {
      publisher.cut();
      await other.stop();
    }
  });

  it('is told of a gap where the log has forgotten, as are those who wait', async () => {
    const cursor = await left();
    const waiting = await subscribe({ query, variables });
    publisher.forget();
    publisher.cut();
    const gap = { data: null, extensions: { weir: { gap: true } } };
    expect(await waiting.next()).toEqual(gap);
    const back = await subscribe({ query, variables, extensions: { after: cursor } });
    expect(await back.next()).toEqual(gap);
    changed('p1', 5);
    expect(await dataOf(back)).toEqual({ upc: 'p1', available: 5 });
  });
});

it('a new supergraph ends no subscription, and costs no event', async () => {
  const source = sourceOf(supergraphSdl);
  const moving = await start({ supergraph: source });
  try {
    const subscriber = await subscribe({ query, variables: { upcs: ['p1'] } }, { at: moving });
    changed('p1', 1);
    expect((await dataOf(subscriber)).available).toBe(1);
    source.report(`${supergraphSdl}\n# another one\n`);
    for (let left = 2; (await count('subscriptions_moved_total', moving)) === 0; left++) {
      changed('p1', left);
      expect((await subscriber.next()).extensions.weir.gap).toBe(undefined);
    }
    changed('p1', 99);
    expect((await dataOf(subscriber)).available).toBe(99);
    expect(await count('subscriptions_upstreams', moving)).toBe(1);
    source.report(supergraphSdl.replace(/mine: Product/, 'ours: Product'));
    const gone = () =>
      moving.log.some(({ msg }) =>
        msg.includes('`events.subscriptions.mine` is no field of the subscription type'),
      );
    await eventually(async () => gone());
    subscriber.close();
  } finally {
    await moving.stop();
  }
});

it('a break of the source costs no event, and no client hears of it', async () => {
  const subscriber = await subscribe({ query, variables: { upcs: ['p1'] } });
  changed('p1', 1);
  expect((await dataOf(subscriber)).available).toBe(1);
  publisher.cut();
  changed('p1', 2);
  changed('p1', 3);
  const results = [await subscriber.next(), await subscriber.next()];
  expect(results.map(({ extensions }) => extensions.weir.gap)).toEqual([undefined, undefined]);
});
