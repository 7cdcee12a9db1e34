import { parse } from 'graphql';
import { Owners } from '../../../../../schema/composition/sources/owners';
import { suggestionsFor } from '../../../../../schema/composition/sources/suggest';
import { readSourceSchema } from '../../../../../schema/supergraph/sources/source-schema';

const suggested = (sdl: string, ...others: string[]): string[] =>
  suggestionsFor(readSourceSchema(sdl), new Owners(others.map((each) => parse(each)))).map(
    ({ overlay }) => overlay,
  );

describe('suggestionsFor', () => {
  it('proposes queries whose argument is a value of what they return', () => {
    const sdl = `
      type Query {
        user(id: ID!): User
        userBy(userId: ID!, locale: String): User
        maybe(id: ID): User
        users(ids: [ID!]!): [User!]!
        usersBy(userIds: [ID!]): [User]
        named(name: String!, id: ID!): User
        wrong(id: Int!): User
        search(text: String!): [User]
        all(id: ID!): [User]
        known(id: ID!): User @lookup
      }
      type User { id: ID! name: String }`;
    expect(suggested(sdl)).toEqual([
      'extend type Query { user(id: ID!): User @lookup }',
      'extend type Query { userBy(userId: ID! @is(field: "id")): User @lookup }',
      'extend type Query { maybe(id: ID @is(field: "id")): User @lookup }',
      'extend type Query { users(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup }',
      'extend type Query { usersBy(userIds: [ID!] @is(field: "[id]")): [User] @lookup }',
    ]);
  });

  it('proposes links of ids to entities that this or another subgraph knows', () => {
    const sdl = `
      type Query { posts: [Post] pet(id: ID!): Pet }
      type Post { id: ID! userId: ID! pet_id: ID shopId: ID tagId: Int authorId: ID user: String userIds: [ID] orderID: ID }
      type Pet { id: ID! petId: ID ownerId(of: Int): ID }`;
    const others = [
      'type Order @key(fields: "id") { id: ID! } type Shop { id: ID! } type Tag @key(fields: "id") { id: ID! }',
      'type Query { user(id: ID!): User @lookup } type User { id: ID! }',
    ];
    expect(suggested(sdl, ...others)).toEqual([
      'extend type Query { pet(id: ID!): Pet @lookup }',
      'extend type Post { pet: Pet @derive @is(field: "{ id: pet_id }") }',
      'extend type Post { order: Order @derive @is(field: "{ id: orderID }") }',
    ]);
  });
});
