import { printSchema } from 'graphql';
import { executableSubgraph } from '../../../../schema/composition/executable-subgraph';

it('is the API itself of a source, with the keys of its lookups', () => {
  const sdl = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@shareable"])
    type Query { user(id: ID!): User @lookup at(place: PlaceKey! @is(field: "{ code: place.code }")): User @lookup @internal }
    type User @shareable { id: ID! place: Place friendId: ID @deprecated friend: User @derive @is(field: "{ id: friendId }") }
    type Place { code: String } input PlaceKey { code: String }
    type Shop { id: ID! user(id: ID! @require(field: "id")): User @from(field: "user") }`;
  const { schema, keys } = executableSubgraph({ name: 'users', routingUrl: '', file: '', sdl });
  expect(printSchema(schema).replaceAll(/\s+/g, ' ')).toBe(
    'type Query { user(id: ID!): User at(place: PlaceKey!): User } type User { id: ID! place: Place friendId: ID @deprecated } type Place { code: String } input PlaceKey { code: String } type Shop { id: ID! }',
  );
  expect(keys).toEqual(new Map([['User', [[['id']], [['place', 'code']]]]]));
});
