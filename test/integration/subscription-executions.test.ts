/** When the events of a source are executed, and in which order their answers come. */
import { setImmediate as turn } from 'node:timers/promises';
import { upstreams } from '../support/held-upstreams';
import type { InProcessClient } from '../support/in-process-client';
import { type InProcessGateway, inProcessSubgraph, openInProcess } from '../support/in-process-gateway';
import { eventually } from '../support/process';
import { compose } from '../support/small-graph';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
const products = inProcessSubgraph({
  name: 'products',
  typeDefs: `${link}
    type Query { product: Product }
    type Subscription { repriced: Product }
    type Product @key(fields: "upc") { upc: ID!  price: Int }`,
  resolvers: {},
});
/** The calls of slow subgraphs that wait for the test, by the products that they ask for. */
const held = new Map<string, () => void>();
const reviews = inProcessSubgraph({
  name: 'reviews',
  typeDefs: `${link}
    type Query { slow: Int }
    type Product @key(fields: "upc") { upc: ID!  slow: Int  fast: Int }`,
  resolvers: {
    Product: {
      fast: () => 1,
      slow: ({ upc }: { upc: string }) => new Promise((answer) => held.set(upc, () => answer(Number(upc)))),
    },
  },
});

const slow = 'subscription { repriced { price slow } }';
const fast = 'subscription { repriced { price fast } }';
let gateway: InProcessGateway;
const clients: InProcessClient[] = [];
const mostWaiting = 4;

beforeAll(async () => {
  gateway = await openInProcess([products, reviews], {
    transport: upstreams,
    subscriptions: { concurrency: 3 },
    subgraphs: { products: { subscriptions: { waiting: mostWaiting } } },
  });
});
afterAll(() => gateway.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.leave();
  upstreams.reset();
  held.clear();
});

async function subscribe(query: string): Promise<InProcessClient> {
  const client = gateway.ask({ query });
  clients.push(client);
  expect((await client.head).status).toBe(200);
  return client;
}
const give = (...numbers: readonly number[]): void => {
  for (const price of numbers)
    upstreams.give({ repriced: { __typename: 'Product', upc: `${price}`, price } });
};
async function pricesOf(client: InProcessClient, count: number): Promise<(number | string)[]> {
  const prices: (number | string)[] = [];
  while (prices.length < count) {
    const { data, extensions } = JSON.parse((await client.part())!);
    if (data === null && extensions.weir.gap === true) prices.push('gap');
    else prices.push(data.repriced.price);
  }
  return prices;
}
/** Resolves when the slow subgraph is called for these products, and for no other one. */
async function called(...numbers: readonly number[]): Promise<void> {
  await eventually(() => numbers.every((upc) => held.has(`${upc}`)));
  for (let i = 0; i < 20; i++) await turn();
  expect([...held.keys()]).toEqual(numbers.map(String));
}
const answer = (...numbers: readonly number[]): void => {
  for (const upc of numbers) {
    held.get(`${upc}`)!();
    held.delete(`${upc}`);
  }
};

it('does not make a subscription wait for the execution of another one with the same source', async () => {
  await subscribe(slow);
  const goesOn = await subscribe(fast);
  expect(upstreams.opened.length).toBe(1);
  const many = Array.from({ length: 50 }, (_, i) => i + 1);
  for (const price of many) {
    give(price);
    expect(await pricesOf(goesOn, 1)).toEqual([price]);
  }
  await called(1, 2, 3);
});

it('executes some events of a subscription at once, and answers them in order', async () => {
  const client = await subscribe(slow);
  give(1, 2, 3, 4);
  await called(1, 2, 3);
  answer(3, 2);
  await called(1);
  answer(1);
  expect(await pricesOf(client, 3)).toEqual([1, 2, 3]);
  await called(4);
  answer(4);
  expect(await pricesOf(client, 1)).toEqual([4]);
});

it('drops events beyond those that may wait, and tells of the gap, to the slow one alone', async () => {
  const [waits, goesOn] = [await subscribe(slow), await subscribe(fast)];
  const before = gateway.count('weir_subgraph_events_dropped_total');
  for (let price = 1; price <= 3 + mostWaiting + 2; price++) {
    give(price);
    expect(await pricesOf(goesOn, 1)).toEqual([price]);
  }
  expect(gateway.count('weir_subgraph_events_dropped_total') - before).toBe(mostWaiting);
  await called(1, 2, 3);
  answer(1, 2, 3);
  expect(await pricesOf(waits, 3)).toEqual([1, 2, 3]);
  await called(8, 9);
  answer(8, 9);
  expect(await pricesOf(waits, 2)).toEqual(['gap', 8]);
  expect(await pricesOf(waits, 1)).toEqual([9]);
});

