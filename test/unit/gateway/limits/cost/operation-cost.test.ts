import { buildSchema, getOperationAST, parse, validate } from 'graphql';
import { compileOperationCost } from '../../../../../gateway/limits/cost/operation-cost';
import { type CostDirectives, readCostDirectives } from '../../../../../schema/supergraph/cost-directives';
import { Features } from '../../../../../schema/supergraph/features';

const sdl = `
  schema
    @link(url: "https://specs.apollo.dev/cost/v0.1", import: [{ name: "@cost", as: "@price" }, "@listSize"])
  { query: Query mutation: Mutation }
  type Query {
    me: User
    users(first: Int = 8): [User!]!
    all: [User!]
    tags: [String!]
    node: Node
    search(filter: Filter, n: Int): [User] @listSize(assumedSize: 3)
    pages(size: Int, from: Int): Page @listSize(slicingArguments: ["size"], sizedFields: ["rows"])
    free(limit: Int): [User] @listSize(slicingArguments: ["limit"], requireOneSlicingArgument: false, assumedSize: 4)
    deep(input: Slice): [User] @listSize(slicingArguments: ["input.first"])
    many(limit: Long, first: Long): [User] @listSize(slicingArguments: ["limit", "first"], assumedSize: 6)
    words(first: Long): [String] @listSize(slicingArguments: ["first"])
    preset(input: Preset = {}): [User] @listSize(slicingArguments: ["input.first"])
    odd(first: Int): [User]
      @listSize(slicingArguments: ["missing", "first.x", "missing.x"], requireOneSlicingArgument: false, assumedSize: 3)
    nullable(list: [[Filter]], n: Int, secret: Secret, json: Json @price(weight: 3), free: String @price(weight: 0)): Int
    byText(first: String, last: Int!): [User]
    connected(limit: Int): Connected!
    bare(first: Int): Place
    paged(first: Int): Paged
    lonely(first: Int): Media
    dear: Report @price(weight: 100)
    asked(word: String @price(weight: 7)): String
  }
  type Mutation { rename(name: String): User  rate: Int }
  interface Node { id: ID }
  type User implements Node { id: ID name: String friends(first: Int = 20, last: Int): Friends media: [Media!]! secret: Secret }
  type Friends { edges: [Edge] nodes: [User] total: Int }
  type Edge { node: User }
  union Media = Image | Film
  type Image { url: String place: Place }
  type Film { url: String place: Place spot: Place @price(weight: 4) }
  type Place { x: Int }
  type Page { rows: [[User]] more: Boolean others: [User] }
  interface Connected { edges: Edge items: [User] }
  interface Paged { nodes: [User] }
  scalar Json
  directive @note(on: Boolean) on FIELD
  type Report @price(weight: 5) { id: ID }
  scalar Secret @price(weight: 2)
  input Filter { name: String or: [Filter!] deep: Boolean @price(weight: 9) }
  input Slice { first: Int }
  input Preset { first: Int = 5 }
  scalar Long
`;
const directiveDefinitions = `
  directive @link(url: String, import: [Import]) on SCHEMA
  scalar Import
  directive @price(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
`;
const schema = buildSchema(sdl + directiveDefinitions);
const directives = directivesOf(sdl);
interface Directives {
  readonly directives: CostDirectives | undefined;
}

function directivesOf(text: string): CostDirectives | undefined {
  const document = parse(text);
  return readCostDirectives(document, new Features(document));
}

function costOf(query: string, { directives: own }: Directives = { directives }) {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  return compileOperationCost(document, getOperationAST(document)!, {
    schema,
    directives: own,
    assumedListSize: 10,
  });
}
const estimate = (query: string, variables = {}) => costOf(query).estimate(variables);

