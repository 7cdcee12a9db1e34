import { buildSchema } from 'graphql';
import { readAnswer } from '../../../../../cli/dev/mocks/plain-answer';

const schema = buildSchema(`
  type Query { order(id: ID): Order nodes: [Node] }
  interface Node { id: ID! }
  type Order implements Node { id: ID! shop: Shop number(base: Int): String }
  type Shop { code: ID! }
`);

const objectsIn = (document: string, data: unknown): unknown[] => {
  const found: unknown[] = [];
  readAnswer(schema, document, data, ({ name }, fields) => found.push([name, fields]));
  return found;
};

it('reads fields by their own names, and leaves out those with arguments', () => {
  const document = '{ a: order(id: 1) { b: id shop { c: code } number d: number(base: 2) } }';
  const data = { a: { b: 'o1', shop: { c: 's1' }, number: '1', d: '01' } };
  expect(objectsIn(document, data)).toEqual([
    ['Shop', { code: 's1' }],
    ['Order', { id: 'o1', shop: { code: 's1' }, number: '1' }],
    ['Query', {}],
  ]);
});

it('reads fragments of the type that an object has', () => {
  const document =
    '{ nodes { __typename ...F ... on Shop { id: code } } } fragment F on Node { ... on Order { id } }';
  const data = { nodes: [{ __typename: 'Order', id: 'o1' }, null, { __typename: 'Unknown', id: 'x' }] };
  expect(objectsIn(document, data).slice(0, -1)).toEqual([['Order', { id: 'o1' }]]);
});
