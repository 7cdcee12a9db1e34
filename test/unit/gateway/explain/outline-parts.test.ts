import { parse } from 'graphql';
import { mayDefer } from '../../../../gateway/execution';
import { outlineParts } from '../../../../gateway/explain/outline-parts';
import { Graph } from '../execution/graph';

const graph = new Graph({
  accounts: {
    sdl: 'type Query { people: [User] } type User @key(fields: "id") { id: ID! name: String email: String }',
  },
  orders: {
    sdl: 'type User @key(fields: "id") { id: ID! orders: [Order] } type Order @key(fields: "id") { id: ID! }',
  },
  shipping: { sdl: 'type Order @key(fields: "id") { id: ID! parcels: Int }' },
});

const outlineOf = (source: string, variables = {}) =>
  outlineParts(graph.compile(source), variables, mayDefer(parse(source)));

it('tells each deferred fragment with its place, and the fetches that it waits for beyond those before it', () => {
  const source = '{ people { name ... @defer(label: "O") { orders { id ... @defer { parcels } } } } }';
  expect(outlineOf(source)).toEqual([
    { label: 'O', path: 'people', waitsFor: [{ subgraph: 'orders', asks: ['User'], path: 'people.@' }] },
    {
      label: undefined,
      path: 'people.orders',
      waitsFor: [{ subgraph: 'shipping', asks: ['Order'], path: 'people.@.orders.@' }],
    },
  ]);
});

it('tells that nothing is deferred where all of it comes with the rest, or a variable says so', () => {
  expect(outlineOf('{ people { name ... @defer { email } } }')).toEqual([]);
  const source = 'query ($late: Boolean!) { people { name ... @defer(if: $late) { orders { id } } } }';
  expect(outlineOf(source, { late: false })).toEqual([]);
  expect(outlineOf(source, { late: true })).toHaveLength(1);
});

it('tells nothing of an operation without @defer', () => {
  expect(outlineOf('{ people { name orders { id } } }')).toBeUndefined();
  expect(outlineOf('{ people { name ... @defer(if: false) { orders { id } } } }')).toBeUndefined();
});