describe('estimates', () => {
  it.each([
    ['{ me { id name } }', 1],
    ['{ __typename __schema { types { name } } }', 0],
    ['{ tags }', 0],
    ['{ all { id } }', 10],
    ['{ users { id } }', 8],
    ['{ users(first: 5) { media { ... on Image { url } } } }', 5 * 11],
    [
      '{ users(first: 2) { media { ... on Image { place { x } } ... on Film { place { x } } } } }',
      2 * (1 + 10 * 3),
    ],
    ['{ me { friends(first: 3) { edges { node { id } } nodes { id } total } } }', 1 + 1 + 3 * 2 + 3],
    ['{ me { friends { nodes { id } } } }', 1 + 1 + 20],
    ['{ me { friends(first: 2, last: 30) { nodes { id } } } }', 1 + 1 + 30],
    ['{ search { id } }', 3],
    ['{ search(filter: { name: "x", or: [{ name: "a" }, { deep: true }] }) { id } }', 3 + 1 + 2 + 9],
    ['{ pages(size: 6) { rows { id } more } }', 1 + 6],
    ['{ free { id } }', 4],
    ['{ free(limit: 9) { id } }', 9],
    ['{ deep(input: { first: 4 }) { id } }', 4 + 1],
    ['{ dear { id } }', 100],
    ['{ asked(word: "x") }', 7],
    ['{ asked }', 0],
    ['{ me { secret } }', 1 + 2],
    ['mutation { rename { id } rate }', 10 + 1 + 10],
    ['{ me { id } me { name } ...F } fragment F on Query { me { id } }', 1],
    ['{ a: me { id } b: me { id } }', 2],
    ['{ me @skip(if: true) { id } }', 0],
    ['{ me @include(if: false) { id } tags }', 0],
    ['{ me @include(if: true) { id } }', 1],
    ['{ me @skip(if: false) { id } }', 1],
    ['{ me @note(on: true) { id } all @note(on: false) { id } }', 1 + 10],
    ['{ ... { me { id } } }', 1],
    ['{ me { media { __typename } } }', 1 + 10],
    ['{ me { friends(first: 2) { nodes { id } } } me { friends(first: 2) { total } id } }', 1 + 1 + 2],
    ['{ users(first: 1) { id } }', 1],
    ['{ pages(size: 6) { rows { id } others { id } } }', 1 + 6 + 10],
    ['{ search(n: 1, filter: { name: "x" }) { id } }', 3 + 1],
    ['{ search(filter: null) { id } }', 3],
    ['{ search(filter: { or: { name: "a" } }) { id } }', 3 + 2],
    ['{ odd(first: 5) { id } }', 3],
    ['{ deep(input: null) { id } }', 10],
    ['{ nullable(list: [[{ name: "a" }, null], null, [{}]]) }', 2],
    ['{ nullable(list: { name: "a" }) }', 1],
    ['{ nullable(secret: "x", n: 1, free: "y") }', 2],
    ['{ nullable(json: { a: [1, { b: 2 }] }) }', 3],
    ['{ byText(first: "7", last: 2) { id } }', 2],
    ['{ connected(limit: 4) { edges { node { id } } items { id } } }', 1 + (1 + 1) + 4],
    ['{ bare(first: 50) { x } }', 1],
    ['{ paged(first: 6) { nodes { id } } }', 1 + 6],
    ['{ lonely(first: 50) { ... on Image { url } } }', 1],
  ])('%s', (query, cost) => {
    expect(estimate(query).cost).toBe(cost);
  });

  it('by variables, and by their defaults', () => {
    const query = 'query ($n: Int = 3) { users(first: $n) { id } }';
    expect([estimate(query).cost, estimate(query, { n: 7 }).cost]).toEqual([3, 7]);
    expect(estimate('query ($n: Int) { users(first: $n) { id } }', {}).cost).toBe(8);
  });

  describe('take a length below 1 for one that is not given:', () => {
    it.each<[string, Record<string, unknown>, number]>([
      ['{ users(first: 0) { id } }', {}, 8],
      ['{ users(first: -1) { id } }', {}, 8],
      ['{ me { friends(first: 0) { nodes { id } } } }', {}, 1 + 1 + 20],
      ['{ me { friends(last: -1) { nodes { id } } } }', {}, 1 + 1 + 20],
      ['{ me { friends(first: -5, last: 3) { nodes { id } } } }', {}, 1 + 1 + 20],
      ['{ free(limit: 0) { id } }', {}, 4],
      ['{ free(limit: null) { id } }', {}, 4],
      ['{ pages(size: 0) { rows { id } } }', {}, 1 + 10],
      ['{ deep(input: { first: 0 }) { id } }', {}, 10 + 1],
      ['query ($n: Int) { users(first: $n) { id } }', { n: 0 }, 8],
      ['query ($n: Int) { users(first: $n) { id } }', { n: -(2 ** 31) }, 8],
      ['query ($n: Int = 0) { free(limit: $n) { id } }', {}, 4],
      ['query ($n: Int) { deep(input: { first: $n }) { id } }', { n: -1 }, 10 + 1],
      ['query ($i: Slice) { deep(input: $i) { id } }', { i: { first: -1 } }, 10 + 1],
      ['query ($i: Slice = { first: 0 }) { deep(input: $i) { id } }', {}, 10 + 1],
      ['{ preset(input: { first: 0 }) { id } }', {}, 5 + 1],
      ['{ many(limit: 0.5) { id } }', {}, 6],
      ['{ many(limit: "0") { id } }', {}, 6],
      ['{ many(limit: "-3") { id } }', {}, 6],
      ['{ many(limit: "many") { id } }', {}, 6],
      ['query ($n: Long) { many(limit: $n) { id } }', { n: '' }, 6],
    ])('%s with %j', (query, variables, cost) => {
      expect(estimate(query, variables)).toMatchObject({ cost });
    });
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['{ preset(input: {}) { id } }', {}, 5 + 1],
    ['{ preset { id } }', {}, 5],
    ['query ($i: Preset) { preset(input: $i) { id } }', { i: {} }, 5 + 1],
    ['{ many(limit: "40") { id } }', {}, 40],
    ['query ($n: Long) { many(first: $n) { id } }', { n: '70' }, 70],
    ['{ many(limit: 2.5) { id } }', {}, 3],
  ])('%s with %j, whose length is a default or a custom scalar', (query, variables, cost) => {
    expect(estimate(query, variables).cost).toBe(cost);
  });

  it('stay numbers, however long a list is asked for', () => {
    const { cost, longest } = estimate('query ($n: Long) { words(first: $n) many(limit: 1e400) { id } }', {
      n: Infinity,
    });
    expect(longest).toEqual({ field: 'Query.words', size: Number.MAX_SAFE_INTEGER });
    expect(cost).toBeGreaterThanOrEqual(Number.MAX_SAFE_INTEGER);
    expect(cost).toBeLessThan(Infinity);
  });

  it('by the input objects in variables', () => {
    const query = 'query ($f: Filter) { search(filter: $f) { id } }';
    const f = { or: [{ name: 'a' }, { or: [{ deep: false }] }], ['__proto__x']: 1 };
    expect(estimate(query, { f }).cost).toBe(3 + 4 + 9);
    expect(estimate(query, { f: null }).cost).toBe(3);
    expect(estimate(query, {}).cost).toBe(3);
    expect(estimate(query, { f: { or: { name: 'a' } } }).cost).toBe(3 + 2);
    expect(estimate(query, { f: { or: [null, { or: null }] } }).cost).toBe(3 + 2);
    expect(estimate('query ($j: Json) { nullable(json: $j) }', { j: { a: 1 } }).cost).toBe(3);
    expect(estimate('query ($l: [[Filter]]) { nullable(list: $l) }', { l: [[{}], null, {}] }).cost).toBe(2);
  });

  it('by variables beside arguments and fields that have none', () => {
    const query = `query ($n: Int) {
      me { id friends(first: $n, last: 1) { nodes { id } } }
    }`;
    expect(estimate(query, { n: 30 }).cost).toBe(1 + 1 + 30);
  });

  it('without directives as customs have it', () => {
    const costOfCustoms = costOf(
      '{ users(first: 3) { secret } dear { id } pages(size: 5) { rows { id } } }',
      { directives: undefined },
    );
    expect(costOfCustoms.estimate({}).cost).toBe(3 + 1 + 1 + 10);
  });

  it('what conditions leave of it', () => {
    const query =
      'query ($a: Boolean!, $b: Boolean!) { all @include(if: $a) { id } me @skip(if: $b) { id } }';
    expect(estimate(query, { a: true, b: true }).cost).toBe(10);
    expect(estimate(query, { a: false, b: false }).cost).toBe(1);
    const either =
      'query ($a: Boolean!, $b: Boolean!) { me @include(if: $a) { id } me @include(if: $b) { name } }';
    expect(estimate(either, { a: false, b: true }).cost).toBe(1);
    expect(estimate(either, { a: false, b: false }).cost).toBe(0);
    const both = 'query ($a: Boolean!, $b: Boolean!) { asked(word: "x") @include(if: $a) @skip(if: $b) }';
    const costs = [true, false].flatMap((a) => [true, false].map((b) => estimate(both, { a, b }).cost));
    expect(costs).toEqual([0, 7, 0, 0]);
    const one = 'query ($a: Boolean!) { asked(word: "x") @include(if: $a) }';
    expect([estimate(one, { a: true }).cost, estimate(one, { a: false }).cost]).toEqual([7, 0]);
    const below = 'query ($a: Boolean!) { me { friends(first: 2) @include(if: $a) { nodes { id } } } }';
    expect([estimate(below, { a: true }).cost, estimate(below, { a: false }).cost]).toEqual([1 + 1 + 2, 1]);
    const around =
      'query ($a: Boolean!) { ... @include(if: $a) { all { id } me @include(if: true) { id } } }';
    expect([estimate(around, { a: true }).cost, estimate(around, { a: false }).cost]).toEqual([11, 0]);
    const always = 'query ($a: Boolean!) { me @include(if: $a) { id } me { name } }';
    expect([estimate(always, { a: true }).cost, estimate(always, { a: false }).cost]).toEqual([1, 1]);
    const mutation = 'mutation ($a: Boolean!) { rate @include(if: $a) rename { id } }';
    expect([estimate(mutation, { a: true }).cost, estimate(mutation, { a: false }).cost]).toEqual([21, 11]);
  });

  it('that grow with each level of connections', () => {
    const level = (inner: string): string => `friends { edges { node { id ${inner} } } }`;
    const nested = (depth: number): string => (depth === 0 ? '' : level(nested(depth - 1)));
    expect(estimate(`{ me { ${nested(5)} } }`).cost).toBeGreaterThan(20 ** 5);
  });
});

