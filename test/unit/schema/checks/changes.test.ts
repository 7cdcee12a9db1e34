import { buildSchema } from 'graphql';
import { changesBetween } from '../../../../schema/checks/changes';

const schema = `
  directive @note(x: Int) on FIELD
  directive @mark on FIELD_DEFINITION | ENUM_VALUE | OBJECT | INPUT_FIELD_DEFINITION | ARGUMENT_DEFINITION
  type Query { a(x: Int): Int b: E u: U old: Int }
  enum E { A }
  union U = A | B
  type A { id: ID }
  type B { id: ID }
  input In { x: Int }
`;

/** What becomes of the schema when parts of its text are replaced. */
const after = (...replacements: (readonly [string, string])[]) =>
  changesBetween(
    buildSchema(schema),
    buildSchema(replacements.reduce((text, [from, to]) => text.replace(from, to), schema)),
  );

it('lists the worst changes first, and sorts equal severities by message', async () => {
  const changes = await after(
    ['enum E { A }', 'enum E { A C B }'],
    ['old: Int', 'neu: Int a1: Int'],
    ['u: U ', ''],
  );
  expect(changes.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
    'breaking: Field `old` was removed from object type `Query`',
    'breaking: Field `u` was removed from object type `Query`',
    'dangerous: Enum value `B` was added to enum `E`',
    'dangerous: Enum value `C` was added to enum `E`',
    'safe: Field `a1` was added to object type `Query`',
    'safe: Field `neu` was added to object type `Query`',
  ]);
});

it('sorts by messages whatever the order in the schema', async () => {
  const added = ['m', 'z', 'c', 'x', 'a', 'y', 'b'].map((name) => `${name}1: Int`).join(' ');
  const messages = (await after(['old: Int', `old: Int ${added}`])).map(({ message }) => message);
  expect(messages).toEqual([...messages].sort());
  expect(messages).toHaveLength(7);
});

it('lists nothing for an unchanged schema', async () => {
  expect(await after()).toEqual([]);
});

it.each<[string, readonly [string, string], object]>([
  [
    'a removed field',
    ['old: Int', ''],
    { code: 'FIELD_REMOVED', coordinate: 'Query.old', concerns: ['Query.old'] },
  ],
  [
    'a removed argument, in the notation of the specification',
    ['a(x: Int)', 'a'],
    { code: 'FIELD_ARGUMENT_REMOVED', coordinate: 'Query.a(x:)', concerns: ['Query.a(x:)'] },
  ],
  [
    'a new argument, which whoever uses the field does not give',
    ['a(x: Int)', 'a(x: Int, y: Int!)'],
    { code: 'FIELD_ARGUMENT_ADDED', coordinate: 'Query.a(y:)', concerns: ['Query.a'] },
  ],
  [
    'a new input field, which whoever uses the type does not give',
    ['input In { x: Int }', 'input In { x: Int y: Int! }'],
    { code: 'INPUT_FIELD_ADDED', coordinate: 'In.y', concerns: ['In'] },
  ],
  [
    'a type that left a union, which whoever asks for it does not get',
    ['A | B', 'A'],
    { code: 'UNION_MEMBER_REMOVED', coordinate: 'U', concerns: ['B'] },
  ],
  [
    'a directive',
    ['directive @note(x: Int) on FIELD', 'directive @note(x: Int = 1) on FIELD'],
    { code: 'DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED', coordinate: '@note.x', concerns: ['@note.x'] },
  ],
  [
    'a deprecated field, by its own coordinate',
    ['old: Int', 'old: Int @deprecated'],
    { code: 'FIELD_DEPRECATION_ADDED', coordinate: 'Query.old', concerns: ['Query.old'] },
  ],
  [
    'a deprecated enum value, by its own coordinate',
    ['E { A }', 'E { A @deprecated(reason: "x") }'],
    { code: 'ENUM_VALUE_DEPRECATION_REASON_ADDED', coordinate: 'E.A' },
  ],
  [
    'a directive on a type, by the coordinate of the type',
    ['type B {', 'type B @mark {'],
    { code: 'DIRECTIVE_USAGE_OBJECT_ADDED', coordinate: 'B' },
  ],
  [
    'a directive on an argument, by the coordinate of the argument',
    ['x: Int): Int', 'x: Int @mark): Int'],
    { code: 'DIRECTIVE_USAGE_ARGUMENT_DEFINITION_ADDED', coordinate: 'Query.a(x:)' },
  ],
])('names the coordinates concerned by %s', async (_, replacement, expected) => {
  expect(await after(replacement)).toContainEqual(expect.objectContaining(expected));
});

it('names nothing if a change concerns the whole schema', async () => {
  const changes = await after(['directive @note', 'schema { query: A } directive @note']);
  const change = changes.find(({ code }) => code === 'SCHEMA_QUERY_TYPE_CHANGED');
  expect(change).toEqual({
    severity: 'breaking',
    code: 'SCHEMA_QUERY_TYPE_CHANGED',
    message: 'Schema query root type was changed from `Query` to `A`',
    concerns: [],
  });
});
