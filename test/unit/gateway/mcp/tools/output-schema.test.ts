import Ajv2020 from 'ajv/dist/2020';
import {
  buildSchema,
  execute,
  getNamedType,
  getNullableType,
  getOperationAST,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  OperationTypeNode,
  parse,
} from 'graphql';
import { outputSchemaOf } from '../../../../../gateway/mcp/tools/output-schema';
import { RandomSource } from '../../../../support/random-source';
import { randomOperation } from '../../../../support/random-operation';
import { randomSubgraphs } from '../../../../support/random-supergraph';

const schema = buildSchema(`
  type Query { thing: Thing  named: Named!  list: [[Thing!]]  color: Color  any: Any }
  union Thing = Book | Film
  interface Named { name: String! }
  type Book implements Named { name: String! pages: Int next: Book }
  type Film implements Named { name: String! minutes: Float! }
  enum Color { RED BLUE }
  scalar Any`);

const schemaOf = (text: string) => {
  const document = parse(text);
  return outputSchemaOf({ document, operation: getOperationAST(document)! }, schema) as {
    readonly properties: { readonly data: { readonly properties: Record<string, unknown> } };
  };
};
const fieldsOf = (text: string) => schemaOf(text).properties.data.properties;
const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  ...{ type: 'object', properties, required, additionalProperties: false },
});

it('is a GraphQL response, whose data may be null', () => {
  expect(schemaOf('{ color }')).toMatchObject({
    type: 'object',
    properties: {
      data: { type: ['object', 'null'], required: ['color'], additionalProperties: false },
      errors: { type: 'array' },
    },
  });
});

it('has the types of fields by their aliases, and null where a field may be null', () => {
  expect(fieldsOf('{ hue: color any list { __typename } }')).toEqual({
    hue: { type: ['string', 'null'], enum: ['RED', 'BLUE', null] },
    any: {},
    list: {
      type: ['array', 'null'],
      items: {
        type: ['array', 'null'],
        items: object({ __typename: { type: 'string', enum: ['Book', 'Film'] } }),
      },
    },
  });
});

it('has a schema for each way in which objects of a union differ', () => {
  expect(fieldsOf('{ thing { __typename ... on Book { pages } ... on Named { name } } }')['thing']).toEqual({
    anyOf: [
      object({
        __typename: { type: 'string', enum: ['Book'] },
        pages: { type: ['integer', 'null'], minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
        name: { type: 'string' },
      }),
      object({ __typename: { type: 'string', enum: ['Film'] }, name: { type: 'string' } }),
      { type: 'null' },
    ],
  });
});

it('does not require what a condition may leave out, but what is in it', () => {
  const text = `query ($a: Boolean!) {
    named { name @skip(if: $a) ... @include(if: $a) { ... on Film { minutes } } }
    color @include(if: $a)
    thing @include(if: $a) { ... on Book { pages } }
  }`;
  expect(schemaOf(text).properties.data).toMatchObject({ required: ['named'] });
  expect(JSON.stringify(fieldsOf(text)['named'])).not.toContain('required');
  expect(JSON.stringify(fieldsOf(text)['thing'])).toContain('"required":["pages"]');
});

it('holds for every answer of graphql-js to random operations', () => {
  // Names such as `hasOwnProperty` are no members that are missing.
  const ajv = new Ajv2020({ strict: false, ownProperties: true });
  let checked = 0;
  for (let seed = 1; seed <= Number(process.env['WEIR_OPERATIONS'] ?? 30); seed++) {
    const random = new RandomSource(seed);
    const [subgraph] = randomSubgraphs(random);
    const own = buildSchema(subgraph!.typeDefs, { assumeValidSDL: true });
    for (let i = 0; i < 10; i++) {
      const { document, operationName, variables, source } = randomOperation(own, random);
      const operation = getOperationAST(document, operationName)!;
      if (operation.operation !== OperationTypeNode.QUERY || /__schema|__type\b|__proto__/.test(source))
        continue;
      const isRight = ajv.compile(outputSchemaOf({ document, operation }, own));
      const answer = JSON.parse(
        JSON.stringify(executeAtRandom(own, random, { document, operationName, variables })),
      );
      if (!isRight(answer))
        throw new Error(`seed ${seed}: ${JSON.stringify([source, variables, answer, isRight.errors])}`);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(100);
});

function executeAtRandom(
  own: GraphQLSchema,
  random: RandomSource,
  {
    document,
    operationName,
    variables,
  }: { document: ReturnType<typeof parse>; operationName: string | undefined; variables: object },
) {
  const valueOf = (type: GraphQLOutputType): unknown => {
    if (isNonNullType(type)) return random.chance(0.02) ? null : valueOf(type.ofType);
    if (random.chance(0.2)) return null;
    if (isListType(type)) return Array.from({ length: random.between(0, 3) }, () => valueOf(type.ofType));
    const named = getNamedType(getNullableType(type));
    if (isEnumType(named)) return random.pick(named.getValues()).value;
    if (isLeafType(named)) return random.between(0, 100);
    return { __typename: isAbstractType(named) ? random.pick(own.getPossibleTypes(named)).name : named.name };
  };
  return execute({
    ...{ schema: own, document, operationName },
    variableValues: { ...variables },
    fieldResolver: (_source, _arguments, _context, { returnType }) => valueOf(returnType),
    typeResolver: (value) => (value as { __typename: string }).__typename,
  });
}
