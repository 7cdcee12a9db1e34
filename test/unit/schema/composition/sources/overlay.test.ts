import { parse, print, Source } from 'graphql';
import { withOverlay } from '../../../../../schema/composition/sources/overlay';

const api = `
  type Query { user(id: Int!): User users(ids: [ID!]!): [User!]! reviewsBy(author: ID!): [Review] }
  type User { id: Int! name: String status: Status friends: [User] }
  type Review { body: String }
  enum Status { NEW OLD }
  input Filter { name: String }
  union Any = User | Review
`;

function overlaid(overlay: string, schema = api) {
  const problems: string[] = [];
  const document = withOverlay(
    parse(schema),
    parse(new Source(overlay, 'api.join.graphql')),
    (message, { loc }) => {
      const { line, column } = loc!.startToken;
      problems.push(`${loc!.source.name}:${line}:${column} ${message}`);
    },
  );
  return { problems, sdl: print(document), document };
}

describe('withOverlay', () => {
  it('adds directives to what the schema has, and replaces the types of scalars', () => {
    const { problems, sdl } = overlaid(`
      extend type Query { user(id: Int! @is(field: "id")): User @lookup }
      type User { id: ID! name: String! @shareable }
      enum Status { OLD @inaccessible }
      input Filter @tag(name: "x") { name: String @tag(name: "y") }
      union Any @tag(name: "z")
    `);
    expect(problems).toEqual([]);
    expect(sdl).toContain('user(id: Int! @is(field: "id")): User @lookup');
    expect(sdl).toContain(
      'type User {\n  id: ID!\n  name: String! @shareable\n  status: Status\n  friends: [User]\n}',
    );
    expect(sdl).toContain('OLD @inaccessible');
    expect(sdl).toContain('input Filter @tag(name: "x") {\n  name: String @tag(name: "y")\n}');
    expect(sdl).toContain('union Any @tag(name: "z") = User | Review');
  });

  it('adds links, fields that are calls, and entities of other subgraphs', () => {
    const { problems, sdl } = overlaid(`
      extend type Review { author: Author @derive @is(field: "{ id: body }") }
      type Author { id: ID! reviews(author: ID! @require(field: "id")): [Review] @from(field: "reviewsBy") }
    `);
    expect(problems).toEqual([]);
    expect(sdl).toContain(
      'type Author {\n  id: ID!\n  reviews(author: ID! @require(field: "id")): [Review] @from(field: "reviewsBy")\n}',
    );
  });

  it('keeps the locations of both texts, joins extensions, and leaves definitions of its words out', () => {
    const { document, sdl } = overlaid(
      'directive @lookup on FIELD_DEFINITION extend schema @link(url: "https://specs.apollo.dev/federation/v2.9")',
      'directive @derive on FIELD_DEFINITION directive @own on OBJECT type Query { a: Int } extend type Query { b: Int } extend type T { c: Int }',
    );
    expect(sdl).toBe(
      'directive @own on OBJECT\n\nextend schema @link(url: "https://specs.apollo.dev/federation/v2.9")\n\ntype Query {\n  a: Int\n  b: Int\n}\n\ntype T {\n  c: Int\n}',
    );
    expect(document.definitions.map(({ loc }) => loc!.source.name)).toEqual([
      'GraphQL request',
      'api.join.graphql',
      'GraphQL request',
      'GraphQL request',
    ]);
  });

  it.each([
    ['extend type Usr { id: ID! }', '1:13 The schema has no type `Usr`. Did you mean `User`?'],
    ['type Usr { id: ID! }', '1:6 The schema has no type `Usr`. Did you mean `User`?'],
    ['input Nothing { id: ID! }', '1:7 The schema has no type `Nothing`.'],
    ['extend type User { nmae: String }', '1:20 `User` has no `nmae` in the schema. Did you mean `name`?'],
    ['extend type Query { user(key: Int!): User }', '1:26 `Query.user` has no `key` in the schema.'],
    ['extend enum Status { ODL }', '1:22 `Status` has no `ODL` in the schema. Did you mean `OLD`?'],
    ['extend input User { id: ID }', '1:14 `User` is of another kind in the schema: object.'],
    [
      'extend type Query { user(id: ID! @is(field: "id")): User }',
      '1:30 `Query.user.id` is `Int!` in the schema, and the source needs such a value: an overlay must not change it to `ID!`.',
    ],
    [
      'extend type User { name: [String] }',
      '1:26 `User.name` is `String` in the schema: it cannot be `[String]`.',
    ],
    [
      'extend type User { friends: [Review] }',
      '1:29 `User.friends` is `[User]` in the schema: it cannot be `[Review]`.',
    ],
    [
      'extend type Query { user(id: Int!): User @http(method: "GET", path: "/") }',
      '1:42 @http is written by Weir, of a document: an overlay must not have it.',
    ],
  ])('locates what is wrong with %s', (overlay, problem) => {
    expect(overlaid(overlay).problems).toEqual([`api.join.graphql:${problem}`]);
  });
});
