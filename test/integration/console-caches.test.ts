/** The page *Caches and streams* of the console, of a gateway whose options and traffic are full of secrets. */
import type { CachesView, StreamsView } from '../../gateway/console/caches-api';
import { optionsWithSecrets, planted, secret, secretsSoFar } from '../support/planted-secrets';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, type SmallGraph, startSmallGraph } from '../support/small-graph';
import { type SubscribedServer, serveSubscriptions } from '../support/subscribed-subgraphs';

const token = secret();
let graph: SmallGraph;
let counts: SubscribedServer;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  counts = await serveSubscriptions('sse');
  const typeDefs = 'type Query { a: Int }  type Subscription { count(text: String): Int }';
  const services = [graph.accounts, graph.reviews, { name: 'counts', url: counts.url, typeDefs }];
  gateway = await startTestGateway({
    ...optionsWithSecrets(),
    supergraph: sourceOf(compose(services)),
    admin: { port: 0, token },
  });
});
afterAll(async () => {
  await gateway.stop();
  await counts.stop();
  await graph.close();
});

async function text(path: string): Promise<string> {
  const response = await fetch(`${gateway.adminUrl}/console/api/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  return response.text();
}
const read = async <Answer>(path: string): Promise<Answer> => JSON.parse(await text(path)) as Answer;

const keyed = 'query Keyed($id: ID!) { user(id: $id) { id name reviews { rating } } }';

it('shows what the entity cache and the response cache hold, and how they answered', async () => {
  for (const subgraph of [graph.accounts, graph.reviews])
    subgraph.headers = { 'cache-control': 'public, max-age=60' };
  for (let i = 0; i < 3; i++)
    await (await gateway.post({ query: '{ me { name reviews { rating } } }' })).text();
  // Answers are stored in the background.
  await eventually(async () => (await read<CachesView>('caches')).responses.entries > 0);
  const { store, memory, responses, entities, tags } = await read<CachesView>('caches');
  expect(store).toBe('memory');
  expect(memory!.bytes).toBeLessThan(memory!.maxBytes);
  expect(responses).toMatchObject({ miss: 1, stored: 1, entries: 1 });
  expect(entities).toMatchObject([{ subgraph: 'reviews', type: 'User', miss: 1, stored: 1, entries: 1 }]);
  expect(tags.map(({ name }) => name)).toEqual(expect.arrayContaining(['type:User', 'User:id=…']));
});

it('shows what was invalidated, and by whom', async () => {
  const response = await fetch(`${gateway.adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ entities: [{ type: 'User', key: { id: secret() } }], types: ['Review'] }),
  });
  expect(response.status).toBe(200);
  await eventually(async () => (await read<CachesView>('caches')).invalidations.counts.operator === 1);
  const { recent } = (await read<CachesView>('caches')).invalidations;
  expect(recent).toEqual([
    {
      ...{ at: expect.any(Number), kind: 'operator', by: '127.0.0.1', isConfirmed: true },
      ...{ tags: ['type:Review', 'User:id=…'], more: 0 },
    },
  ]);
});

it('shows subscriptions by field and protocol, and how many clients share a source', async () => {
  const left = new AbortController();
  const subscribe = (variable: string, accept = 'text/event-stream') =>
    fetch(gateway.url, {
      ...{ method: 'POST', signal: left.signal },
      headers: { accept, 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'subscription Count($text: String) { count(text: $text) }',
        variables: { text: variable },
      }),
    });
  const [one, other] = [secret(), secret()];
  await Promise.all([
    ...[subscribe(one), subscribe(one), subscribe(other)],
    subscribe(one, 'multipart/mixed;subscriptionSpec=1.0, application/json'),
  ]);
  expect(await read<StreamsView>('streams')).toEqual({
    ...{ clients: 4, others: 0 },
    fields: [
      {
        ...{ field: 'count', subgraph: 'counts', source: 'sse' },
        ...{ clients: 4, executions: 2, sources: 2, largest: 3, protocols: { sse: 3, multipart: 1 } },
      },
    ],
  });
  expect(await text('streams')).not.toContain(planted);
  left.abort();
  await eventually(async () => (await read<StreamsView>('streams')).clients === 0);
});

it('has none of over 1,000 secrets of options and traffic in its JSON', async () => {
  const headers = (): Record<string, string> => ({
    authorization: `Bearer ${secret()}`,
    cookie: `session=${secret()}`,
    'x-other': secret(),
  });
  for (let i = 0; i < 40; i++) {
    const literal = `query Literal { user(id: "${secret()}") { id reviews { rating } } }`;
    await (await gateway.post({ query: keyed, variables: { id: secret() } }, { headers: headers() })).text();
    await (await gateway.post({ query: literal }, { headers: headers() })).text();
    await (
      await gateway.post({ query: keyed, variables: { id: [secret()] } }, { headers: headers() })
    ).text();
  }
  await expect(
    gateway.reload(() => ({ supergraph: `https://user:${secret()}@host/?key=${secret()}` })),
  ).rejects.toThrow();
  expect(secretsSoFar()).toBeGreaterThan(1_000);
  await eventually(async () => (await read<CachesView>('caches')).responses.entries > 40);
  for (const path of ['caches', 'streams', 'versions', 'options']) {
    const answer = await text(path);
    expect(answer.length).toBeGreaterThan(20);
    expect(answer).not.toContain(planted);
  }
});