it('names the longest list that is asked for', () => {
  expect(estimate('{ users(first: 5) { friends(first: 600) { total } } }').longest).toEqual({
    field: 'User.friends',
    size: 600,
  });
  expect(estimate('{ users(first: 1) { id } }').longest).toEqual({ field: 'Query.users', size: 1 });
  expect(estimate('{ users(first: 6) { friends(first: 6) { total } } }').longest?.field).toBe('Query.users');
  expect(estimate('{ all { id } }').longest).toBeUndefined();
  // Nothing of these is a list.
  expect(estimate('{ bare(first: 5000) { x } lonely(first: 5000) { __typename } }').longest).toBeUndefined();
});

it('names a field that lacks its slicing argument', () => {
  expect(estimate('{ pages { more } }').unsliced).toBe('Query.pages');
  expect(estimate('{ pages(size: 1) { more } }').unsliced).toBeUndefined();
  const others = ['{ search { id } }', '{ connected { items { id } } }', '{ odd { id } }', '{ all { id } }'];
  expect(others.map((query) => estimate(query).unsliced)).toEqual(others.map(() => undefined));
  expect(estimate('{ pages(size: 0) { more } }').unsliced).toBeUndefined();
  expect(estimate('{ pages(size: null) { more } }').unsliced).toBe('Query.pages');
  expect(estimate('{ many(limit: 1, first: 0) { id } }').unsliced).toBe('Query.many');
});

