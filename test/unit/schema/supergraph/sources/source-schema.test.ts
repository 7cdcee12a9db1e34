import { parse, print } from 'graphql';
import { readSourceSchema, type SourceSchema } from '../../../../../schema/supergraph/sources/source-schema';

const lookups = (sdl: string): unknown[] =>
  [...readSourceSchema(sdl).lookups.values()]
    .flat()
    .map(({ arguments: args, ...lookup }) => ({ ...lookup, of: args.map(({ name }) => name) }));

/** What is reported of a schema, with the text that each problem is about. */
function problemsOf(sdl: string): string[] {
  const problems: string[] = [];
  readSourceSchema(parse(sdl), (message, node) => problems.push(`${print(node)} → ${message}`));
  return problems;
}

describe('readSourceSchema', () => {
  it('reads types as they are at the source', () => {
    const { types, roots, kind } = readSourceSchema(`
      schema { query: Root }
      type Root { user: User }
      type UserSummary @shape(of: "User") { id: ID! }
      type User {
        id: ID! bestFriendId: ID bestFriend: User @derive @is(field: "{ id: bestFriendId }")
        reviews(authorId: ID! @require(field: "id"), first: Int = 3): [Review!]! @from(field: "reviewsBy")
      }
      interface Media { id: ID! } type Book implements Media { id: ID! } union Any = Book | User
    `);
    expect(roots).toEqual({ query: 'Root' });
    expect(kind).toBe('graphql');
    expect(types.get('UserSummary')).toMatchObject({
      kind: 'object',
      graphName: 'User',
      possibleTypes: ['UserSummary'],
    });
    expect(types.get('Media')!.possibleTypes).toEqual(['Book']);
    expect(types.get('Any')!.possibleTypes).toEqual(['Book', 'User']);
    const fields = types.get('User')!.fields;
    expect([...fields.keys()]).toEqual(['id', 'bestFriendId', 'bestFriend', 'reviews']);
    expect(fields.get('bestFriend')).toMatchObject({ namedType: 'User', derived: { kind: 'object' } });
    expect(fields.get('reviews')).toMatchObject({
      from: 'reviewsBy',
      jsonName: 'reviews',
    });
    expect(fields.get('reviews')!.arguments.get('authorId')).toMatchObject({ require: { kind: 'path' } });
    expect(fields.get('reviews')!.arguments.get('first')).toMatchObject({ defaultValue: { value: '3' } });
  });

  it('reads calls of HTTP and names in JSON', () => {
    const { kind, types } = readSourceSchema(`
      type Query { pet(id: Long!): Pet @http(method: "GET", path: "/pets/{id}", parameters: [{ argument: "id", name: "id", in: "path" }]) }
      type Mutation { addPet(body: NewPet): Pet @http(method: "POST", path: "/pets", body: { argument: "body", mediaType: "application/json" }, result: "success") }
      type Pet { petName: String @json(name: "pet-name") }
      union Animal @variants(property: "kind", of: [{ type: "Cat", values: ["cat"] }]) = Cat
    `);
    expect(kind).toBe('rest');
    expect(types.get('Query')!.fields.get('pet')!.http).toEqual({
      ...{ method: 'GET', path: '/pets/{id}', result: 'json' },
      parameters: [{ argument: 'id', name: 'id', in: 'path' }],
    });
    expect(types.get('Mutation')!.fields.get('addPet')!.http).toMatchObject({
      parameters: [],
      result: 'success',
    });
    expect(types.get('Pet')!.fields.get('petName')!.jsonName).toBe('pet-name');
    expect(types.get('Animal')!.variants).toEqual({
      property: 'kind',
      of: [{ type: 'Cat', values: ['cat'] }],
    });
  });

  it.each<[what: string, sdl: string, lookups: object[]]>([
    [
      'by an argument of the same name and type',
      'user(id: ID!, locale: String): User',
      [{ field: 'user', isList: false, key: 'id', of: ['id'] }],
    ],
    [
      'by a named field',
      'userBy(login: String! @is(field: "name")): User',
      [{ field: 'userBy', isList: false, key: 'name', of: ['login'] }],
    ],
    [
      'by a list',
      'users(ids: [ID!]! @is(field: "[id]")): [User]!',
      [{ field: 'users', isList: true, key: 'id', of: ['ids'] }],
    ],
    [
      'by two fields',
      'user(id: ID!, zip: String @is(field: "address.zip")): User',
      [{ field: 'user', isList: false, key: 'id address { zip }', of: ['id', 'zip'] }],
    ],
    [
      'by alternatives',
      'user(by: By @is(field: "{ id } | { zip: address.zip }")): User',
      [
        { field: 'user', isList: false, key: 'id', of: ['by'] },
        { field: 'user', isList: false, key: 'address { zip }', of: ['by'] },
      ],
    ],
  ])('finds lookups %s', (_what, field, expected) => {
    const sdl = `type Query { ${field} @lookup } type User { id: ID! name: String address: Address } type Address { zip: String } input By { id: ID zip: String }`;
    expect(lookups(sdl)).toEqual(expected.map((each) => ({ entity: 'User', ...each })));
  });

  it('finds a lookup of each type that an interface or a union may be, with the alternatives for it', () => {
    const sdl = `
      type Query { node(id: ID!): Node @lookup media(by: By @is(field: "{ bookId: <Book>.id } | { movieId: <Movie>.number }")): Media @lookup }
      interface Node { id: ID! } type User implements Node { id: ID! } type Book implements Node { id: ID! }
      type Movie { number: ID! } union Media = Book | Movie input By @oneOf { bookId: ID movieId: ID }`;
    expect(lookups(sdl)).toEqual([
      { entity: 'User', field: 'node', isList: false, key: 'id', of: ['id'] },
      { entity: 'Book', field: 'node', isList: false, key: 'id', of: ['id'] },
      { entity: 'Book', field: 'media', isList: false, key: 'id', of: ['by'] },
      { entity: 'Movie', field: 'media', isList: false, key: 'number', of: ['by'] },
    ]);
  });

  it('names the entity by its name in the graph', () => {
    const schema: SourceSchema = readSourceSchema(
      'type Query { user(id: ID!): Person @lookup } type Person @shape(of: "User") { id: ID! }',
    );
    expect([...schema.lookups.keys()]).toEqual(['User']);
  });

  it.each([
    [
      'user(id: Int!): User @lookup',
      'id: Int! → `User.id` is `ID!`, but the argument `id` of the @lookup `user` is `Int!`: write `@is(field: "…")` at it, with the field that it is.',
    ],
    [
      'user(key: ID!): User @lookup',
      'key: ID! → `User.key` does not exist, but the argument `key` of the @lookup `user` is `ID!`: write `@is(field: "…")` at it, with the field that it is.',
    ],
    [
      'user(id: ID): User @lookup',
      '@lookup → The @lookup `user` needs an argument with `@is(field: "…")`: a key of `User`.',
    ],
    [
      'user(id: ID! @is(field: "{")): User @lookup',
      '@is(field: "{") → @is(field: "{") is no selection map: Expected a name, but got: the end (character 2).',
    ],
    ['user(id: ID! @is): User @lookup', '@is → @is needs `field`, a selection map.'],
    ['name(id: ID!): String @lookup', '@lookup → @lookup must return an object, but `name` is `String`.'],
    [
      'users(id: ID!): [User] @lookup',
      '@lookup → A @lookup that returns a list needs exactly one argument with a list of keys, such as `@is(field: "[id]")`, and others must not have one: `users` is `[User]`.',
    ],
    [
      'user(ids: [ID!] @is(field: "[id]")): User @lookup',
      '@lookup → A @lookup that returns a list needs exactly one argument with a list of keys, such as `@is(field: "[id]")`, and others must not have one: `user` is `User`.',
    ],
  ])('reports what is wrong with %s', (field, problem) => {
    expect(problemsOf(`type Query { ${field} } type User { id: ID! }`)).toEqual([problem]);
  });

  it('quotes the beginning of a long map alone', () => {
    const [problem] = problemsOf(
      `type Query { user(id: ID! @is(field: "${'{ a: '.repeat(50_000)}")): User @lookup } type User { id: ID! }`,
    );
    const [, message] = problem!.split(' → ');
    expect(message).toMatch(/^@is\(field: "\{ a: .{95}…"\) is no selection map: .{10,100}$/);
  });

  it('reports lookups below the root, and links that are made of nothing', () => {
    expect(
      problemsOf(
        'type Query { a: User } type User { id: ID! me(id: ID!): User @lookup friend: User @derive }',
      ),
    ).toEqual([
      '@derive → @derive needs `@is(field: "{ … }")` beside it: the key of the object.',
      '@lookup → @lookup must stand on a field of `Query`.',
    ]);
  });

  it('throws what is wrong where nobody collects it', () => {
    expect(() =>
      readSourceSchema('type Query { user(id: ID! @is): User @lookup } type User { id: ID! }'),
    ).toThrow('@is needs `field`');
  });
});
