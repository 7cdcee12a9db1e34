/**
 * What the events of the sample shop keep fresh: `weir dev`, and another gateway with two workers in front of the same
 * subgraphs. Nothing but events tells one gateway what was changed through the other: answers may be cached for an hour.
 * Over 300 lines: its steps build on one start.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { childrenOf, type DevProcess, endAll, eventually, startDev, startWeir } from '../support/process';
import { freePort } from '../support/free-port';
import { examplesOf, root } from '../support/documentation';
import type { Json } from '../support/running-gateway';
import { overEventStream, type Subscriber } from '../support/subscription-clients';

const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
const keys = { WEIR_LINK_KEYS: 'a-key-of-two-gateways-0123456789' };
const names = ['accounts', 'products', 'inventory', 'reviews', 'orders', 'payments', 'history'];
const forAnHour = {
  inventory: { cache: { maxAge: '1h', scope: 'public' } },
  reviews: { cache: { maxAge: '1h', scope: 'public' } },
  orders: { cache: { maxAge: '1h' } },
};

let shop: DevProcess;
let other: { readonly url: string; readonly pid: number; kill(): Promise<unknown> };
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

beforeAll(async () => {
  const config = file('shop.yaml', stringify({ subgraphs: forAnHour }));
  shop = await startDev(['--data', join(folder, 'dynamodb'), '--config', config], {
    ...keys,
    LOG_LEVEL: 'info',
  });
  file(
    'who.mjs',
    `export default ({ authorizationToken }) => {
      const sub = authorizationToken.replace('Bearer ', '');
      return { isAuthorized: true, resolverContext: { sub, scope: sub === 'support' ? 'support' : 'profile' } };
    };`,
  );
  const { events } = parse(
    examplesOf('docs/events.md').find(({ text }) => text.includes('RatingsChanged:'))!.text,
  );
  const stockChanged = {
    ...{ types: ['StockChanged'], source: 'inventory', key: { upc: 'subject' } },
    filter: [{ subject: { in: '{$args.upcs}' } }],
  };
  const subgraphs = Object.fromEntries(
    names.map((name) => [
      name,
      {
        ...forAnHour[name as keyof typeof forAnHour],
        url: new RegExp(`${name} +(http:\\S+)`).exec(shop.stdout)![1],
      },
    ]),
  );
  const auth = { anonymous: true, lambda: { module: 'who.mjs' } };
  file('other.yaml', stringify({ subgraphs, auth, events: { ...events, subscriptions: { stockChanged } } }));
  // It comes back at the same port.
  other = await startOther(String(await freePort()));
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

async function startOther(port: string): Promise<typeof other> {
  const supergraph = join(root, 'schema/supergraph.graphql');
  const ports = ['--port', port, '--admin-port', '0'];
  const flags = ['--workers', '2', '--config', join(folder, 'other.yaml'), '--supergraph', supergraph];
  const weir = startWeir(['gateway', ...flags, ...ports], keys);
  const [, url] = await weir.printed(/2 workers answer at (http:\S+?)[.,]?\s/);
  await eventually(() => weir.stdout.split('"events are heard"').length - 1 === 6, 30_000);
  const kill = (): Promise<unknown> => {
    weir.signal('SIGKILL');
    return weir.exit;
  };
  return { url: url!, pid: weir.pid, kill };
}

/** Over a connection of its own, so that each worker is asked. */
async function ask(url: string, query: string, user?: string): Promise<{ data: Json; cache: string | null }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', connection: 'close' },
      ...(user !== undefined && { authorization: `Bearer ${user}` }),
    },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as Json;
  expect(errors).toBeUndefined();
  return { data, cache: response.headers.get('x-cache') };
}
const askOften = (...given: Parameters<typeof ask>): Promise<Awaited<ReturnType<typeof ask>>[]> =>
  Promise.all(Array.from({ length: 8 }, () => ask(...given)));

/** A query whose answer changes. Waits until the answer before is cached, and until the one after it is there. */
async function watch<Value>(url: string, query: string, read: (data: Json) => Value, user?: string) {
  await eventually(async () => (await askOften(url, query, user)).every(({ cache }) => cache === 'HIT'));
  const valueOf = async (): Promise<Value[]> =>
    (await askOften(url, query, user)).map(({ data }) => read(data));
  return {
    before: (await valueOf())[0]!,
    async becomes(expected: Value): Promise<void> {
      await eventually(async () => (await valueOf()).every((value) => value === expected));
      // It stays so.
      expect(await valueOf()).toEqual(Array(8).fill(expected));
    },
  };
}

