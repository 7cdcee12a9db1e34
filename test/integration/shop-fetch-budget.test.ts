import { sourceOf, startTestGateway, type Json, type TestGateway } from '../support/running-gateway';
import { startShop, type Shop, type SubgraphName } from '../support/shop';
import { countCosts } from '../support/shop-costs';

// What operations may cost, counted: a resolver that starts an N+1 fails here.

let shop: Shop;
let gateway: TestGateway;

beforeAll(async () => {
  shop = await startShop();
  gateway = await startTestGateway({ supergraph: sourceOf(shop.supergraphSdl) });
});

afterAll(async () => {
  await gateway.stop();
  await shop.stop();
});

describe('50 products with their 10 latest reviews, each with its author', () => {
  const productsWithReviews = `{
    products(first: 50) {
      edges { node { name reviews(first: 10) { edges { node { rating author { name } } } } } }
    }
  }`;

  it('cost one call per subgraph, a Query per product, and a BatchGetItem per 100 authors', async () => {
    let answer: Json;
    const { calls, commands, peaks } = await countCosts(shop, async () => {
      answer = await gateway.query(productsWithReviews);
    });

    expect(answer.errors).toBeUndefined();
    const products = answer.data.products.edges.map((edge: Json) => edge.node);
    const reviews = products.flatMap((product: Json) => product.reviews.edges.map((edge: Json) => edge.node));
    expect(products).toHaveLength(50);
    expect(reviews.length).toBeGreaterThan(300);
    // No two users of the seed have the same name.
    const authors = new Set(reviews.map((review: Json) => review.author.name));

    expect(calls).toEqual({ products: 1, reviews: 1, accounts: 1 });
    expect(commands).toEqual({
      'products products Query': 1,
      'reviews reviews Query': 50,
      'accounts users BatchGetItem': Math.ceil(authors.size / 100),
    });
    expect(peaks['reviews reviews Query']).toBeLessThanOrEqual(8);
  });
});

describe('a call for entities', () => {
  it.each<Budget>([
    {
      what: 'users',
      subgraph: 'accounts',
      representations: users(120),
      selection: '... on User { name bio }',
      commands: { 'accounts users BatchGetItem': 2 },
    },
    {
      what: 'products with their categories',
      subgraph: 'products',
      representations: upcs(150),
      selection: '... on Product { name category { name parent { name } } media { url } }',
      commands: {
        'products products BatchGetItem': 2,
        'products categories BatchGetItem': 2,
      },
    },
    {
      what: 'media beside products',
      subgraph: 'products',
      representations: [...media(60), ...upcs(60)],
      selection: '... on Media { url } ... on Product { name }',
      commands: { 'products products BatchGetItem': 1 },
    },
    {
      what: 'stock',
      subgraph: 'inventory',
      representations: upcs(100),
      selection: '... on Product { inStock availability shippingEstimate }',
      commands: { 'inventory stock BatchGetItem': 1 },
    },
    {
      what: 'order lines',
      subgraph: 'inventory',
      representations: range(100).map((i) => ({
        __typename: 'OrderLine',
        orderId: `o${1 + (i % 25)}`,
        upc: `p${i + 1}`,
      })),
      selection: '... on OrderLine { reserved }',
      commands: { 'inventory reservations BatchGetItem': 1 },
    },
    {
      what: 'ratings',
      subgraph: 'reviews',
      representations: upcs(100),
      selection: '... on Product { ratingSummary { average } }',
      commands: { 'reviews ratings-1 BatchGetItem': 1 },
    },
    {
      what: 'reviews by user and by medium',
      subgraph: 'reviews',
      representations: [...users(20), ...media(20)],
      selection: `
        ... on User { reviews(first: 5) { edges { node { id } } } }
        ... on Media { reviews(first: 5) { edges { node { id } } } }`,
      commands: { 'reviews reviews Query': 40 },
    },
    {
      what: 'orders',
      subgraph: 'orders',
      representations: range(100).map((i) => ({ __typename: 'Order', id: `o${i + 1}` })),
      selection: '... on Order { status lines { quantity product { upc } } }',
      commands: { 'orders orders BatchGetItem': 1 },
    },
  ])(
    'to $subgraph for $what asks for each key once, in batches',
    async ({ subgraph, representations, selection, commands }) => {
      const twice = [...representations, ...representations];
      const costs = await countCosts(shop, async () => {
        const { data, errors } = await shop.send(subgraph, {
          query: `query ($representations: [_Any!]!) { _entities(representations: $representations) { ${selection} } }`,
          variables: { representations: twice },
        });
        expect(errors).toBeUndefined();
        expect(data._entities).toHaveLength(twice.length);
      });
      expect(costs.commands).toEqual(commands);
    },
  );
});

interface Budget {
  readonly what: string;
  readonly subgraph: SubgraphName;
  readonly representations: readonly object[];
  readonly selection: string;
  readonly commands: Readonly<Record<string, number>>;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
function users(count: number) {
  return range(count).map((i) => ({ __typename: 'User', id: `u${i + 1}` }));
}
function upcs(count: number) {
  return range(count).map((i) => ({ __typename: 'Product', upc: `p${i + 1}`, price: 1995, weight: 500 }));
}
function media(count: number) {
  return range(count).map((i) => ({ __typename: 'Media', id: `p${i + 1}-m1` }));
}
