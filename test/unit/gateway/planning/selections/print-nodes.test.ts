import fc from 'fast-check';
import {
  type ArgumentNode,
  type DirectiveNode,
  type FieldNode,
  type OperationDefinitionNode,
  parse,
  print,
} from 'graphql';
import {
  printDefinition,
  printNode,
  printNodes,
} from '../../../../../gateway/planning/selections/print-nodes';

const operationOf = (text: string): OperationDefinitionNode =>
  parse(text, { noLocation: true }).definitions[0] as OperationDefinitionNode;

function argumentOf(value: string): ArgumentNode {
  const [field] = operationOf(`{ field(argument: ${value}) }`).selectionSet.selections;
  return (field as FieldNode).arguments![0]!;
}

/** Values as in GraphQL §2.10, as text. */
const { value } = fc.letrec<{ value: string }>((of) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'null',
      'true',
      'ENUM',
      '-0',
      '12e-3',
      '$variable',
      '""',
      '"""\n  a "block"\n    of text\n"""',
    ),
    fc.integer().map(String),
    // JSON's strings are GraphQL's (§2.10.4), except for halves of surrogate pairs.
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.array(of('value')).map((values) => `[${values.join(' ')}]`),
    fc.array(of('value')).map((values) => `{${values.map((one, i) => `f${i}: ${one}`).join()}}`),
  ),
}));

/** Without the marks of block strings: they are printed as other strings. */
const normalised = (text: string): unknown =>
  JSON.parse(JSON.stringify(argumentOf(text.slice('argument: '.length))), (key, one: unknown) =>
    key === 'block' ? undefined : one,
  );

it('prints any value as `print` of graphql-js does, but for block strings', () => {
  fc.assert(
    fc.property(value, (text) => {
      const node = argumentOf(text);
      const { text: printed } = printNode(node);
      expect(normalised(printed)).toStrictEqual(normalised(print(node)));
      if (!/"/.test(text)) expect(printed).toBe(print(node));
    }),
  );
});

it('names the variables of a value once each, whatever it is within', () => {
  const variables = new Set(['other']);
  const nodes = [argumentOf('[$a, { b: $b, c: [$a] }]'), argumentOf('$c'), argumentOf('"$d"')];
  expect(printNodes(nodes, variables)).toStrictEqual([
    'argument: [$a, {b: $b, c: [$a]}]',
    'argument: $c',
    'argument: "$d"',
  ]);
  expect([...variables]).toStrictEqual(['other', 'a', 'b', 'c']);
});

it.each(['@plain', '@one(a: 1)', '@more(a: $a, b: "\\"")'])('prints the directive %s', (text) => {
  const [directive] = operationOf(`{ field ${text} }`).selectionSet.selections[0]!.directives!;
  expect(printNode(directive as DirectiveNode).text).toBe(text);
});

it.each(['$a: Int', '$a: [[Int!]]! = [[1]]', '$a: In = {b: "c"} @plain @one(a: 1)'])(
  'prints the definition %s of a variable',
  (text) => {
    const [definition] = operationOf(`query (${text}) { field }`).variableDefinitions!;
    expect(printDefinition(definition!)).toBe(text);
  },
);
