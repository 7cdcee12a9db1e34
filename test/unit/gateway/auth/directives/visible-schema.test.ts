import { buildSchema, type GraphQLSchema, lexicographicSortSchema, printSchema, printType } from 'graphql';
import { Protection } from '../../../../../gateway/auth/directives/protection';
import { Visibility } from '../../../../../gateway/auth/directives/visibility';
import { visibleSchema } from '../../../../../gateway/auth/directives/visible-schema';
import type { Protections } from '../../../../../gateway/planning';

/** The schema for who is not signed in. `asked` are the types and fields for which one has to be. */
function shownTo(sdl: string, asked: readonly string[], denied: readonly string[] = []): GraphQLSchema {
  const schema = buildSchema(sdl);
  const facts: Protections = {
    requirements: [{ kind: 'authenticated' }],
    elements: new Map(asked.map((coordinate) => [coordinate, [0]])),
    ...{ sources: new Map(), keys: new Map(), interfaceObjects: new Set(), hiddenFields: new Map() },
  };
  const protection = new Protection(facts, schema);
  const visibility = new Visibility(protection, ['authenticated', ...denied], () => schema);
  return visibleSchema(schema, visibility);
}
const print = (sdl: string, asked: readonly string[], denied?: readonly string[]): string =>
  printSchema(lexicographicSortSchema(shownTo(sdl, asked, denied)));
const printed = (sdl: string): string => printSchema(lexicographicSortSchema(buildSchema(sdl)));

it('is the schema where nothing is refused, with its directives, descriptions and roots', () => {
  const sdl = `
    """All of it."""
    schema { query: Root  mutation: Change  subscription: Watch }
    """What may be asked."""
    directive @note(text: String = "x") repeatable on FIELD
    scalar Time @specifiedBy(url: "https://time.example")
    type Root { a(first: Int = 3, kinds: [Kind!]! = [A]): Time @deprecated(reason: "old")  node: Node }
    type Change { b(input: Input): Int }
    type Watch { c: Int }
    interface Node { id: ID }
    interface Named implements Node { id: ID  name: String }
    type Thing implements Node & Named { id: ID  name: String }
    enum Kind { A  B @deprecated }
    input Input { a: Int = 1  inner: Inner }
    input Inner { b: Kind = B }
  `;
  expect(print(sdl, [])).toBe(printed(sdl));
});

it('has no field that is refused, by a directive or by name', () => {
  const sdl = 'type Query { a: Int  b: Int  c: Int }';
  expect(print(sdl, ['Query.b'], ['Query.c'])).toBe(printed('type Query { a: Int }'));
});

it('has no type that is refused, nor what has it', () => {
  const sdl = `
    type Query { user: User  secret: Secret  secrets: [Secret!]!  kind: Kind  at: Time  found: Found }
    type User implements Node & Hidden { id: ID  name: String  secret: Secret }
    interface Node { id: ID }
    interface Hidden { name: String }
    type Secret implements Node { id: ID }
    enum Kind { A }
    scalar Time
    union Found = User | Secret
  `;
  const found = print(sdl, ['Secret', 'Hidden', 'Kind', 'Time']);
  expect(found).toBe(
    printed(`
      type Query { user: User  found: Found }
      type User implements Node { id: ID  name: String }
      interface Node { id: ID }
      union Found = User
    `),
  );
});

it('keeps what arguments and input objects are of', () => {
  const sdl = `
    type Query { a(kind: Kind): Int  kind: Kind  asked: Asked }
    type Mutation { b(input: [Input!]!): Int }
    interface Asked { c(time: Time): Int }
    type Asks implements Asked { c(time: Time): Int }
    enum Kind { A }
    scalar Time
    enum Inner { B }
    input Input { inner: [Inner!] }
  `;
  const schema = shownTo(sdl, ['Kind', 'Time', 'Inner', 'Input']);
  for (const name of ['Kind', 'Time', 'Inner', 'Input']) expect(schema.getType(name)).toBeDefined();
  expect(printType(schema.getType('Query')!)).toBe('type Query {\n  a(kind: Kind): Int\n  asked: Asked\n}');
});

it('keeps the root types, though all of them be refused', () => {
  const sdl = `
    schema { query: Root  mutation: Change  subscription: Watch }
    type Root { a: Int }
    type Change { b: Int }
    type Watch { c: Int }
  `;
  const schema = shownTo(sdl, ['Change', 'Watch']);
  expect(Object.keys(schema.getQueryType()!.getFields())).toEqual(['a']);
  expect([schema.getMutationType()?.name, schema.getSubscriptionType()?.name]).toEqual(['Change', 'Watch']);
});

describe('a field of an interface', () => {
  const sdl = `
    type Query { media: Media }
    interface Media { title: String  length: Int }
    type Film implements Media { title: String  length: Int }
    type Book implements Media { title: String  length: Int }
  `;

  it('goes with that of any implementation', () => {
    const schema = shownTo(sdl, ['Book.length']);
    expect(printType(schema.getType('Media')!)).toBe('interface Media {\n  title: String\n}');
    expect(printType(schema.getType('Film')!)).toContain('length');
    expect(printType(schema.getType('Book')!)).not.toContain('length');
  });

  it('stays where the implementation itself is refused', () => {
    const schema = shownTo(sdl, ['Book', 'Book.length']);
    expect(printType(schema.getType('Media')!)).toContain('length');
    expect(schema.getType('Book')).toBeUndefined();
  });

  it('goes with all of its implementations', () => {
    const schema = shownTo(sdl.replace('media: Media', 'media: Media  a: Int'), ['Book', 'Film']);
    expect(schema.getType('Media')).toBeUndefined();
    expect(Object.keys(schema.getQueryType()!.getFields())).toEqual(['a']);
  });
});

describe('what nothing leads to any more', () => {
  it('is not shown', () => {
    const sdl = `
      type Query { a: Int  secret: Secret }
      type Secret { detail: Detail }
      type Detail { kind: Kind }
      enum Kind { A }
    `;
    expect(print(sdl, ['Secret'])).toBe(printed('type Query { a: Int }'));
  });

  it('is shown where an interface leads to it, over others', () => {
    const sdl = `
      type Query { node: Node  hidden: Hidden }
      type Hidden { film: Film }
      interface Node { id: ID }
      type Film implements Node { id: ID  person: Named }
      interface Named { name: String }
      type Person implements Named { name: String }
      interface Lost { name: String }
      type LostPerson implements Lost { name: String }
    `;
    const schema = shownTo(sdl, ['Hidden']);
    for (const name of ['Node', 'Film', 'Named', 'Person']) expect(schema.getType(name)).toBeDefined();
    for (const name of ['Hidden', 'Lost', 'LostPerson']) expect(schema.getType(name)).toBeUndefined();
  });
});
