/** Header rules and tokens of subgraphs that a graph replaces by others of the same name. */
import type { GatewayOptions } from '../../gateway';
import { Registry } from '../../schema';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';
import { exchangedFor, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

const variants = ['prod', 'pr-1'] as const;
const subgraphs = {} as Record<(typeof variants)[number], TestSubgraph>;
let stores: TestRegistryStores;
let issuer: TokenIssuer;
let endpoint: TokenEndpoint;
let gateway: TestGateway;

beforeAll(async () => {
  stores = await registryStoreKinds[0]![1]();
  [issuer, endpoint] = await Promise.all([startTokenIssuer(), startTokenEndpoint()]);
  for (const variant of variants) {
    const started = await startSubgraph({
      name: 'orders',
      typeDefs: 'type Query { orders: Int }',
      resolvers: { Query: { orders: () => 1 } },
    });
    subgraphs[variant] = started;
    const registry = new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } });
    const published = {
      name: 'orders',
      routingUrl: started.url,
      file: 'orders.graphql',
      sdl: started.typeDefs,
    };
    expect((await registry.publish([published], { by: 'ana' })).outcome).toBe('published');
  }
});
afterEach(() => gateway.stop());
afterAll(async () => {
  await Promise.all([
    issuer.close(),
    endpoint.stop(),
    ...Object.values(subgraphs).map((each) => each.close()),
  ]);
  await stores.close();
});

type Settings = NonNullable<GatewayOptions['subgraphs']>[string];

/** The headers that the subgraphs of both graphs get. */
async function seenWith(own: Settings, ofPreview: Settings) {
  gateway = await startTestGateway({
    supergraph: { registry: stores.location, pollInterval: 1000 },
    auth: { oidc: [{ issuer: issuer.url, audience: 'shop', groupsClaim: 'groups' }] },
    headers: { forward: [] },
    subgraphs: { orders: own },
    graphs: {
      default: 'shop@prod',
      choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
      allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
      of: { 'shop@pr-1': { subgraphs: { orders: ofPreview } } },
    },
  });
  const token = await issuer.token({ groups: ['staff'] });
  const headers = { authorization: `Bearer ${token}`, 'x-tenant': 't1' };
  for (const more of [{}, { 'x-weir-graph': 'pr-1' }])
    expect(
      await (await gateway.post({ query: '{ orders }' }, { headers: { ...headers, ...more } })).json(),
    ).toEqual({
      data: { orders: 1 },
    });
  const [prod, preview] = variants.map((variant) => subgraphs[variant].requests.splice(0)[0]!.headers);
  return { token, prod: prod!, preview: preview! };
}
const auth = () =>
  ({
    ...{ type: 'TOKEN_EXCHANGE', tokenUrl: endpoint.url, audience: 'orders' },
    ...{ clientId: 'weir', clientSecret: 'secret' },
  }) as Settings['auth'];

it('are those of the graph', async () => {
  const { prod, preview } = await seenWith({}, { headers: { forward: ['x-tenant'] } });
  expect([prod['x-tenant'], preview['x-tenant']]).toEqual([undefined, 't1']);
});

it('are a token that is exchanged in the one graph, and nothing of the token in the other', async () => {
  const { token, prod, preview } = await seenWith({ auth: auth() }, { headers: { forward: ['x-tenant'] } });
  expect(prod.authorization).toBe(`Bearer ${exchangedFor(token, 'orders')}`);
  expect(preview['x-tenant']).toBe('t1');
  expect(JSON.stringify(preview)).not.toContain(token);
});

it('are a token that is exchanged only where the graph has that', async () => {
  const { token, prod, preview } = await seenWith({}, { auth: auth() });
  expect(prod.authorization).toBeUndefined();
  expect(preview.authorization).toBe(`Bearer ${exchangedFor(token, 'orders')}`);
});
