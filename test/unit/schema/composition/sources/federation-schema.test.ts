/** Over 300 lines: each word of overlays, as Federation has it. */
import { parse, print } from 'graphql';
import { composeSupergraph, type Problem, type SubgraphSchema } from '../../../../../schema';
import { federationSchema } from '../../../../../schema/composition/sources/federation-schema';
import { withOverlay } from '../../../../../schema/composition/sources/overlay';
import { Owners } from '../../../../../schema/composition/sources/owners';
import { apiSchemaOf } from '../../../../../schema/composition/api-schema';
import { sourcesOf } from '../../../../../schema/supergraph/sources/sources-of';

const raise = (message: string) => {
  throw new Error(message);
};

/** The definitions of the subgraph that a source becomes, without the link, as lines. */
function linesOf(sdl: string, ...others: string[]): string[] {
  const document = withOverlay(parse(sdl), undefined, raise);
  const owners = new Owners([document, ...others.map((other) => parse(other))]);
  const made = federationSchema(document, owners, raise)!;
  return made.document.definitions.slice(1).map((node) => print(node).replaceAll(/\s+/g, ' '));
}

const subgraph = (name: string, sdl: string): SubgraphSchema => ({
  name,
  sdl,
  file: `${name}.graphql`,
  routingUrl: `http://${name}.test/graphql`,
});

const federated = (name: string, sdl: string): SubgraphSchema =>
  subgraph(
    name,
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"]) ${sdl}`,
  );

function composed(...subgraphs: SubgraphSchema[]): string {
  const { supergraphSdl, errors } = composeSupergraph({ subgraphs });
  expect(errors).toBeUndefined();
  return supergraphSdl!;
}

const problemsOf = (...subgraphs: SubgraphSchema[]): string[] =>
  (composeSupergraph({ subgraphs }).errors ?? []).map(
    ({ code, message, locations: [place] }: Problem) =>
      `${code} ${place?.file}:${place?.line}:${place?.column} ${message}`,
  );

