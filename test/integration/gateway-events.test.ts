/** What events do to a running gateway: caches that they keep fresh, and what cannot be used. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventBody, type Publisher, startPublisher } from '../support/event-publisher';
import { eventually } from '../support/process';
import {
  type Json,
  sampleSum,
  sourceOf,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
const stock = new Map<string, number>();
let inventory: TestSubgraph;
let publisher: Publisher;
let supergraphSdl: string;
let gateway: TestGateway;

beforeAll(async () => {
  const found = ({ upc }: { upc: string }) => ({ upc, available: stock.get(upc) ?? 0 });
  inventory = await startSubgraph({
    name: 'inventory',
    typeDefs: `${link}
      type Query { product(upc: ID!): Product  products: [Product!]! }
      type Product @key(fields: "upc") { upc: ID!  available: Int! }
      type Warehouse @key(fields: "org { id } code") { org: Org!  code: ID!  city: String }
      type Org { id: ID! }`,
    resolvers: {
      Query: {
        product: (_: Json, key: Json) => found(key),
        products: () => ['p1', 'p2'].map((upc) => found({ upc })),
      },
      Product: { __resolveReference: found },
    },
  });
  inventory.headers = { 'cache-control': 'public, max-age=3600' };
  publisher = await startPublisher(inventory.url);
  supergraphSdl = compose([inventory]);
});
afterAll(async () => {
  await publisher.stop();
  await inventory.close();
});
beforeEach(() => {
  stock.clear();
  publisher.answerWith(200);
});
afterEach(() => gateway.stop());

const byKey = { entities: [{ type: 'Product', key: { upc: 'subject' } }] };
type Drop = Json;

async function start(drop: Drop = byKey, more: Json = {}): Promise<void> {
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    subgraphs: { inventory: { url: publisher.url } },
    events: {
      sources: { stock: { type: 'subgraph', subgraph: 'inventory' } },
      types: { StockChanged: { drop } },
    },
    ...more,
  });
  await eventually(async () => (await count('sources_up')) === 1);
}
const count = async (name: string, labels = ''): Promise<number> => {
  const text = await gateway.metrics();
  const lines = text.split('\n').filter((line) => line.includes(labels));
  return sampleSum(lines.join('\n'), `weir_events_${name}`);
};
const available = async (upc: string): Promise<number> =>
  (await gateway.query(`{ product(upc: "${upc}") { upc available } }`)).data.product.available;
/** Publishes events, and waits until the gateway is done with them. */
async function publish(...given: Json[]): Promise<void> {
  const before = await count('total');
  publisher.publish(...given.map((each) => (typeof each === 'string' ? each : eventBody(each))));
  await eventually(async () => (await count('total')) >= before + given.length);
}
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const bad = (): Json[] => gateway.log.filter(({ msg }) => msg === 'an event cannot be used');

describe('an event', () => {
  it('drops the entity that its mapping names, and no other', async () => {
    await start();
    for (const upc of ['p1', 'p2']) expect(await available(upc)).toBe(0);
    stock.set('p1', 7).set('p2', 8);
    await publish({ subject: 'p1' });
    expect([await available('p1'), await available('p2')]).toEqual([7, 0]);
  });

  it('drops the entities of a list in its data, tags and types', async () => {
    await start({ entities: [{ type: 'Product', key: { upc: 'data.lines[*].upc' } }] });
    for (const upc of ['p1', 'p2', 'p3']) await available(upc);
    stock.set('p1', 1).set('p2', 2).set('p3', 3);
    await publish({ data: { lines: [{ upc: 'p1' }, { upc: 'p3' }] } });
    expect([await available('p1'), await available('p2'), await available('p3')]).toEqual([1, 0, 3]);
  });

  it('that comes again is used once', async () => {
    await start();
    const body = eventBody();
    await publish(body, body);
    expect(await count('total', 'result="repeated"')).toBe(1);
  });

  it('of a version that is not named, or without its key, is logged and counted, and the others go on', async () => {
    await start();
    expect(await available('p1')).toBe(0);
    stock.set('p1', 7);
    await publish({ dataversion: 2 }, { subject: undefined }, '{"type":"StockChanged"', {
      specversion: '0.3',
    });
    expect(await available('p1')).toBe(0);
    await publish({ traceparent: 'nonsense' });
    expect(await available('p1')).toBe(7);
    for (const reason of ['version', 'key', 'json', 'shape'])
      expect([reason, await count('total', `reason="${reason}"`)]).toEqual([reason, 1]);
    expect(bad().map(({ reason }) => reason)).toEqual([
      'Version 2 is not one of those that the options name.',
      '`subject`, for the key of Product, is not in the event as text, number or boolean.',
      'The event is not JSON.',
      '`specversion` is not "1.0".',
    ]);
  });

  it('over 200 KiB is refused; one that is far larger costs a gap, and no memory', async () => {
    await start();
    await publish({ data: 'x'.repeat(200 * 1024) });
    expect(await count('total', 'reason="size"')).toBe(1);
    publisher.publish(eventBody({ data: 'x'.repeat(1024 * 1024) }));
    await eventually(async () => (await count('gaps_total')) === 1);
    stock.set('p1', 7);
    await publish({});
    expect(await available('p1')).toBe(7);
  });

  it('with thousands of keys drops their type', async () => {
    await start({ entities: [{ type: 'Product', key: { upc: 'data.lines[*].upc' } }] });
    expect(await available('p9')).toBe(0);
    stock.set('p9', 9);
    await publish({ data: { lines: Array.from({ length: 3000 }, (_, i) => ({ upc: `q${i}` })) } });
    expect(await available('p9')).toBe(9);
  });
});