const ratings = (url: string, upc: string) =>
  watch(
    url,
    `{ product(upc: "${upc}") { ratingSummary { count } } }`,
    ({ product }) => product.ratingSummary.count as number,
  );
let written = 0;
const writeReview = (url: string, upc: string) =>
  ask(
    url,
    `mutation { writeReview(input: { upc: "${upc}", rating: 5, body: "Good." }, idempotencyKey: "${written++}") { id } }`,
    'u1',
  );
const order = async (url: string, upc: string, quantity = 1): Promise<string> =>
  (
    await ask(
      url,
      `mutation { placeOrder(
        input: {
          lines: [{ upc: "${upc}", quantity: ${quantity} }]
          deliveryAddress: { street: "Oudegracht 1", city: "Utrecht", postalCode: "3511 AA", country: "NL" }
          paymentToken: "tok_ok"
        }
        idempotencyKey: "${written++}"
      ) { id status } }`,
      'u1',
    )
  ).data.placeOrder.id;
const advance = (id: string, from: string) =>
  ask(shop.url, `mutation { advanceOrder(id: "${id}", from: ${from}) { status } }`, 'support');
const processOf = (name: string): number =>
  childrenOf(shop.pid).find(({ command }) => command.includes(`/${name}/`))!.pid;

it('what is changed through one gateway is fresh in the other: ratings, stock, pages of a warehouse, an order', async () => {
  const { data } = await ask(
    shop.url,
    '{ warehouse(code: "RTM") { stock(first: 100) { edges { node { product { upc } available } } } } }',
  );
  const { product, available } = data.warehouse.stock.edges
    .map(({ node }: Json) => node)
    .find((node: Json) => node.available > 0 && node.available < 100);
  const { upc } = product;
  const inStock = await watch(
    other.url,
    `{ product(upc: "${upc}") { inStock } }`,
    (all) => all.product.inStock,
  );
  const onPage = await watch(
    other.url,
    '{ warehouse(code: "RTM") { stock(first: 100) { edges { node { product { upc } available } } } } }',
    ({ warehouse }) =>
      warehouse.stock.edges.find(({ node }: Json) => node.product.upc === upc).node.available,
  );
  expect([inStock.before, onPage.before]).toEqual([true, available]);
  const id = await order(shop.url, upc, available);
  await inStock.becomes(false);
  await onPage.becomes(0);

  const status = await watch(other.url, `{ order(id: "${id}") { status } }`, (all) => all.order.status, 'u1');
  expect(status.before).toBe('PLACED');
  await advance(id, 'PLACED');
  await status.becomes('SHIPPED');

  const [here, there] = [await ratings(shop.url, 'p1'), await ratings(other.url, 'p1')];
  await writeReview(shop.url, 'p1');
  await there.becomes(there.before + 1);
  await writeReview(other.url, 'p1');
  await here.becomes(here.before + 2);
  await there.becomes(there.before + 2);
});

it('nothing is older than its event when subgraphs were killed, and a worker', async () => {
  const [here, there] = [await ratings(shop.url, 'p2'), await ratings(other.url, 'p2')];
  process.kill(processOf('reviews'), 'SIGKILL');
  await shop.printed(/reviews is back\./);
  // Written before the gateways read the events again: they go on from where they were.
  await writeReview(shop.url, 'p2');
  await there.becomes(there.before + 1);
  await here.becomes(here.before + 1);

  process.kill(childrenOf(other.pid)[0]!.pid, 'SIGKILL');
  await writeReview(shop.url, 'p2');
  await there.becomes(there.before + 2);
});