describe('federationSchema', () => {
  it('makes keys of lookups, and leaves internal fields and types out', () => {
    expect(
      linesOf(`
        type Query {
          user(id: ID!): User @lookup
          users(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup @internal
          userBy(login: String! @is(field: "name"), zip: Int! @is(field: "address.zip"), filter: Filter): User @lookup @internal
          secrets: Secrets
        }
        type User { id: ID! name: String address: Address secrets: Secrets @internal }
        type Address { zip: Int } input Filter { a: Int } type Secrets @internal { a: Int }
      `),
    ).toEqual([
      'type Query { user(id: ID!): User }',
      'type User @key(fields: "id") @key(fields: "name address { zip }") { id: ID! name: String address: Address }',
      'type Address { zip: Int }',
    ]);
  });

  it('keeps keys that are written, as references where no lookup answers them', () => {
    expect(
      linesOf(
        'type Query { a(id: ID!): A @lookup b: B } type A @key(fields: "id") @key(fields: "x") { id: ID! x: Int } type B @key(fields: "id") { id: ID! }',
      ),
    ).toEqual([
      'type Query { a(id: ID!): A b: B }',
      'type A @key(fields: "id") @key(fields: "x", resolvable: false) { id: ID! x: Int }',
      'type B @key(fields: "id", resolvable: false) { id: ID! }',
    ]);
  });

  it('makes links to entities of other subgraphs', () => {
    expect(
      linesOf(
        'type Query { r: Review } type Review { authorId: Int! author: User @derive @is(field: "{ no: authorId }") }',
        'type User { no: Int! name: String }',
      ),
    ).toEqual([
      'type Query { r: Review }',
      'type Review { authorId: Int! author: User }',
      'type User @key(fields: "no", resolvable: false) { no: Int! }',
    ]);
  });

  it('hides the arguments of calls, whose needs are the key of an entity', () => {
    expect(
      linesOf(
        'type Query { by(author: ID!, first: Int): [Review] } type Review { body: String } type User { id: ID! reviews(author: ID! @require(field: "id"), first: Int): [Review] @from(field: "by") }',
      ),
    ).toEqual([
      'type Query { by(author: ID!, first: Int): [Review] }',
      'type Review { body: String }',
      'type User @key(fields: "id") { id: ID! reviews(first: Int): [Review] }',
    ]);
  });

  it('requires what other subgraphs have, with the types of their owners', () => {
    expect(
      linesOf(
        'type Query { product(id: ID!): Product @lookup } type Product { id: ID! delivery(zip: String!, size: SizeInput! @require(field: "dimension.{ w: width unit }")): Int } input SizeInput { w: Int! unit: Unit } enum Unit { CM IN }',
        'type Product { dimension: Dimension! } type Dimension { width: Int! unit: Unit } enum Unit { CM IN }',
      ),
    ).toEqual([
      'enum Unit { CM IN }',
      'type Query { product(id: ID!): Product }',
      'type Product @key(fields: "id") { id: ID! delivery(zip: String!): Int @requires(fields: "dimension { width unit }") dimension: Dimension! @external }',
      'type Dimension { width: Int! @external unit: Unit @external }',
    ]);
  });

  it('requires only what others have, beside keys', () => {
    const lines = linesOf(
      'type Query { product(id: ID!): Product @lookup } type Product { id: ID! size: Size delivery(key: KeyInput! @require(field: "{ id w: size.width }")): Int } input KeyInput { id: ID! w: Int } type Size { unit: String }',
      'type Product { size: Size } type Size { width: Int }',
    );
    expect(lines).toContain(
      'type Product @key(fields: "id") { id: ID! size: Size delivery: Int @requires(fields: "size { width }") }',
    );
    expect(lines).toContain('type Size { unit: String width: Int @external }');
  });

  it('has links and summaries as fields of the entity, which the source looks up by what they have', () => {
    expect(
      linesOf(`
        type Query { feed: [Post] user(id: ID!): User @lookup top: [Summary] }
        type Post { body: String by: Summary editorId: ID editor: User @derive @is(field: "{ id: editorId }") }
        type User { id: ID! name: String friendId: ID friend: User @derive @is(field: "{ id: friendId }") }
        type Summary @shape(of: "User") { id: ID! name: String }
      `),
    ).toEqual([
      'type Query { feed: [Post] user(id: ID!): User top: [User] }',
      'type Post { body: String by: User editorId: ID editor: User }',
      'type User @key(fields: "id") { id: ID! name: String friendId: ID friend: User }',
    ]);
  });

  it('answers entities without lookups of which all is in the key, or made of it', () => {
    const users = 'type User @key(fields: "id") { id: ID! name: String }';
    const reviews = 'type Query { by(author: ID!): [Int] } type User { id: ID!';
    const call = 'reviews(author: ID! @require(field: "id")): [Int] @from(field: "by") }';
    expect(linesOf(`${reviews} ${call}`, users)).toContain(
      'type User @key(fields: "id") { id: ID! reviews: [Int] }',
    );
    expect(linesOf(`${reviews} nick: String ${call}`, users)).toContain(
      'type User @key(fields: "id", resolvable: false) { id: ID! nick: String reviews: [Int] }',
    );
    expect(
      linesOf(`${reviews} pet: Pet @derive @is(field: "{ no: id }") }`, users, 'type Pet { no: ID! }'),
    ).toEqual([
      'type Query { by(author: ID!): [Int] }',
      'type User @key(fields: "id") { id: ID! pet: Pet }',
      'type Pet @key(fields: "no", resolvable: false) { no: ID! }',
    ]);
  });

  it('leaves out of the graph what is internal, also where summaries have it, and roots without fields', () => {
    expect(
      linesOf(`
        schema { query: query_root mutation: mutation_root }
        type query_root { user(id: ID!): User @lookup all: [Summary] }
        type mutation_root { do: User @internal }
        interface Named { id: ID! name: String }
        type User implements Named { id: ID! name: String @internal age: Int @internal }
        type Summary @shape(of: "User") { id: ID! name: String }
      `),
    ).toEqual([
      'schema { query: query_root }',
      'type query_root { user(id: ID!): User all: [User] }',
      'interface Named { id: ID! }',
      'type User implements Named @key(fields: "id") { id: ID! }',
    ]);
  });

  it('finds whole entities of other subgraphs by the keys of summaries', () => {
    expect(
      linesOf(
        'type Query { posts: [Post] } type Post { by: Author } type Author @shape(of: "User") { no: ID! }',
        'type User @key(fields: "id") @key(fields: "no") { id: ID! no: ID! }',
      ),
    ).toEqual([
      'type Query { posts: [Post] }',
      'type Post { by: User }',
      'type User @key(fields: "no", resolvable: false) { no: ID! }',
    ]);
  });
});

