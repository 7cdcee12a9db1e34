import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;
beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    overload: { requests: 2 },
    cors: { origins: ['https://shop.example'] },
  });
});
afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

it('refuses what is too much at once, answers health, and serves again afterwards', async () => {
  const held: (() => void)[] = [];
  graph.accounts.answer = (_, response) => held.push(() => response.end('{"data":{"me":{"name":"Ada"}}}'));
  const ask = (client: string) =>
    gateway.post({ query: '{ me { name } }' }, { headers: { authorization: client } });
  const served = [ask('1'), ask('2')];
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));

  const refused = await gateway.post(
    { query: '{ me { name } }' },
    { headers: { accept: 'application/graphql-response+json', origin: 'https://shop.example' } },
  );
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect(await refused.json()).toEqual({
    errors: [
      { message: 'The gateway has too many requests at this moment.', extensions: { code: 'OVERLOADED' } },
    ],
  });
  expect((await fetch(new URL('/health/live', gateway.url))).status).toBe(200);
  expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);

  graph.accounts.answer = undefined;
  for (const answer of held) answer();
  expect((await Promise.all(served)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await ask('3')).status).toBe(200);
});
