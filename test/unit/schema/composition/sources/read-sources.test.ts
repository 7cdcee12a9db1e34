import type { GraphQLObjectType } from 'graphql';
import { composeSupergraph, executableSubgraph } from '../../../../../schema';
import { asSubgraphs } from '../../../../../schema/composition/sources/read-sources';

const subgraphOf = (name: string, sdl: string) => ({
  ...{ name, sdl, routingUrl: `http://${name}.test/`, file: `${name}.graphql` },
});
const users = subgraphOf(
  'users',
  `type Query { usersByIds(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup @internal  notesOf(of: ID!): [String!]! }
   type User {
     id: ID!  name: String!  friendId: ID
     friend: User @derive @is(field: "{ id: friendId }")
     notes(of: ID! @require(field: "id")): [String!]! @from(field: "notesOf")
   }`,
);
const reviews = subgraphOf(
  'reviews',
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
   type Query { author: User }  type User @key(fields: "id", resolvable: false) { id: ID! }`,
);

it('makes one federation subgraph of a source that is named, and leaves the others', () => {
  const all = asSubgraphs([users, reviews], (name) => name === 'users');
  expect(all[1]).toBe(reviews);
  const { supergraphSdl, errors } = composeSupergraph({ subgraphs: all });
  expect(errors).toBeUndefined();
  expect(supergraphSdl).not.toMatch(/weir__source|partial/);
  const { schema, keys } = executableSubgraph(all[0]!);
  expect(keys.get('User')).toEqual([[['id']]]);
  const user = schema.getType('User') as GraphQLObjectType;
  expect(Object.keys(user.getFields())).toEqual(['id', 'name', 'friendId', 'friend', 'notes']);
  expect(asSubgraphs([users, reviews], () => false)).toEqual([users, reviews]);
});

it('leaves a schema with mistakes for composition to report', () => {
  const wrong = subgraphOf('users', 'type Query { user(key: ID!): User @lookup } type User { id: ID! }');
  const broken = subgraphOf('broken', 'type {');
  expect(asSubgraphs([wrong, broken], () => true)).toEqual([wrong, broken]);
});
