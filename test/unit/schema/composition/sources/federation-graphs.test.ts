/** Over 300 lines: each word of overlays, as Federation has it. */
import { parse, print } from 'graphql';
import { composeSupergraph, type Problem, type SubgraphSchema } from '../../../../../schema';
import { sourceGraphs } from '../../../../../schema/composition/sources/federation-graphs';
import { withOverlay } from '../../../../../schema/composition/sources/overlay';
import { Owners } from '../../../../../schema/composition/sources/owners';
import { apiSchemaOf } from '../../../../../schema/composition/api-schema';
import { sourcesOf } from '../../../../../schema/supergraph/sources/sources-of';

const raise = (message: string) => {
  throw new Error(message);
};

/** The definitions of the graphs of a source, without the link, as lines. */
function graphsOf(sdl: string, ...others: string[]): Record<string, string[]> {
  const document = withOverlay(parse(sdl), undefined, raise);
  const owners = new Owners([document, ...others.map((other) => parse(other))]);
  const { graphs } = sourceGraphs('api', document, owners, raise);
  return Object.fromEntries(
    Array.from(graphs, ([name, graph]) => [
      name,
      graph.definitions.slice(1).map((node) => print(node).replaceAll(/\s+/g, ' ')),
    ]),
  );
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

describe('sourceGraphs', () => {
  it('makes keys of lookups, and leaves internal fields and types out', () => {
    expect(
      graphsOf(`
        type Query {
          user(id: ID!): User @lookup
          users(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup @internal
          userBy(login: String! @is(field: "name"), zip: Int! @is(field: "address.zip"), filter: Filter): User @lookup @internal
          secrets: Secrets
        }
        type User { id: ID! name: String address: Address secrets: Secrets @internal }
        type Address { zip: Int } input Filter { a: Int } type Secrets @internal { a: Int }
      `),
    ).toEqual({
      api: [
        'type Query { user(id: ID!): User }',
        'type User @key(fields: "id") @key(fields: "name address { zip }") { id: ID! name: String address: Address }',
        'type Address { zip: Int }',
      ],
    });
  });

  it('keeps keys that are written, as references where no lookup answers them', () => {
    expect(
      graphsOf(
        'type Query { a(id: ID!): A @lookup b: B } type A @key(fields: "id") @key(fields: "x") { id: ID! x: Int } type B @key(fields: "id") { id: ID! }',
      ),
    ).toEqual({
      api: [
        'type Query { a(id: ID!): A b: B }',
        'type A @key(fields: "id") @key(fields: "x", resolvable: false) { id: ID! x: Int }',
        'type B @key(fields: "id", resolvable: false) { id: ID! }',
      ],
    });
  });

  it('makes links to entities of other subgraphs', () => {
    expect(
      graphsOf(
        'type Query { r: Review } type Review { authorId: Int! author: User @derive @is(field: "{ no: authorId }") }',
        'type User { no: Int! name: String }',
      ),
    ).toEqual({
      api: [
        'type Query { r: Review }',
        'type Review { authorId: Int! author: User }',
        'type User @key(fields: "no", resolvable: false) { no: Int! }',
      ],
    });
  });

  it('hides the arguments of calls, whose needs are the key of an entity', () => {
    expect(
      graphsOf(
        'type Query { by(author: ID!, first: Int): [Review] } type Review { body: String } type User { id: ID! reviews(author: ID! @require(field: "id"), first: Int): [Review] @from(field: "by") }',
      ),
    ).toEqual({
      api: [
        'type Query { by(author: ID!, first: Int): [Review] }',
        'type Review { body: String }',
        'type User @key(fields: "id") { id: ID! reviews(first: Int): [Review] }',
      ],
    });
  });

  it('requires what other subgraphs have, with the types of their owners', () => {
    expect(
      graphsOf(
        'type Query { product(id: ID!): Product @lookup } type Product { id: ID! delivery(zip: String!, size: SizeInput! @require(field: "dimension.{ w: width unit }")): Int } input SizeInput { w: Int! unit: Unit } enum Unit { CM IN }',
        'type Product { dimension: Dimension! } type Dimension { width: Int! unit: Unit } enum Unit { CM IN }',
      ),
    ).toEqual({
      api: [
        'enum Unit { CM IN }',
        'type Query { product(id: ID!): Product }',
        'type Product @key(fields: "id") { id: ID! delivery(zip: String!): Int @requires(fields: "dimension { width unit }") dimension: Dimension! @external }',
        'type Dimension { width: Int! @external unit: Unit @external }',
      ],
    });
  });

  it('requires only what others have, beside keys', () => {
    const { api } = graphsOf(
      'type Query { product(id: ID!): Product @lookup } type Product { id: ID! size: Size delivery(key: KeyInput! @require(field: "{ id w: size.width }")): Int } input KeyInput { id: ID! w: Int } type Size { unit: String }',
      'type Product { size: Size } type Size { width: Int }',
    );
    expect(api).toContain(
      'type Product @key(fields: "id") { id: ID! size: Size delivery: Int @requires(fields: "size { width }") }',
    );
    expect(api).toContain('type Size { unit: String width: Int @external }');
  });

  it('puts links that are a part of an entity of the source into a second graph', () => {
    expect(
      graphsOf(
        'type Query { users: [User] user(id: ID!): User @lookup } type User { id: ID! name: String bestFriendId: ID bestFriend: User @derive @is(field: "{ id: bestFriendId }") }',
      ),
    ).toEqual({
      api: [
        'type Query { users: [User] user(id: ID!): User }',
        'type User @key(fields: "id") { id: ID! @shareable name: String bestFriendId: ID }',
      ],
      'api.partial': [
        'type User @key(fields: "id") { id: ID! @shareable bestFriend: User @requires(fields: "bestFriendId") bestFriendId: ID @external }',
      ],
    });
  });

  it('makes one graph where links are made of what the entity has of them, also by calls', () => {
    const graphs = graphsOf(
      'type Query { top: [Review] by(author: ID!): [Review] } type Review { body: String authorId: ID author: User @derive @is(field: "{ id: authorId }") } type User { id: ID! reviews(author: ID! @require(field: "id")): [Review] @from(field: "by") }',
    );
    expect(Object.keys(graphs)).toEqual(['api']);
  });

  it('has what leads to summaries and links of objects that are no entities in both graphs', () => {
    expect(
      graphsOf(`
        type Query { feed: Feed user(id: ID!): User @lookup top: [Summary] }
        type Mutation { post: Post } type Subscription { posts: Post }
        type Feed { posts: [Post] title: String }
        type Post { body: String by: Summary editorId: ID editor: User @derive @is(field: "{ id: editorId, name: body }") }
        type User { id: ID! name: String age: Int }
        type Summary @shape(of: "User") { id: ID! name: String }
      `),
    ).toEqual({
      api: [
        'type Query { feed: Feed @shareable user(id: ID!): User }',
        'type Mutation { post: Post @shareable }',
        'type Feed { posts: [Post] @shareable title: String @shareable }',
        'type Post { body: String @shareable editorId: ID @shareable }',
        'type User @key(fields: "id") { id: ID! @shareable name: String @shareable age: Int }',
      ],
      'api.partial': [
        'type User @key(fields: "id", resolvable: false) { id: ID! @shareable name: String @shareable }',
        'type Query { top: [User] feed: Feed @shareable }',
        'type Post { body: String @shareable by: User editorId: ID @shareable editor: User }',
        'type Mutation { post: Post @shareable }',
        'type Subscription { posts: Post }',
        'type Feed { posts: [Post] @shareable title: String @shareable }',
      ],
    });
  });

  it('lets no position of a part give what only whole entities have', () => {
    const graphs = graphsOf(`
      type Query { user(id: ID!): User @lookup }
      type User { id: ID! age: Int friendId: ID friend: User @derive @is(field: "{ id: friendId }") team: Team }
      type Team { name: String lead: Summary }
      type Summary @shape(of: "User") { id: ID! }
    `);
    expect(graphs['api.partial']).toEqual([
      'type User @key(fields: "id") { id: ID! @shareable friend: User @requires(fields: "friendId") team: Team @requires(fields: "age") @shareable friendId: ID @external age: Int @external }',
      'type Team { name: String @shareable lead: User }',
    ]);
  });
});

describe('sourceGraphs of summaries', () => {
  it('finds whole entities of other subgraphs by their keys', () => {
    expect(
      graphsOf(
        'type Query { posts: [Post] } type Post { by: Author } type Author @shape(of: "User") { no: ID! }',
        'type User @key(fields: "id") @key(fields: "no") { id: ID! no: ID! }',
      ),
    ).toEqual({
      api: [
        'type Query { posts: [Post] }',
        'type Post { by: User }',
        'type User @shape(of: "User") @key(fields: "no", resolvable: false) { no: ID! }',
      ].map((line) => line.replace(' @shape(of: "User")', '')),
    });
  });

  it('keeps calls that return them, beside what the calls need', () => {
    const { 'api.partial': partial } = graphsOf(`
      type Query { users(nos: [Int!]! @is(field: "[no]")): [User!] @lookup of(k: ID!): [Brief] @internal }
      type Brief @shape(of: "User") { no: Int! } type User { no: Int! name: String }
      type Place { serial: ID! users(k: ID! @require(field: "serial")): [Brief] @from(field: "of") }
    `);
    expect(partial).toContain('type Place @key(fields: "serial") { serial: ID! @shareable users: [User] }');
  });

  it('has in unions and interfaces of each graph what is there', () => {
    const graphs = graphsOf(`
      type Query { any: Any node: Node user(id: ID!): User @lookup pet(id: ID!): Pet @lookup }
      type User { id: ID! name: String } type Brief @shape(of: "User") { id: ID! }
      union Any = Only | Pet type Only { by: Brief node: Node }
      interface Node { size: Int } type Pet implements Node { id: ID! size: Int }
    `);
    expect(graphs['api']).toContain('union Any = Only | Pet');
    expect(graphs['api.partial']).toContain('interface Node { size: Int }');
    expect(graphs['api.partial']).toContain(
      'type Pet implements Node @key(fields: "id", resolvable: false) { id: ID! @shareable size: Int @external }',
    );
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
    expect([...sources.keys()].sort()).toEqual(['users', 'users.partial']);
    expect(sources.get('users.partial')).toEqual(sources.get('users'));
    expect(sources.get('users')).toEqual({
      of: 'users',
      schema: print(parse(users.sdl.replace('"The name."', ''))),
    });
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
      'INVALID_SOURCE_SCHEMA a.graphql:1:33 Some positions have only a part of `Big`: it needs a @lookup by what all of them have (id).',
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
