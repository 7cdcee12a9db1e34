import { buildSchema, parse, validate } from 'graphql';
import { exampleQuery } from '../../../../gateway/explain/example-query';

describe('exampleQuery', () => {
  it.each([
    [
      'asks for fields that need no arguments, with what is below them',
      `type Query { node(id: ID!): Product, version: String, products: [Product!]!, reviews: [Review!]! }
       type Product { id: ID!, name: String, reviews: [Review!]! }
       type Review { id: ID!, stars: Int, product: Product }`,
      '{ products { id name reviews { id stars } } reviews { id stars product { id name } } }',
    ],
    [
      'reaches the values of a connection, a few of them',
      `type Query { products(first: Int, after: String): ProductConnection }
       type ProductConnection { edges: [ProductEdge] }
       type ProductEdge { node: Product }
       type Product { name: String }`,
      '{ products(first: 3) { edges { node { name } } } }',
    ],
    [
      'makes up arguments only where everything needs them',
      `type Query { search(term: String!, kind: Kind!, tags: [ID!]!, filter: Filter!): [String] }
       enum Kind { BOOK } input Filter { text: String }`,
      '{ search(term: "a", kind: BOOK, tags: [], filter: {}) }',
    ],
    [
      'leaves out what it has no value for, what is deprecated and what is of a subgraph',
      `type Query { at(point: Point!): Int, old: Int @deprecated, _internal: Int, a: U, now: Int }
       scalar Point union U = T type T { t: Int }`,
      '{ a { __typename } now }',
    ],
    [
      'ends in a type that contains itself',
      `type Query { root: Node } type Node { name: String, next: Node }`,
      '{ root { name next { name } } }',
    ],
    [
      'asks for something in any case',
      `type Query { at(point: Point!): Int } scalar Point`,
      '{ __typename }',
    ],
    [
      'leaves out an object in which nothing can be asked for',
      `type Query { user: User, now: Int } type User { at(point: Point!): Int } scalar Point`,
      '{ now }',
    ],
  ])('%s', (_what, sdl, query) => {
    const schema = buildSchema(sdl);

    expect(exampleQuery(schema)).toBe(query);
    expect(validate(schema, parse(query))).toEqual([]);
  });
});
