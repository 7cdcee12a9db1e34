import { buildSchema, lexicographicSortSchema, printSchema, validateSchema } from 'graphql';
import { buildSchemaInSteps } from '../../../../gateway/graph/build-schema';

const everyKind = [
  `"""A shop.""" type Query { node(id: ID!, by: Order = { first: 3 }): Node any: [Any!]! }
   interface Node { id: ID! }
   interface Named implements Node { id: ID! name: String @deprecated(reason: "Ask for id.") }`,
  `type User implements Named & Node @key { id: ID! name: String mood: Mood friend: User }
   union Any = User | Bot
   type Bot { at: Date }
   enum Mood { GOOD BAD }`,
  `scalar Date @specifiedBy(url: "https://date.example")
   input Order { first: Int = 10 then: Order }
   directive @key on OBJECT
   type Mutation { rename(id: ID!): User }`,
];

it.each([
  ['every kind of type', everyKind],
  [
    'root types of other names',
    ['schema { query: Root }', 'type Root { query: Query }', 'type Query { a: ID }'],
  ],
  ['thousands of types', ['type Query { t0: T0 }', ...manyTypes(3000)]],
])('builds the same schema as graphql-js: %s', async (_what, parts) => {
  const schema = await buildSchemaInSteps(parts);
  expect(validateSchema(schema)).toEqual([]);
  expect(printSchema(lexicographicSortSchema(schema))).toBe(
    printSchema(lexicographicSortSchema(buildSchema(parts.join('\n')))),
  );
});

it('does not block the event loop', async () => {
  let turns = 0;
  const count = setInterval(() => turns++, 1);
  await buildSchemaInSteps(['type Query { t0: T0 }', ...manyTypes(5000)]);
  clearInterval(count);
  expect(turns).toBeGreaterThan(3);
});

function manyTypes(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `type T${i} { id: ID next(first: Int): T${(i + 1) % count} }`,
  );
}
