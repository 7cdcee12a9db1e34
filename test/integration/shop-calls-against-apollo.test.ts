import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { sourceOf, startTestGateway } from '../support/running-gateway';
import { startShop, type Shop } from '../support/shop';
import { countCosts } from '../support/shop-costs';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(async () => {
  await shop.stop();
});

const query = `query Page($upc: ID!) {
  product(upc: $upc) {
    name price inStock ratingSummary { average }
    reviews(first: 3) { edges { node { body author { name } } } }
  }
}`;

/** 50 clients at once, each signed in as somebody, look at ten products. */
const clients = Array.from({ length: 50 }, (_, i) => ({ upc: `p${1 + (i % 10)}`, as: `Bearer u${1 + i}` }));

const sumOf = (calls: object): number =>
  Object.values(calls).reduce((sum: number, count: number) => sum + count, 0);

it('50 clients who look at ten products cost a quarter of Apollo Gateway’s calls, or less', async () => {
  const answers: Record<string, unknown[]> = { apollo: [], weir: [] };
  // It runs no supergraph that has these.
  const supergraphSdl = shop.supergraphSdl.replace(
    /@link\(url: "[^"]*\/(cacheTag|authenticated|requiresScopes)\/v0.1"[^)]*\)/g,
    '',
  );
  const apollo = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl }) });
  await apollo.start();
  // Both know the operation; nothing of the products is known.
  await apollo.executeOperation({ query, variables: { upc: 'p40' } });
  const theirs = await countCosts(shop, async () => {
    answers['apollo'] = await Promise.all(
      clients.map(async ({ upc }) => {
        const { body } = await apollo.executeOperation({ query, variables: { upc } });
        return body.kind === 'single' ? body.singleResult.data : undefined;
      }),
    );
  });
  await apollo.stop();
  const gateway = await startTestGateway({
    supergraph: sourceOf(shop.supergraphSdl),
    // The catalogue and what is said of it are the same for all.
    subgraphs: Object.fromEntries(
      ['products', 'inventory', 'reviews', 'accounts'].map((name) => [name, { identity: 'independent' }]),
    ),
  });
  await gateway.post({ query, variables: { upc: 'p40' } });
  const ours = await countCosts(shop, async () => {
    answers['weir'] = await Promise.all(
      clients.map(async ({ upc, as }) => {
        const response = await gateway.post(
          { query, variables: { upc } },
          { headers: { authorization: as } },
        );
        return ((await response.json()) as { data: unknown }).data;
      }),
    );
  });
  await gateway.stop();
  expect(answers['weir']).toEqual(JSON.parse(JSON.stringify(answers['apollo'])));
  expect(sumOf(ours.calls) / sumOf(theirs.calls)).toBeLessThanOrEqual(0.25);
}, 240_000);