it('answers what was received before the source ended, and gives whoever comes then a source of their own', async () => {
  const first = await subscribe(slow);
  give(1, 2);
  await called(1, 2);
  upstreams.opened[0]!.events.end();
  await eventually(() => gateway.count('weir_subscriptions_upstreams') === 0);
  const second = await subscribe(slow);
  expect(upstreams.open.length).toBe(2);
  answer(2, 1);
  expect(await pricesOf(first, 2)).toEqual([1, 2]);
  expect(await first.part()).toBeUndefined();
  upstreams.opened[1]!.events.give({
    ...{ status: 200, headers: {} },
    body: Buffer.from('{"data":{"repriced":{"__typename":"Product","upc":"3","price":3}}}'),
  });
  await called(3);
  answer(3);
  expect(await pricesOf(second, 1)).toEqual([3]);
});

it('calls for an event what was called before it, too, as the answer may be another one now', async () => {
  const client = await subscribe(slow);
  give(1);
  await called(1);
  const answerFirst = held.get('1')!;
  held.clear();
  give(1);
  await called(1);
  answer(1);
  answerFirst();
  expect(await pricesOf(client, 2)).toEqual([1, 1]);
});

it('gives a client no answer to an event from before it subscribed', async () => {
  const first = await subscribe(slow);
  give(1);
  await called(1);
  const second = await subscribe(slow);
  give(2);
  await called(1, 2);
  answer(1, 2);
  expect(await pricesOf(first, 2)).toEqual([1, 2]);
  expect(await pricesOf(second, 1)).toEqual([2]);
});

describe('what an interceptor or a hook never answers', () => {
  let hook: Promise<undefined> | undefined;
  let hurried: InProcessGateway;
  beforeAll(async () => {
    hurried = await openInProcess([products, reviews], {
      transport: upstreams,
      timeouts: { request: '500ms' },
      hooks: { onAnswer: () => hook },
    });
    // Planned before, as that may take longer.
    for (const query of [slow, fast])
      await eventually(async () => {
        const client = hurried.ask({ query });
        const { status } = await client.head;
        client.leave();
        return status === 200;
      });
    upstreams.reset();
  });
  afterAll(() => hurried.stop());
  const ask = async (query: string): Promise<InProcessClient> => {
    const client = hurried.ask({ query });
    clients.push(client);
    expect((await client.head).status).toBe(200);
    return client;
  };

  it('for an event ends the subscription, with the reason', async () => {
    const client = await ask(slow);
    give(1);
    await called(1);
    answer(1);
    expect(await pricesOf(client, 1)).toEqual([1]);
    give(2);
    const { errors } = JSON.parse((await client.part())!);
    expect(errors).toMatchObject([{ extensions: { code: 'GATEWAY_TIMEOUT' } }]);
    expect(await client.part()).toBeUndefined();
    expect(upstreams.open).toEqual([]);
  });

  it('for the answer to one client ends its subscription, with the reason', async () => {
    const client = await ask(fast);
    hook = new Promise(() => undefined);
    give(1);
    const { errors } = JSON.parse((await client.part())!);
    hook = undefined;
    expect(errors).toMatchObject([{ extensions: { code: 'GATEWAY_TIMEOUT' } }]);
    expect(await client.part()).toBeUndefined();
    expect(upstreams.open).toEqual([]);
  });

  it('for the source of a new supergraph is given up, and opened again', async () => {
    const client = await ask(fast);
    upstreams.give({ repriced: { __typename: 'Product', upc: '1', price: 1 } }, { position: 'p1' });
    expect(await pricesOf(client, 1)).toEqual([1]);
    let accept!: () => void;
    upstreams.accept = () => new Promise((later) => (accept = later));
    const elsewhere = { ...products, url: 'http://elsewhere.test/graphql' };
    await hurried.report(compose([elsewhere, reviews]), { settled: false });
    await eventually(() => upstreams.opened.length === 2);
    upstreams.accept = () => Promise.resolve();
    await eventually(() => upstreams.opened.length === 3);
    accept();
    await eventually(() => upstreams.open.length === 1);
    give(2);
    expect(await pricesOf(client, 1)).toEqual([2]);
    expect(upstreams.open.map(({ request }) => request.after)).toEqual(['p1']);
  });
});
