/** More graphs than may be open, in random order: each answer is that of the graph that was requested. */
import { createHash } from 'node:crypto';
import { Registry } from '../../schema';
import { amountOf } from '../support/amounts';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';

/** How many may be open. */
const most = amountOf('WEIR_OPEN_GRAPHS', 2, 20);
const names = Array.from({ length: 10 * most }, (_, i) => `pr-${i}`);
const typeDefs = 'type Query { who: String! }';
let subgraph: TestSubgraph;
let stores: TestRegistryStores;
let gateway: TestGateway;

beforeAll(async () => {
  stores = await registryStoreKinds[0]![1]();
  subgraph = await startSubgraph({ name: 'who', typeDefs, resolvers: {} });
  // One server has all subgraphs, each at a path of its own.
  subgraph.answer = ({ url }, response) => {
    response.setHeader('content-type', 'application/json');
    response.setHeader('cache-control', 'public, max-age=60');
    response.end(JSON.stringify({ data: { who: url!.slice(1) } }));
  };
  const store = await stores.open();
  for (const variant of ['prod', ...names]) {
    const routingUrl = new URL(variant, subgraph.url).href;
    await new Registry({ store, variant: { graph: 'shop', variant } }).publish(
      [{ name: 'who', routingUrl, file: 'who.graphql', sdl: typeDefs }],
      { by: 'ana' },
    );
  }
  gateway = await startTestGateway({
    supergraph: { registry: stores.location, keep: `${stores.location}-kept.graphql` },
    auth: {
      apiKeys: [
        { client: 'ana', groups: ['staff'], sha256: createHash('sha256').update('ana').digest('hex') },
      ],
    },
    graphs: {
      default: 'shop@prod',
      choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
      allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
      open: most,
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
  await stores.close();
});

it(
  'gives right answers, and never has more open than it may',
  async () => {
    let openNow = 0;
    let mostOpen = 0;
    let seen = 0;
    const count = (): void => {
      for (; seen < gateway.log.length; seen++) {
        const { msg } = gateway.log[seen]!;
        if (msg === 'a graph is open') openNow++;
        if (msg === 'a graph is closed') openNow--;
        mostOpen = Math.max(mostOpen, openNow);
      }
    };
    const shuffled = (): string[] =>
      names
        .map((name) => ({ name, at: Math.random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ name }) => name);
    const statuses: Record<number, number> = {};
    // Some come again.
    const left = [...shuffled(), ...shuffled().slice(0, most)];
    const client = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const headers = { 'x-api-key': 'ana', 'x-weir-graph': name };
        const response = await gateway.post({ query: '{ who }' }, { headers });
        const body = (await response.json()) as Json;
        statuses[response.status] = (statuses[response.status] ?? 0) + 1;
        expect(body).toEqual({ data: { who: name } });
        count();
      }
    };
    await Promise.all([client(), client()]);
    expect(statuses).toEqual({ 200: names.length + most });
    expect(mostOpen).toBe(most);
  },
  30_000 + 3000 * names.length,
);
