import { buildSchema, parse, validate } from 'graphql';
import { firstQuery } from '../../../../../gateway/process/clients/first-query';

const query = (sdl: string, isAllowed: (query: string) => boolean = () => true): string => {
  const schema = buildSchema(sdl);
  const written = firstQuery(schema, isAllowed);
  expect(validate(schema, parse(written))).toEqual([]);
  return written.replaceAll(/\s+/g, ' ').trim();
};

it.each([
  ['no more than two root fields', 'type Query { a: A b: A c: A } type A { x: Int }', '{ a { x } b { x } }'],
  [
    'fields without required arguments first, objects before scalars',
    'type Query { byId(id: ID!): A version: String all(size: Int): [A] } type A { x: Int }',
    '{ all { x } version }',
  ],
  [
    'five scalars of an object, and none that needs an argument or is deprecated',
    'type Query { a: A } type A { a: Int @deprecated b(x: Int!): Int c: Int d(x: Int): [E!]! e: ID f: Int g: Int h: Int } enum E { X }',
    '{ a { c d e f g } }',
  ],
  [
    'what is in an object without scalars, such as a connection, some of it',
    'type Query { all(first: Int, after: ID): Page } type Page { edges: [Edge] } type Edge { node: A } type A { x: Int }',
    '{ all(first: 3) { edges { node { x } } } }',
  ],
  [
    'a union',
    'type Query { a: U } union U = A | B type A { x: Int } type B { y: Int }',
    '{ a { __typename ... on A { x } } }',
  ],
  [
    'an interface',
    'type Query { a: I } interface I { x: Int } type A implements I { x: Int }',
    '{ a { x } }',
  ],
  [
    'objects that hold each other',
    'type Query { a: A } type A { b: B } type B { a: A }',
    '{ a { b { a { __typename } } } }',
  ],
  [
    'values for arguments where there is no other field, one field alone',
    'type Query { a(i: In!): Int b(id: ID!, e: E!, n: Int! = 1, first: Int!): A c(id: ID!): A } input In { x: Int } enum E { X Y } type A { x: Int }',
    '{ b(id: "1", e: X, first: 3) { x } }',
  ],
  [
    'nothing but the type where nothing can be written',
    'type Query { a(x: [Int!]!): Int }',
    '{ __typename }',
  ],
])('selects %s', (_, sdl, written) => {
  expect(query(sdl)).toBe(written);
});

it('asks for less where limits do not allow more', () => {
  const sdl = 'type Query { a: A b: B } type A { x: Int } type B { y: Int }';
  expect(query(sdl, (text) => !text.includes('a {'))).toBe('{ b { y } }');
  expect(query(sdl, () => false)).toBe('{ __typename }');
});