it('a subscription that events feed loses and doubles none when its gateway and its subgraph are killed', async () => {
  const upc = 'p3';
  const open: Subscriber[] = [];
  const subscribe = (after?: string): Subscriber => {
    const query = `subscription { stockChanged(upcs: ["${upc}"]) { upc name inStock } }`;
    const extensions = after === undefined ? {} : { after };
    const subscriber = overEventStream(other.url, { query, extensions });
    open.push(subscriber);
    return subscriber;
  };
  const cursors: string[] = [];
  const take = async (subscriber: Subscriber, count: number): Promise<void> => {
    for (let taken = 0; taken < count; taken++) {
      const { data, extensions } = await subscriber.next();
      expect([data?.stockChanged, extensions.weir.gap]).toEqual([
        { upc, name: expect.any(String), inStock: true },
        undefined,
      ]);
      cursors.push(extensions.weir.cursor);
    }
  };
  try {
    const first = subscribe();
    const arrived = take(first, 1);
    // Nothing tells a client that its subscription is open. An event comes within milliseconds.
    while (cursors.length === 0) await order(shop.url, upc).then(() => Promise.race([arrived, pause(3000)]));
    const [, port] = /:(\d+)\//.exec(other.url)!;
    await other.kill();
    for (let i = 0; i < 3; i++) await order(shop.url, upc);
    process.kill(processOf('inventory'), 'SIGKILL');
    other = await startOther(port!);
    await shop.printed(/inventory is back\./);
    const second = subscribe(cursors.at(-1));
    await take(second, 3);
    for (let i = 0; i < 2; i++) await order(shop.url, upc);
    await take(second, 2);
    expect(new Set(cursors).size).toBe(cursors.length);
    const more = await Promise.race([second.next(), pause(200).then(() => 'nothing')]);
    expect(more).toBe('nothing');
  } finally {
    for (const { close } of open) close();
  }
});

it('each hop of an order, from the gateway to the read models of its events, logs the request id and the trace', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const response = await fetch(shop.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer u1',
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({
      query: `mutation {
        placeOrder(
          input: {
            lines: [{ upc: "p3", quantity: 1 }]
            deliveryAddress: { street: "Oudegracht 1", city: "Utrecht", postalCode: "3511 AA", country: "NL" }
            paymentToken: "tok_ok"
          }
          idempotencyKey: "traced"
        ) { id }
      }`,
    }),
  });
  const requestId = response.headers.get('x-request-id')!;
  const { data } = (await response.json()) as Json;
  const lines = () => shop.stderr.split('\n').filter((line) => line.includes(`requestId=${requestId}`));
  /** Such as `orders: task completed reserveStock`. */
  const hops = () =>
    lines().map((line) => {
      const [, name, says] = /^(\S+) +\| \S+ (.*?) \w+=/.exec(line)!;
      const [, of = ''] = / (?:task|type|consumer)=(\S+)/.exec(line) ?? [];
      return `${name}: ${says} ${of}`.trim();
    });
  const tasks = [
    'recordOrder',
    'priceOrder',
    'reserveStock',
    'takePayment',
    'confirmOrder',
    'announceShipment',
  ];
  const expected = [
    'gateway: request',
    'orders: request',
    'orders: workflow started',
    ...tasks.map((task) => `orders: task completed ${task}`),
    ...['products: request', 'inventory: request', 'payments: request'],
    'inventory: event logged StockChanged',
    'payments: event logged PaymentTaken',
    'orders: event logged OrderPlaced',
    'orders: workflow completed',
    'history: event order-history@1',
    'history: event popularity@1',
  ];
  await eventually(() => expected.every((hop) => hops().includes(hop)), 20_000).catch(() => undefined);
  expect(hops()).toEqual(expect.arrayContaining(expected));
  expect(lines().filter((line) => !line.includes(`traceId=${traceId}`))).toEqual([]);
  const without = shop.stderr.split('\n').filter((line) => line.includes(data.placeOrder.id));
  expect(without.filter((line) => !line.includes(requestId))).toEqual([]);
});

it('says nothing of events when it stops', async () => {
  // A subgraph was killed above, and is heard again some time after it is back.
  await eventually(() => {
    const heard = new Map<string, boolean>();
    for (const [, state, source] of shop.stderr.matchAll(
      /events are (heard|not heard any more) .*?source=(\w+)/g,
    ))
      heard.set(source!, state === 'heard');
    return [...heard.values()].every((each) => each);
  }, 30_000);
  const before = shop.stderr.length;
  expect(await shop.stop()).toBe(0);
  const lines = shop.stderr.slice(before).split('\n');
  // Each reader of events is a request, which ends.
  expect(lines.filter((line) => !line.includes('| info request ')).join('\n')).not.toContain('events');
});

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