it('measures what an answer has cost', () => {
  const cost = costOf(
    '{ users(first: 50) { friends { nodes { id } } media { ... on Film { place { x } } } } me { secret } }',
  );
  expect(
    cost.actual({
      users: [
        { friends: { nodes: [{ id: 1 }, null] }, media: [{}, { place: { x: 1 } }] },
        { friends: null, media: [] },
      ],
      me: { secret: 's' },
    }),
  ).toBe(2 + 1 + 1 + 2 + 1 + 1 + 2);
  const either = ['... on Image { a: place { x } }', '... on Film { a: spot { x } }'];
  for (const fragments of [either, [...either].reverse()]) {
    const ofEither = costOf(`{ me { media { ${fragments.join(' ')} } } }`);
    expect(ofEither.actual({ me: { media: [{ a: { x: 1 } }, { a: null }, {}] } })).toBe(1 + 3 + 4);
  }
  expect(costOf('{ all { id } }').actual({ all: [[{ id: 1 }], null, { id: 2 }] })).toBe(2);
  expect(costOf('mutation { rate }').actual({ rate: 1 })).toBe(10);
  expect(costOf('{ me { id } }').actual(null)).toBe(0);
});

it('knows directives by their namespace, too', () => {
  const linked = 'schema @link(url: "https://specs.apollo.dev/cost/v0.1", as: "c") { query: Query }';
  const found = directivesOf(`${linked} type Query { a: Int @c(weight: 3) @c__listSize(assumedSize: 2) }`);
  expect(found?.weights.get('Query.a')).toBe(3);
  expect(found?.listSizes.get('Query.a')?.assumedSize).toBe(2);
  expect(directivesOf('type Query { a: Int @cost(weight: 3) }')).toBeUndefined();
});
