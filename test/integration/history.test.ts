/** The subgraph history: what it hears of orders, and whom it tells. */
import { history } from '../../subgraphs/history';
import { popularity } from '../../subgraphs/history/popularity';
import { startSubgraph, type RunningSubgraph } from '../../kit';
import { startFakePublisher } from '../support/fake-publisher';
import { orderEvent, placed } from '../support/order-events';
import { eventually } from '../support/process';

let orders: Awaited<ReturnType<typeof startFakePublisher>>;
let subgraph: RunningSubgraph;

beforeAll(async () => {
  orders = await startFakePublisher();
  subgraph = await startSubgraph(history, {
    ...{ port: 0, logLevel: 'silent', development: true },
    options: { ordersUrl: new URL('graphql', orders.url).href },
  });
});
afterAll(async () => {
  await subgraph.stop();
  await orders.stop();
});

const historyOf = (user: string) => `
  query ($first: Int, $after: String) {
    _entities(representations: [{ __typename: "User", id: "${user}" }]) {
      ... on User {
        orderHistory(first: $first, after: $after) {
          asOf
          pageInfo { hasNextPage endCursor }
          edges { node { order { id } status lines { product { upc } quantity } changes { status at } } }
        }
      }
    }
  }`;
const popularityOf = (upc: string) => `{
  _entities(representations: [{ __typename: "Product", upc: "${upc}" }]) {
    ... on Product { popularity { orderCount pieceCount since asOf } }
  }
}`;

async function ask(query: string, { as, variables }: { as?: string; variables?: object } = {}) {
  const response = await fetch(subgraph.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(as && { authorization: `Bearer ${as}` }) },
    body: JSON.stringify({ query, variables }),
  });
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read answers as they come
  const answer = (await response.json()) as any;
  const [entity] = answer.data?._entities ?? [];
  return { entity, errors: answer.errors, policy: response.headers.get('cache-control') };
}
const itemsOf = (upc: string) => subgraph.db.table(popularity.table(1)).query({ partition: upc });
const told = (count: number, as: string) =>
  eventually(async () => {
    const { entity } = await ask(historyOf(as), { as });
    const { edges } = entity.orderHistory;
    return edges.flatMap(({ node }: { node: { changes: object[] } }) => node.changes).length === count;
  });

it('tells buyers of their orders, newest first, with each change', async () => {
  const first = placed('o1', 1, [{ upc: 'p1', quantity: 2 }]);
  const shipped = orderEvent('OrderStatusChanged', 'o1', 2, { buyerId: 'u1', status: 'SHIPPED' });
  const second = { ...placed('o2', 1, [{ upc: 'p2', quantity: 1 }]), time: '2026-01-01T13:00:00.000Z' };
  orders.push(first, second, shipped);
  await told(3, 'u1');
  const { entity, policy } = await ask(historyOf('u1'), { as: 'u1' });
  expect(entity.orderHistory).toMatchObject({
    edges: [
      { node: { order: { id: 'o2' }, status: 'PLACED', changes: [{ status: 'PLACED', at: second.time }] } },
      {
        node: {
          order: { id: 'o1' },
          status: 'SHIPPED',
          lines: [{ product: { upc: 'p1' }, quantity: 2 }],
          changes: [
            { status: 'PLACED', at: first.time },
            { status: 'SHIPPED', at: shipped.time },
          ],
        },
      },
    ],
  });
  expect(policy).toBe('no-store');
});

it('gives the history in pages', async () => {
  const { entity: one } = await ask(historyOf('u1'), { as: 'u1', variables: { first: 1 } });
  const { hasNextPage, endCursor: after } = one.orderHistory.pageInfo;
  expect(hasNextPage).toBe(true);
  const { entity: two } = await ask(historyOf('u1'), { as: 'u1', variables: { first: 1, after } });
  expect(two.orderHistory.edges[0].node.order.id).toBe('o1');
});

it.each([
  ['somebody else', 'u2', 'FORBIDDEN'],
  ['nobody', undefined, 'UNAUTHENTICATED'],
])('tells a history to no other: %s', async (_, as, code) => {
  const { entity, errors } = await ask(historyOf('u1'), as === undefined ? {} : { as });
  expect(entity).toEqual({ orderHistory: null });
  expect(errors).toMatchObject([{ extensions: { code } }]);
});

it('tells everybody how often a product was ordered', async () => {
  const lines = [{ upc: 'p9', quantity: 3 }];
  orders.push(
    placed('o3', 1, lines, 'u3'),
    placed('o4', 1, lines, 'u4'),
    orderEvent('OrderCancelled', 'o3', 2, { buyerId: 'u3', lines }),
  );
  await eventually(async () => (await itemsOf('p9')).some(({ counted }) => counted === 3));
  const { entity, policy } = await ask(popularityOf('p9'));
  const since = '2026-01-01T12:01:00.000Z';
  expect(entity.popularity).toMatchObject({ orderCount: 1, pieceCount: 3, since });
  expect(policy).toBe('max-age=5, public');
});

it('tells that a product was never ordered', async () => {
  const { entity } = await ask(popularityOf('p100'));
  expect(entity.popularity).toMatchObject({ orderCount: 0, pieceCount: 0, since: null });
});

const asOf = async () => (await ask(popularityOf('p9'))).entity.popularity.asOf as string | null;

it('says how far it is', async () => {
  const before = new Date().toISOString();
  orders.push(placed('o8', 1, [{ upc: 'p9', quantity: 1 }], 'u8'));
  await eventually(async () => ((await asOf()) ?? '') >= before);
  const { entity } = await ask(historyOf('u8'), { as: 'u8' });
  expect(Date.parse(entity.orderHistory.asOf)).toBeLessThanOrEqual(Date.now());
});
