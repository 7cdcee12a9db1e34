import { describeTypes, type SchemaUsage } from '../../../../gateway/supergraph/console-schema';
import { composeOrRecall } from '../../../support/kept-composition';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: [
  "@key", "@requires", "@provides", "@external", "@shareable", "@override", "@inaccessible", "@tag", "@cacheTag"
])`;
const products = `${link}
  type Query {
    product(id: ID!, currency: Currency = EUR): Product
    search(filter: Filter): [Thing!]!
  }
  "Something to buy."
  type Product implements Named @key(fields: "id") @key(fields: "sku") @cacheTag(format: "product") {
    id: ID!
    sku: String!
    "How it is called."
    name: String!
    weight: Float @shareable
    price: Float
    oldPrice: Float @deprecated(reason: "Use price.")
    secret: String @inaccessible
    tagged: String @tag(name: "internal")
    unused: Int
  }
  type Category { title: String! }
  union Thing = Product | Category
  interface Named { name: String! }
  enum Currency { EUR USD }
  enum Colour { RED @deprecated GREEN }
  input Filter { colour: Colour limit: Int }
  scalar Money
`;
const inventory = `${link}
  type Product @key(fields: "id") {
    id: ID!
    weight: Float @external
    price: Float @external
    shipping: Float @requires(fields: "weight price")
    state: State
    unused: Int @override(from: "products")
  }
  enum State { FULL EMPTY }
