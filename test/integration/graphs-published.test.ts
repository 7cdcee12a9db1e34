/** Five graphs under load, with subscriptions over two protocols, while versions of one of them are published. */
import { createHash } from 'node:crypto';
import { Registry } from '../../schema';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';
import { serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';
import {
  overEventStream,
  overWebSocket,
  type Result,
  type Subscriber,
  type SubscribePayload,
} from '../support/subscription-clients';

const variants = ['prod', 'pr-1', 'pr-2', 'pr-3', 'pr-4'] as const;
type Variant = (typeof variants)[number];
const typeDefs = 'type Query { who(n: Int): String! }';
const counts = 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }';
const query = 'subscription { count }';

const subgraphs = {} as Record<Variant, TestSubgraph>;
const feeding = {} as Record<Variant, SubscribedServer>;
const open: Subscriber[] = [];
let stores: TestRegistryStores;
let gateway: TestGateway;

const keyOf = (client: string, groups: string[]) => ({
  ...{ client, groups },
  sha256: createHash('sha256').update(client).digest('hex'),
});
const publish = async (variant: Variant, sdl = typeDefs) =>
  new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } }).publish(
    [
      { name: 'who', routingUrl: subgraphs[variant].url, file: 'who.graphql', sdl },
      { name: 'counts', routingUrl: feeding[variant].url, file: 'counts.graphql', sdl: counts },
    ],
    { by: 'ana' },
  );
const headersOf = (variant: Variant): Record<string, string> => ({
  'x-api-key': 'ana',
  ...(variant !== 'prod' && { 'x-weir-graph': variant }),
});
const ask = (text: string, variant: Variant): Promise<Response> =>
  gateway.post({ query: text }, { headers: headersOf(variant) });
const over = { WebSocket: overWebSocket, SSE: overEventStream };
function subscribe(protocol: keyof typeof over, variant: Variant, payload: SubscribePayload = { query }) {
  const subscriber = over[protocol](gateway.url, payload, { headers: headersOf(variant) });
  open.push(subscriber);
  return subscriber;
}

beforeEach(async () => {
  stores = await registryStoreKinds[0]![1]();
  for (const variant of variants) {
    const resolvers = { Query: { who: (_: unknown, { n }: Json) => `${variant} ${n}` } };
    subgraphs[variant] = await startSubgraph({ name: 'who', typeDefs, resolvers });
    feeding[variant] = await serveSubscriptions('sse');
    expect((await publish(variant)).outcome).toBe('published');
  }
  gateway = await startTestGateway({
    supergraph: { registry: stores.location, pollInterval: 50, keep: `${stores.location}-kept.graphql` },
    subgraphs: { counts: { subscriptions: { protocol: 'sse' } } },
    subscriptions: { connectionParams: ['x-weir-graph'] },
    auth: { apiKeys: [keyOf('ana', ['staff']), keyOf('bob', [])] },
    graphs: {
      default: 'shop@prod',
      choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
      allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
    },
  });
});
afterEach(async () => {
  for (const { close } of open.splice(0)) close();
  await gateway.stop();
  for (const variant of variants) {
    await subgraphs[variant].close();
    await feeding[variant].stop();
  }
  await stores.close();
});

/** Sends an event to the subscribers of a graph. */
const send = (variant: Variant, result: object): void =>
  feeding[variant].feeds.filter(({ isLeft }) => !isLeft).forEach((feed) => feed.send(result));

it('loses no request and no subscription of any graph when versions of one are published', async () => {
  const subscribers = variants.flatMap((variant, i) =>
    (['WebSocket', 'SSE'] as const).map((protocol) => {
      const events: Result[] = [];
      const subscriber = subscribe(protocol, variant);
      const read = async (): Promise<void> => {
        for (;;) events.push(await subscriber.next());
      };
      void read();
      return { variant, events, base: 1000 * i, subscriber };
    }),
  );
  await eventually(() => variants.every((variant) => feeding[variant].feeds.length === 1));
  let isOver = false;
  const answered: Record<string, number> = {};
  const load = variants.map(async (variant) => {
    for (let n = 0; !isOver; n++) {
      const answer = await ask(`{ who(n: ${n % 10}) }`, variant);
      expect(await answer.json()).toEqual({ data: { who: `${variant} ${n % 10}` } });
      answered[variant] = n;
    }
  });
  try {
    for (let n = 0; n < 3; n++) {
      await publish('pr-1', `${typeDefs} extend type Query { fresh${n}: Int }`);
      await eventually(async () => (await ask(`{ fresh${n} }`, 'pr-1')).status === 200);
      for (const [i, variant] of variants.entries()) send(variant, { data: { count: 1000 * i + n } });
      await eventually(() => subscribers.every(({ events }) => events.length === n + 1));
    }
  } finally {
    isOver = true;
    await Promise.all(load);
  }
  for (const variant of variants) expect(answered[variant]).toBeGreaterThan(10);
  for (const { events, base } of subscribers)
    expect(events).toEqual([0, 1, 2].map((n) => ({ data: { count: base + n } })));
});

it.each(['WebSocket', 'SSE'] as const)(
  'gives no event of a graph to a client that comes to another graph with its cursor, over %s',
  async (protocol) => {
    const before = subscribe(protocol, 'prod');
    await eventually(() => feeding.prod.feeds.length === 1);
    send('prod', { data: { count: 1 }, extensions: { position: 'p1' } });
    const { cursor } = (await before.next()).extensions.weir;
    const after = subscribe(protocol, 'pr-1', { query, extensions: { after: cursor } });
    expect(await after.next()).toEqual({ data: null, extensions: { weir: { gap: true } } });
    await eventually(() => feeding['pr-1'].feeds.length === 1);
    expect(feeding['pr-1'].feeds[0]!.extensions).toEqual({});
    send('prod', { data: { count: 2 }, extensions: { position: 'p2' } });
    send('pr-1', { data: { count: 1002 }, extensions: { position: 'p2' } });
    expect((await after.next()).data).toEqual({ count: 1002 });
    expect((await before.next()).data).toEqual({ count: 2 });
  },
);

it('chooses the graph of a WebSocket at its connection', async () => {
  const over = (key: string, header: string, param?: string): Subscriber => {
    const headers = { 'x-api-key': key, ...(param !== undefined && { 'x-weir-graph': param }) };
    const sign = () => ({ 'x-weir-graph': header });
    const subscriber = overWebSocket(gateway.url, { query: '{ who(n: 1) }' }, { headers, sign });
    open.push(subscriber);
    return subscriber;
  };
  expect(await over('ana', 'pr-2').next()).toEqual({ data: { who: 'pr-2 1' } });
  expect(await over('ana', 'pr-2', 'pr-2').next()).toEqual({ data: { who: 'pr-2 1' } });
  const closes = ['bob pr-2', 'ana pr-2 pr-3', 'ana a/b', 'ana other'].map((given) => {
    const [key, header, param] = given.split(' ');
    return over(key!, header!, param).ended;
  });
  expect((await Promise.all(closes)).map((close) => (close as Json).code)).toEqual([4401, 4400, 4400, 4400]);
});
