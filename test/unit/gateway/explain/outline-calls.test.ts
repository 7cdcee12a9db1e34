import { outlineCalls } from '../../../../gateway/explain/outline-calls';
import { Graph } from '../execution/graph';

const graph = new Graph({
  accounts: {
    sdl: `
      type Query { me: User friend: User }
      type Mutation { rename(name: String!): User }
      type User @key(fields: "id") { id: ID! name: String }`,
  },
  orders: {
    sdl: `
      type User @key(fields: "id") { id: ID! orders: [Order] rank: Int }
      type Order @key(fields: "id") { id: ID! total: Int }`,
  },
  shipping: {
    sdl: `type Order @key(fields: "id") { id: ID! parcels: Int }`,
  },
});

const outlineOf = (source: string, variables = {}) => outlineCalls(graph.compile(source), variables);

it('tells fetches that go into one call as one', () => {
  expect(outlineOf('{ me { orders { id } } friend { rank } }')).toEqual([
    {
      subgraph: 'accounts',
      kind: 'root',
      step: 1,
      needs: [],
      fetches: [{ asks: ['me', 'friend'], path: '' }],
    },
    {
      subgraph: 'orders',
      kind: 'entities',
      step: 2,
      needs: [0],
      fetches: [
        { asks: ['User'], path: 'me' },
        { asks: ['User'], path: 'friend' },
      ],
    },
  ]);
});

it('tells the mutations of an operation one by one, before what waits for them', () => {
  expect(
    outlineOf('mutation { a: rename(name: "A") { name } b: rename(name: "B") { rank } }').map(
      ({ subgraph, kind, step }) => [subgraph, kind, step],
    ),
  ).toEqual([
    ['accounts', 'mutation', 1],
    ['orders', 'entities', 2],
  ]);
});

it('leaves out what conditions leave out', () => {
  const source = 'query ($v: Boolean!) { me { name ... @include(if: $v) { rank } } }';
  expect(outlineOf(source, { v: false }).map(({ subgraph }) => subgraph)).toEqual(['accounts']);
  expect(outlineOf(source, { v: true }).map(({ subgraph }) => subgraph)).toEqual(['accounts', 'orders']);
});
