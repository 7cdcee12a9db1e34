import { SubgraphConnections } from '../../../../../gateway/subgraph-calls/endpoints/connections';

const target = { name: 'reviews', url: new URL('http://127.0.0.1:9/graphql') };

it('share a pool among equal targets, until the last one ends', async () => {
  const connections = new SubgraphConnections({});
  const [one, other] = [connections.pool(target), connections.pool({ ...target })];
  expect(other.value).toBe(one.value);
  expect(connections.pool({ ...target, name: 'orders' }).value).not.toBe(one.value);
  one.end();
  expect(one.value.closed).toBe(false);
  other.end();
  expect(one.value.closed).toBe(true);
  await connections.close();
});

it('may be ended by their holders after all were destroyed', async () => {
  const connections = new SubgraphConnections({});
  const held = connections.pool(target);
  await connections.close();
  const rejections: unknown[] = [];
  const note = (reason: unknown): unknown => rejections.push(reason);
  process.on('unhandledRejection', note);
  held.end();
  await new Promise((turn) => setTimeout(turn, 10));
  process.off('unhandledRejection', note);
  expect(rejections).toEqual([]);
});
