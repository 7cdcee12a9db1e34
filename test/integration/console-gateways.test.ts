/** The consoles of two gateways that share a store, with real stores: each shows the requests and the figures of both. */
import type { ExplainedRequest, Gateways, Graph, Live, RequestSummary } from '../../gateway/console/api';
import { startDynamo } from '../support/cache-stores';
import { eventually } from '../support/process';
import { redisProgram, sayWithoutRedis, startRedis } from '../support/redis-server';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

sayWithoutRedis();

interface Pair {
  readonly gateways: readonly TestGateway[];
  /** The id of a request that each has answered. */
  readonly ids: readonly string[];
  stop(): Promise<void>;
}

const kinds = [...(redisProgram === undefined ? [] : ['Redis']), 'DynamoDB'];
const pairs = new Map<string, Pair>();
let graph: SmallGraph;

async function startPair(kind: string): Promise<Pair> {
  const dynamo = kind === 'Redis' ? undefined : await startDynamo();
  const redis = dynamo === undefined ? await startRedis() : undefined;
  const store = dynamo?.store ?? redis!.url;
  const gateways = await Promise.all(
    ['one', 'other'].map((name) =>
      startTestGateway({
        ...{ name, supergraph: sourceOf(graph.supergraphSdl), mode: 'development', cache: { store } },
      }),
    ),
  );
  const answers = await Promise.all(
    gateways.map((gateway, i) => gateway.post({ query: `query Of${i} { me { name } }` })),
  );
  return {
    gateways,
    ids: answers.map((answer) => answer.headers.get('x-request-id')!),
    async stop() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await redis?.stop();
      await dynamo?.close();
    },
  };
}

const read = async <Answer>({ adminUrl }: TestGateway, path: string): Promise<Answer> =>
  (await fetch(`${adminUrl}/console/api/${path}`)).json() as Promise<Answer>;

beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  graph = await startSmallGraph();
  const started = await Promise.all(kinds.map(startPair));
  kinds.forEach((kind, i) => pairs.set(kind, started[i]!));
}, 60_000);
afterAll(async () => {
  await Promise.all([...pairs.values()].map((pair) => pair.stop()));
  await graph.close();
});

describe.each(kinds)('two gateways that share a %s store', (kind) => {
  it('list the requests of both, and open those of the other', async () => {
    const { gateways, ids } = pairs.get(kind)!;
    for (const [i, gateway] of gateways.entries()) {
      const name = ['one', 'other'][1 - i]!;
      const listed = (): Promise<RequestSummary[]> => read(gateway, 'requests');
      await eventually(async () => (await listed()).some(({ id }) => id === ids[1 - i]), 30_000);
      const byGateway = new Map((await listed()).map((each) => [each.id, each.gateway]));
      expect([byGateway.get(ids[i]!), byGateway.get(ids[1 - i]!)]).toEqual([undefined, name]);
      const far = await read<RequestSummary[]>(gateway, `requests?gateway=${name}`);
      expect(far.map(({ id }) => id)).toEqual([ids[1 - i]]);
      const request = await read<ExplainedRequest>(gateway, `requests/${far[0]!.id}`);
      expect(request).toMatchObject({ gateway: name, operation: { name: `Of${1 - i}` } });
      expect(request.timeline.map((step) => step.name)).toContain('fetch accounts');
    }
  }, 60_000);

  it('add up what both have counted, and show each alone', async () => {
    const { gateways } = pairs.get(kind)!;
    const [one] = gateways as [TestGateway];
    const callsIn = async (query: string): Promise<number | undefined> =>
      (await read<Live>(one, `live${query}`)).services.find(({ name }) => name === 'accounts')?.calls;
    await eventually(async () => (await callsIn('')) === 2, 30_000);
    expect([await callsIn('?gateway=one'), await callsIn('?gateway=other')]).toEqual([1, 1]);
    const { services } = await read<Graph>(one, 'graph');
    expect(services[0]!.endpoints).toEqual([
      { url: graph.accounts.url, healthy: true, knownTo: ['one', 'other'], openAt: [] },
    ]);
    const { own, all, troubles } = await read<Gateways>(one, 'gateways');
    expect([own, all.map(({ name }) => name), troubles]).toEqual(['one', ['one', 'other'], []]);
  }, 60_000);
});

it('a gateway that stops is gone from the consoles of others', async () => {
  const { gateways } = pairs.get(kinds[0]!)!;
  await gateways[1]!.stop();
  await eventually(async () => (await read<Gateways>(gateways[0]!, 'gateways')).all.length === 1, 30_000);
  expect((await fetch(`${gateways[0]!.adminUrl}/console/api/live?gateway=other`)).status).toBe(404);
}, 60_000);