describe('composeSupergraph of sources', () => {
  const users = subgraph(
    'users',
    'type Query { users(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup @internal } type User { "The name." id: ID! name: String bestFriendId: ID bestFriend: User @derive @is(field: "{ id: bestFriendId }") }',
  );
  const shop = federated(
    'shop',
    'type Query { viewer: User } type User @key(fields: "id") { id: ID! cart: Int }',
  );

  it('writes source schemas into the supergraph, and hides them from clients', () => {
    const supergraph = composed(users, shop);
    expect(supergraph).toContain('@link(url: "https://weir.graphql.dev/source/v0.1", for: EXECUTION)');
    const sources = sourcesOf(parse(supergraph));
    expect([...sources]).toEqual([['users', { schema: print(parse(users.sdl.replace('"The name."', ''))) }]]);
    expect(Object.keys(apiSchemaOf(supergraph).getQueryType()!.getFields())).toEqual(['viewer']);
  });

  it('gives the same text for the same input', () => {
    expect(composed(users, shop)).toBe(composed(users, shop));
  });

  it('composes schemas that define directives with our names as before', () => {
    const own = federated(
      'own',
      'directive @internal on FIELD_DEFINITION directive @shape(of: String) on OBJECT type Query { a: A @internal } type A @shape(of: "B") { b: Int }',
    );
    expect(sourcesOf(parse(composed(own))).size).toBe(0);
  });

  it('leaves the supergraph of graphs without sources as it was', () => {
    expect(composed(shop)).not.toContain('weir');
  });

  it.each([
    [
      'a key of another type than elsewhere',
      'type Query { user(id: Int!): User @lookup } type User { id: Int! }',
      'FIELD_TYPE_MISMATCH a.graphql:1:57 Type of field "User.id" is incompatible across subgraphs: it has type "Int!" in subgraph "a" but type "ID!" in subgraph "shop"',
    ],
    [
      'an argument of another type',
      'type Query { user(id: Int!): User @lookup } type User { id: ID! }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:19 `User.id` is `ID!`, but the argument `id` of the @lookup `user` is `Int!`: write `@is(field: "…")` at it, with the field that it is.',
    ],
    [
      'a map of another type',
      'type Query { user(no: ID! @is(field: "no")): User @lookup } type User { no: Int! }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:27 `no` is `Int!`, but needed is `ID!`.',
    ],
    [
      'a map of nothing',
      'type Query { user(no: ID! @is(field: "nr")): User @lookup } type User { no: Int! }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:27 `User` has no field `nr`.',
    ],
    [
      'a link to nothing',
      'type Query { a: A } type A { b: ID c: Cat @derive @is(field: "{ id: b }") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:39 No subgraph has a type `Cat`.',
    ],
    [
      'a link by what its object lacks',
      'type Query { a: A } type A { b: ID c: User @derive @is(field: "{ no: b }") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:52 `User` has no field `no`.',
    ],
    [
      'a link of another type',
      'type Query { a: A } type A { b: Int c: User @derive @is(field: "{ id: b }") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:53 `b` is `Int`, but needed is `ID`.',
    ],
    [
      'a link that is no object',
      'type Query { a: A } type A { b: Int c: User @derive @is(field: "b") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:53 A link is made of the fields of its object, in { }: `{ id: authorId }`.',
    ],
    [
      'a call of no query',
      'type Query { a: Int } type User { id: ID! b(id: ID! @require(field: "id")): Int @from(field: "c") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:81 `User.b` is of `c`, but the schema has no such query.',
    ],
    [
      'a call of another type',
      'type Query { a(id: ID!): Int } type User { id: ID! b(id: ID! @require(field: "id")): String @from(field: "a") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:86 `User.b` is `String`, but `a` is `Int`.',
    ],
    [
      'a call without an argument',
      'type Query { a(id: ID!, x: Int!): Int } type User { id: ID! b(id: ID! @require(field: "id")): Int @from(field: "a") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:99 `a` needs its argument `x: Int!`: add it, with @require where the object has it.',
    ],
    [
      'a call that requires what nobody has',
      'type Query { a(id: ID!): Int } type User { id: ID! b(id: ID! @require(field: "x.y")): Int @from(field: "a") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:62 `User` has no field `x`.',
    ],
    [
      'an argument that requires what the source has',
      'type Query { a(id: ID!): A @lookup } type A { id: ID! w: Int b(id: ID! @require(field: "id"), w: Int @require(field: "w")): Int }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:102 The source has `w` of `A` itself: only a field with @from may require it, unless it is a key.',
    ],
    [
      'a summary with more than the whole',
      'type Query { a: S user(id: ID!): User @lookup } type User { id: ID! } type S @shape(of: "User") { id: ID! nick: Int }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:107 `User` has no field `nick`, but `S`, which is a part of it (@shape), has one.',
    ],
    [
      'a summary of what cannot be looked up',
      'type Query { a: S b: Big } type Big { id: ID! n: Int } type S @shape(of: "Big") { id: ID! }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:14 `Query.a` has only `id` of `Big`, and no @lookup gets `n` by that: add @lookup to a query that does, or @internal to this field of `Big`.',
    ],
    [
      'a link by what no lookup takes',
      'type Query { a: A b(no: Int!): B @lookup } type A { x: ID b: B @derive @is(field: "{ id: x }") } type B { no: Int! id: ID c: Int }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:59 `A.b` has only `id` of `B`, and no @lookup gets `no`, `c` by that: add @lookup to a query that does, or @internal to these fields of `B`.',
    ],
    [
      'a link of what is not in the graph, and not in the link',
      'type Query { a: A } type A { id: ID! x: ID @internal b: A @derive @is(field: "{ id: x }") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:54 `A.b` has only `id` of `A`, and no @lookup gets `b` by that: add @lookup to a query that does, or @internal to this field of `A`.',
    ],
    [
      'a key that is no selection',
      'type Query { a(id: ID!): A @lookup } type A @key(fields: "id } } query { x") { id: ID! }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:45 @key needs `fields`, a selection such as "id".',
    ],
    [
      'a summary of itself',
      'type Query { a(id: ID!): A @lookup } type A @shape(of: "A") { id: ID! }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:45 `A` cannot be a part of `A`, which is no whole object.',
    ],
    [
      'a link that is made of itself',
      'type Query { a(id: ID!): A @lookup } type A { id: ID! b: A @derive @is(field: "{ id: b.id }") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:60 `A.b` is made of itself.',
    ],
    [
      'a link of what nothing leads to',
      'type Query { a(id: ID!): A @lookup } type A { id: ID! } type B { id: ID! a: A @derive @is(field: "{ id: id }") }',
      'INVALID_SOURCE_SCHEMA a.graphql:1:74 Nothing leads to `B`, which has this link: a @lookup of it, or a field that returns one, is missing.',
    ],
  ])('locates %s', (_what, sdl, problem) => {
    expect(problemsOf(subgraph('a', sdl), shop)).toEqual([problem]);
  });
});
