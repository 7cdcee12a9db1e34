import { buildSchema, OperationTypeNode } from 'graphql';
import { TypeTable } from '../../../../../gateway/execution/compile/type-table';

const schema = buildSchema(`
  type Query { node: Node!  any: [Any] }
  interface Node { id: ID }
  interface Named implements Node { id: ID  name: String! }
  interface Other { x: Int }
  type T implements Node & Named { id: ID  name: String! }
  type U implements Other { x: Int }
  union Any = T | U
  enum Color { RED }
`);
const types = TypeTable.of(schema);

it('is one for a schema', () => {
  expect(TypeTable.of(schema)).toBe(types);
  expect(TypeTable.of(buildSchema('type Query { a: Int }'))).not.toBe(types);
});

it('numbers what has fields or members, and nothing else', () => {
  for (const name of ['Query', 'Node', 'T', 'Any']) expect(types.nameOf(types.idOf(name))).toBe(name);
  expect([types.idOf('Color'), types.idOf('Int'), types.idOf('None'), types.idOf('')]).toEqual([
    -1, -1, -1, -1,
  ]);
  expect([types.nameOf(0), types.nameOf(-1)]).toEqual(['', '']);
});

it('tells objects from interfaces, unions and what is not said', () => {
  const objects = ['T', 'U', 'Node', 'Any'].filter((name) => types.isObject(types.idOf(name)));
  expect(objects).toEqual(['T', 'U']);
  expect([types.isObject(0), types.isObject(-1)]).toEqual([false, false]);
});

it.each([
  ['T', ['T']],
  ['Named', ['Named', 'T']],
  ['Node', ['Named', 'Node', 'T']],
  ['Any', ['Any', 'T', 'U']],
  ['Other', ['Other', 'U']],
  ['None', []],
])('says which types are %s', (condition, expected) => {
  const matching = types.matching(condition);
  const names = [...matching.keys()].filter((id) => matching[id] === 1).map((id) => types.nameOf(id));
  expect(names.sort()).toEqual(expected);
  expect(types.matching(condition)).toBe(matching);
});

it('knows the fields of objects and interfaces', () => {
  expect(types.fieldOf('Query', 'node')).toEqual({ type: 'Node', isNonNull: true });
  expect(types.fieldOf('Query', 'any')).toEqual({ type: 'Any', isNonNull: false });
  expect(types.fieldOf('Named', 'name')).toEqual({ type: 'String', isNonNull: true });
  for (const type of ['T', 'Any', 'Color', 'None']) expect(types.fieldOf(type, 'none')).toBeUndefined();
});

it('knows the root types that there are', () => {
  expect(types.rootTypeOf(OperationTypeNode.QUERY)).toBe('Query');
  expect(types.rootTypeOf(OperationTypeNode.MUTATION)).toBeUndefined();
});