it('each line about an event has its request id and its trace', async () => {
  await start(byKey, { logging: { level: 'debug' } });
  const began = { correlationid: 'order-7', traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  await publish({ id: 'good', ...began }, { id: 'bad', dataversion: 2, ...began });
  const lines = gateway.log.filter(({ event }) => event !== undefined);
  expect(lines).toMatchObject(
    ['bad', 'good'].map((id) => ({
      event: { id, type: 'StockChanged', subject: 'p1' },
      requestId: 'order-7',
      traceId,
    })),
  );
});

it('a flood of bad events is counted, and few lines of the log are about it', async () => {
  await start();
  await publish(...Array.from({ length: 2000 }, () => ({ dataversion: 9 })));
  expect(await count('total', 'reason="version"')).toBe(2000);
  expect(bad().length).toBe(60);
  stock.set('p1', 7);
  await publish({});
  expect(await available('p1')).toBe(7);
});

describe('a source that is away', () => {
  it('is logged once and read again after the last event; meanwhile the gateway is ready', async () => {
    await start();
    await publish({});
    expect(await available('p1')).toBe(0);
    publisher.answerWith(503);
    publisher.cut();
    await eventually(async () => (await count('sources_up')) === 0);
    stock.set('p1', 7);
    publisher.publish(eventBody());
    expect([gateway.readiness(), await available('p1')]).toEqual([[], 0]);
    publisher.answerWith(200);
    await eventually(async () => (await available('p1')) === 7);
    const said = gateway.log.filter(({ msg }) => msg === 'events are not heard any more');
    expect([said.length, await count('gaps_total')]).toEqual([1, 0]);
  });

  it('and has forgotten the position, costs whatever its events may have changed', async () => {
    await start();
    expect(await available('p1')).toBe(0);
    stock.set('p1', 7);
    publisher.forget();
    publisher.cut();
    await eventually(async () => (await count('gaps_total')) === 1);
    expect(await available('p1')).toBe(7);
  });
});

describe('the options', () => {
  const sources = { stock: { type: 'subgraph', subgraph: 'inventory' } };

  it('name a file that is new, and the source goes on with other types', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-events-'));
    const file = join(folder, 'supergraph.graphql');
    writeFileSync(file, supergraphSdl);
    const read = (types: Json, name = 'stock'): Json => ({
      ...{ port: 0, admin: { port: 0 }, subgraphs: { inventory: { url: publisher.url } } },
      supergraph: file,
      events: { sources: { [name]: sources.stock }, types },
    });
    gateway = await startTestGateway(read({}));
    await gateway.reload(() => read({ StockChanged: { drop: byKey } }));
    await eventually(async () => (await count('sources_up')) === 1);
    expect(await available('p1')).toBe(0);
    await publish({});
    await gateway.reload(() => read({ StockChanged: { drop: byKey }, StockCounted: { drop: byKey } }));
    stock.set('p1', 7);
    await publish({ type: 'StockCounted' });
    expect([await available('p1'), await count('gaps_total')]).toEqual([7, 0]);
    await expect(gateway.reload(() => read({}, 'other'))).rejects.toThrow(
      '`events.sources` cannot be changed while the gateway runs: start it again.',
    );
    rmSync(folder, { recursive: true });
  });
});
