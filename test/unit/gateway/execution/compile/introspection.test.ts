import { buildSchema, Kind, parse, type OperationDefinitionNode, type FieldNode } from 'graphql';
import { Introspection } from '../../../../../gateway/execution/compile/introspection';

const schema = buildSchema('type Query { a: String b: Thing } type Thing { c: Int }');

function ask(source: string) {
  const { definitions } = parse(source);
  const operation = definitions.find(
    ({ kind }) => kind === Kind.OPERATION_DEFINITION,
  ) as OperationDefinitionNode;
  const fragments = new Map(
    definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  const introspection = new Introspection(() => schema, operation, fragments);
  const nodes = operation.selectionSet.selections as readonly FieldNode[];
  return (variables = {}) => introspection.answer('__type', nodes, variables);
}

it('answers fields that stand in several places, and fragments that are spread more than once, as one', () => {
  const answer = ask(
    '{ __type(name: "Thing") { ...T } __type(name: "Thing") { kind ...T ...T } } fragment T on __Type { name ...F } fragment F on __Type { fields { name } }',
  );
  expect(JSON.parse(answer().toString())).toEqual({ name: 'Thing', fields: [{ name: 'c' }], kind: 'OBJECT' });
});

it('remembers its answers by the variables that they depend on', () => {
  const answer = ask('query ($name: String!, $other: Int) { __type(name: $name) { name } }');
  const thing = answer({ name: 'Thing', other: 1 });
  expect(answer({ name: 'Thing', other: 2 })).toBe(thing);
  expect(answer({ name: 'Query' }).toString()).toBe('{"name":"Query"}');
});

it('keeps no more answers than a few, whatever a client asks for', () => {
  const answer = ask('query ($name: String!) { __type(name: $name) { name } }');
  const thing = answer({ name: 'Thing' });
  for (let i = 0; i < 16; i++) expect(answer({ name: `None${i}` }).toString()).toBe('null');
  expect(answer({ name: 'Thing' })).not.toBe(thing);
  expect(answer({ name: 'Thing' })).toEqual(thing);
});
