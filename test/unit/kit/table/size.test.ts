import { buildSchema, getOperationAST, parse } from 'graphql';
import { refuseSize } from '../../../../kit/table/size';

const schema = buildSchema(`
  scalar _Any
  type Query {
    product: Product  products(first: Int = 20): [Product]  _entities(representations: [_Any!]!): [Product]
    node: Node  found: Found
  }
  interface Node { id: ID }
  union Found = Product | Review
  type Product implements Node { id: ID  reviews(first: Int = 20): Reviews  parts: [Product] }
  type Reviews { edges: [Edge]  nodes: [Review] }
  type Edge { node: Review }
  type Review { id: ID  product: Product }
`);

function objectsOf(query: string, variables: Record<string, unknown> = {}): number {
  const document = parse(query);
  const refusal = refuseSize(schema, document, getOperationAST(document)!, variables);
  if (refusal !== undefined) expect(refusal.extensions).toEqual({ code: 'TOO_LARGE', http: { status: 400 } });
  return Number(/up to (\S+) objects/.exec(refusal?.message ?? '')?.[1] ?? 0);
}
const nested = (levels: number, args = ''): string =>
  `{ product { ${`reviews${args} { nodes { product { `.repeat(levels)}id${' } } }'.repeat(levels)} } }`;

it('lets pages through, and refuses connections that are nested five deep', () => {
  expect(objectsOf(nested(2))).toBe(0);
  expect(objectsOf(nested(3))).toBe(0);
  // 1 + 20 × (1 page's node + …): three objects for each of 20⁵.
  expect(objectsOf(nested(5))).toBeGreaterThan(20 ** 5);
  expect(objectsOf(nested(5, '(first: 1)'))).toBe(0);
});

it('counts what variables ask for, their defaults, and entities', () => {
  const query = 'query ($n: Int) { products(first: $n) { parts { id } } }';
  expect(objectsOf(query, { n: 9_000 })).toBe(0);
  expect(objectsOf(query, { n: 10_000 })).toBe(110_000);
  expect(objectsOf(query.replace('$n: Int', '$n: Int = 10000'))).toBe(110_000);
  const entities =
    'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Product { reviews { nodes { id } } } } }';
  expect(objectsOf(entities, { r: Array(2_000).fill({}) })).toBe(0);
  expect(objectsOf(entities, { r: Array(6_000).fill({}) })).toBeGreaterThan(100_000);
});

it.each([0, -1])('takes a `first` of %d for one that is not given: it hides nothing below', (first) => {
  const query = `query ($n: Int) { products(first: $n) { ${nested(6).slice(2, -2)} } }`.replace(
    'product {',
    'parts {',
  );
  expect(objectsOf(query, { n: first })).toBeGreaterThan(20 ** 6);
  expect(objectsOf(nested(6, `(first: ${first})`))).toBeGreaterThan(10 ** 6);
});

it('counts fragments wherever they are spread, without spreading them', () => {
  const doubling = Array.from(
    { length: 30 },
    (_, i) => `fragment F${i} on Product { ...F${i + 1} ...F${i + 1} }`,
  );
  const query = `{ product { ...F0 } } ${doubling.join(' ')} fragment F30 on Product { parts { id } }`;
  expect(objectsOf(query)).toBe(10 * 2 ** 30 + 1);
});

it('counts fragments on other types, on none, and of different sizes, each as it is', () => {
  const many = 'reviews(first: 1000000) { nodes { id } }';
  // A page, and its nodes.
  const reviews = 1_000_000 * 2;
  expect(objectsOf(`{ product { ... { ${many} } } }`)).toBe(1 + reviews);
  expect(objectsOf(`{ node { ... on Product { ${many} } } }`)).toBe(1 + reviews);
  expect(objectsOf(`{ found { __typename ... on Product { ${many} } ... on Review { id } } }`)).toBe(
    1 + reviews,
  );
  expect(objectsOf(`{ found { ... on Review { id } ... on Product { ${many} } } }`)).toBe(1 + reviews);
  expect(objectsOf(`{ node { id ...F } } fragment F on Product { ${many} }`)).toBe(1 + reviews);
});

it('counts nothing of the schema', () => {
  expect(objectsOf('{ __schema { types { fields { args { name } } } } __typename }')).toBe(0);
});

it('leaves it to the execution to say what is wrong with variables and arguments', () => {
  expect(objectsOf('query ($n: Int!) { products(first: $n) { id } }')).toBe(0);
  expect(
    objectsOf('query ($n: Int!) { products(first: 1000000) { id } a: products(first: $n) { id } }'),
  ).toBe(0);
  expect(objectsOf('{ products(first: "x") { id } }')).toBe(0);
  expect(objectsOf('{ products(first: -5) { id } }')).toBe(0);
});
