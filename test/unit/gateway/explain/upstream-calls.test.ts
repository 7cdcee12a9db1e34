import { describeSources } from '../../../../gateway/explain/upstream-calls';
import { composeSupergraph } from '../../../../schema';

const users = `
  type Query {
    latest: [User!]!
    usersByIds(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup @internal
    userById(id: ID!): User @lookup @internal
    notesOf(authorId: ID!): [Note!]!
  }
  type User {
    id: ID!
    name: String!
    friendId: ID
    friend: User @derive @is(field: "{ id: friendId }")
    notes(authorId: ID! @require(field: "id")): [Note!]! @from(field: "notesOf")
  }
  type Note { text: String! }`;
const pets = `
  directive @http(method: String!, path: String!) on FIELD_DEFINITION
  type Query {
    pet(id: ID!): Pet @lookup @http(method: "GET", path: "/pets/{id}")
  }
  type Mutation { feed(id: ID!): Pet @http(method: "POST", path: "/pets/{id}/meals") }
  type Pet { id: ID! name: String }`;
const reviews = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
  type Query { reviews: [Review!]! }
  type Review { pet: Pet }
  type Pet @key(fields: "id", resolvable: false) { id: ID! }`;

const { supergraphSdl } = composeSupergraph({
  subgraphs: Object.entries({ users, pets, reviews }).map(([name, sdl]) => ({
    ...{ name, sdl, routingUrl: `http://${name}.example/`, file: `${name}.graphql` },
  })),
});
const upstreamOf = describeSources(supergraphSdl!);

const entities = (selection: string): string =>
  `query ($representations: [_Any!]!) { _entities(representations: $representations) { ${selection} } }`;

it.each([
  ['users', '{ latest { id name } }', ['query latest: all']],
  ['users', '{ latest { id notes { text } } }', ['query latest: all', 'query notesOf: each']],
  ['users', entities('... on User { name }'), ['query usersByIds: all']],
  ['users', entities('... on User { notes { text } }'), ['query notesOf: each']],
  ['users', '{ latest { friend { id notes { text } } } }', ['query latest: all', 'query notesOf: each']],
  ['users', '{ latest { friend { name } } }', ['query latest: all', 'query usersByIds: all']],
  ['users', '{ latest { friend { friend { id } } } }', ['query latest: all', 'query usersByIds: all']],
  ['pets', entities('... on Pet { name }'), ['GET /pets/{id}: each']],
  ['pets', 'mutation { feed(id: "1") { name } }', ['POST /pets/{id}/meals: all']],
])('at %s, for %s', (subgraph, document, calls) => {
  expect(upstreamOf(subgraph, document)?.map(({ request, of }) => `${request}: ${of}`)).toEqual(calls);
});

it('knows nothing of other subgraphs', () => {
  expect(upstreamOf('reviews', '{ reviews { pet { id } } }')).toBeUndefined();
});
