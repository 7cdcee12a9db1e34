import { buildSchema } from 'graphql';
import { inputSchemaOf } from '../../../../../gateway/mcp/tools/input-schema';
import { toolIn } from '../../../../../gateway/mcp/tools/registered-tools';

const schema = buildSchema(`
  type Query { find("What to look for." filter: Filter, ids: [ID!], at: Time, first: Int): Int }
  "How to filter."
  input Filter { color: Color! = RED  min: Float  "All of these." and: [Filter!] }
  input One @oneOf { id: ID name: String }
  enum Color { RED BLUE }
  scalar Time
  extend type Query { one(by: One!): Int }`);

const schemaOf = (text: string) => inputSchemaOf(toolIn('a.graphql', text).operation, schema);

it('has a property for each variable, and requires those without a default that may not be null', () => {
  expect(
    schemaOf(
      'query A($first: Int! = 5, $ids: [ID!]!, $at: Time) { find(first: $first, ids: $ids, at: $at) }',
    ),
  ).toEqual({
    type: 'object',
    properties: {
      first: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1, default: 5 },
      ids: { type: 'array', items: { type: 'string' } },
      at: { description: 'A value of the scalar Time.' },
    },
    required: ['ids'],
    additionalProperties: false,
  });
  expect(schemaOf('query A { find }')).toEqual({
    type: 'object',
    properties: {},
    additionalProperties: false,
  });
});

it('defines input objects once, also those that hold themselves', () => {
  expect(schemaOf('query A($filter: Filter) { find(filter: $filter) }')).toEqual({
    type: 'object',
    properties: {
      filter: { anyOf: [{ $ref: '#/$defs/Filter' }, { type: 'null' }], description: 'What to look for.' },
    },
    additionalProperties: false,
    $defs: {
      Filter: {
        type: 'object',
        description: 'How to filter.',
        properties: {
          color: { type: 'string', enum: ['RED', 'BLUE'] },
          min: { type: ['number', 'null'] },
          and: { type: ['array', 'null'], items: { $ref: '#/$defs/Filter' }, description: 'All of these.' },
        },
        additionalProperties: false,
      },
    },
  });
});

it('takes one member of a `@oneOf`', () => {
  const { $defs } = schemaOf('query A($by: One!) { one(by: $by) }') as { $defs: Record<string, unknown> };
  expect($defs['One']).toMatchObject({ minProperties: 1, maxProperties: 1 });
});

it('prefers the description of a variable to that of its argument', () => {
  const { properties } = schemaOf('query A("Words." $filter: Filter) { find(filter: $filter) }');
  expect(properties).toMatchObject({ filter: { description: 'Words.' } });
});