`;

const supergraphSdl = composeOrRecall([
  { name: 'products', url: 'http://products/', typeDefs: products },
  { name: 'inventory', url: 'http://inventory/', typeDefs: inventory },
]);

function find(coordinate: string, usage?: SchemaUsage) {
  const [type, field] = coordinate.split('.');
  const found = describeTypes(supergraphSdl, usage).find(({ name }) => name === type)!;
  return found.fields.find(({ name }) => name === field)!;
}

it('lists the types of subgraphs by name, and none of the machinery', () => {
  expect(describeTypes(supergraphSdl).map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    'object Category',
    'enum Colour',
    'enum Currency',
    'input Filter',
    'scalar Money',
    'interface Named',
    'object Product',
    'object Query',
    'enum State',
    'union Thing',
  ]);
});

it('says who owns a type, and by which keys', () => {
  const product = describeTypes(supergraphSdl).find(({ name }) => name === 'Product')!;
  expect(product).toMatchObject({
    description: 'Something to buy.',
    owners: ['inventory', 'products'],
    interfaces: ['Named'],
    keys: [
      { fields: 'id', owners: ['inventory', 'products'] },
      { fields: 'sku', owners: ['products'] },
    ],
    directives: ['@cacheTag(format: "product") in products'],
  });
});

it.each([
  ['Product.id', ['inventory', 'products'], []],
  ['Product.name', ['products'], []],
  ['Product.weight', ['products'], ['@external in inventory']],
  ['Product.shipping', ['inventory'], ['@requires(fields: "weight price") in inventory']],
  ['Product.unused', ['inventory'], ['@override(from: "products") in inventory']],
  ['Product.secret', ['products'], ['@inaccessible']],
  ['Product.tagged', ['products'], ['@tag(name: "internal")']],
  ['Category.title', ['products'], []],
  ['Filter.limit', ['products'], []],
  ['State.FULL', ['inventory'], []],
  ['Thing.Category', ['products'], []],
])('says who owns %s, and what its subgraphs say of it', (coordinate, owners, directives) => {
  const found = find(coordinate);
  expect(found.owners).toEqual(owners);
  expect(found.directives.filter((each) => !each.startsWith('@join'))).toEqual(directives);
});

it('describes fields', () => {
  expect(find('Product.name')).toMatchObject({ type: 'String!', description: 'How it is called.' });
  expect(find('Product.oldPrice').deprecated).toBe('Use price.');
  expect(find('Colour.RED')).toMatchObject({ type: '', deprecated: 'No longer supported' });
  expect(find('Query.product').args).toBe('id: ID!, currency: Currency = EUR');
  expect(find('Query.search').type).toBe('[Thing!]!');
});

it('says nothing of use where nobody counts it', () => {
  const all = describeTypes(supergraphSdl).flatMap(({ fields }) => fields);
  expect(all.filter((field) => 'usage' in field || 'mayBeDeleted' in field)).toEqual([]);
});

const use = { client: 'web', version: '1.2', requests: 30, lastDay: '2026-11-25' };
const page = { name: 'Page', requests: 30 };
const sevenClients = Array.from({ length: 7 }, (_, i) => ({ ...use, version: `1.${i}` }));
const usage: SchemaUsage = {
  requests: 40,
  firstDay: '2026-11-01',
  days: 25,
  neededDays: 7,
  coordinates: new Map([
    ['Product.name', { requests: 30, lastDay: '2026-11-25', clients: [use], operations: [page] }],
    [
      'Product.oldPrice',
      { requests: 1, lastDay: '2026-11-02', clients: sevenClients, operations: new Array(12).fill(page) },
    ],
  ]),
};

it('says who uses a field', () => {
  expect(find('Product.name', usage)).toMatchObject({
    usage: {
      requests: 30,
      lastSeen: '2026-11-25',
      clients: [{ name: 'web', version: '1.2', requests: 30, lastSeen: '2026-11-25' }],
      others: 0,
      operations: [{ name: 'Page', requests: 30 }],
      otherOperations: 0,
    },
    mayBeDeleted: {
      yes: false,
      why: 'Clients use it: 30 requests since 2026-11-01, the last on 2026-11-25.',
    },
  });
});

it('names all clients of a field, and the operations that use it most', () => {
  const { clients, others, operations, otherOperations } = find('Product.oldPrice', usage).usage!;
  expect([clients.length, others, operations.length, otherOperations]).toEqual([7, 0, 10, 2]);
});

it('names five clients of each field where all fields have more than 100,000', () => {
  const many = { ...usage.coordinates.get('Product.oldPrice')!, clients: new Array(100_001).fill(use) };
  const crowded = { ...usage, coordinates: new Map([['Product.oldPrice', many]]) };
  const { clients, others } = find('Product.oldPrice', crowded).usage!;
  expect([clients.length, others]).toEqual([5, 99_996]);
});

it.each([
  [
    6,
    false,
    'No client has used it since 2026-11-01, but requests were counted on 6 days only: 7 are needed.',
  ],
  [
    1,
    false,
    'No client has used it since 2026-11-01, but requests were counted on one day only: 7 are needed.',
  ],
  [7, true, 'No client has used it since 2026-11-01: requests were counted on 7 days.'],
])('with %s days of counts says whether a field may be deleted', (days, yes, why) => {
  expect(find('Product.tagged', { ...usage, days }).mayBeDeleted).toEqual({ yes, why });
});

it.each([
  ['Product.tagged', true, 'No client has used it since 2026-11-01: requests were counted on 25 days.'],
  ['Filter.limit', true, 'No client has used it since 2026-11-01: requests were counted on 25 days.'],
  ['Colour.GREEN', true, 'No client has used it since 2026-11-01: requests were counted on 25 days.'],
  ['Product.oldPrice', false, 'Clients use it: one request since 2026-11-01, the last on 2026-11-02.'],
  ['Product.sku', false, 'It is in the key `sku` of products.'],
  ['Product.price', false, '`Product.shipping` of inventory requires it.'],
  ['Category.title', false, '`Category` has nothing else.'],
  ['State.FULL', false, 'Answers may have it, and nobody counts which values they have.'],
])('says whether %s may be deleted, and why', (coordinate, yes, why) => {
  expect(find(coordinate, usage).mayBeDeleted).toEqual({ yes, why });
});

it('says of a field of an interface that it must stay, unless clients say so already', () => {
  const unused = { ...usage, coordinates: new Map() };
  expect(find('Product.name', unused).mayBeDeleted).toEqual({
    yes: false,
    why: 'The interface `Named` has it.',
  });
});

it('lets nothing be deleted before a request was counted', () => {
  const nothing = { ...usage, requests: 0, firstDay: undefined, days: 0, coordinates: new Map() };
  expect(find('Product.tagged', nothing).mayBeDeleted).toEqual({
    yes: false,
    why: 'No request was counted yet, so it is not known who uses it.',
  });
});
