/**
 * Events of subscriptions are answered as `subscribe` of graphql-js answers them on the merged schema, for graphs, data and
 * operations drawn at random. `WEIR_SEED`, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` are those of `differential.test.ts`.
 */
import '../support/fast-graphql';
import {
  type DocumentNode,
  type FieldDefinitionNode,
  getOperationAST,
  Kind,
  OperationTypeNode,
  parse,
  print,
  validate,
  visit,
} from 'graphql';
import { amountOf, timeFor } from '../support/amounts';
import type { RandomOperation } from '../support/random-operation';
import { RandomWorld, type SubgraphSource } from '../support/random-world';
import { differenceOf, drawGraph, drawOperation, report } from './case';
import { composeGraph, type Graph, startEngine } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 5, 100);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 20);
const events = ['one', 'other'];
const perTest = 4;
let compared = 0;
let nulls = 0;
let failed = 0;

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

describe(`${operations} subscriptions on each of ${supergraphs} supergraphs`, () => {
  test.each(groups)(
    'are answered as one schema would answer them, from seed %i on',
    async (first) => {
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        await check(seed);
    },
    timeFor(operations, 50),
  );

  test('have data, nulls and errors among their answers', () => {
    expect(compared).toBeGreaterThan(supergraphs);
    expect([nulls, failed].every((count) => count > 0 && count < compared)).toBe(true);
  });
});

async function check(seed: number): Promise<void> {
  const { graph: queried, worldSeed } = drawGraph(seed);
  const subgraphs = withSubscriptions(queried.subgraphs);
  const graph = composeGraph(subgraphs, new RandomWorld(worldSeed, subgraphs));
  if (Array.isArray(graph)) throw new Error(`WEIR_SEED=${seed}: ${graph.join('\n')}`);
  const engine = startEngine(graph);
  for (let number = 0; number < operations; number++) {
    const drawn = subscriptionOf(graph, drawOperation(queried, seed, number));
    if (drawn === undefined) continue;
    for (const event of events) {
      const operation = { ...drawn, event };
      const difference = await differenceOf(graph, engine, operation);
      if (difference !== undefined)
        throw new Error(
          `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1\n\n${await report({ graph, worldSeed }, operation, difference)}`,
        );
      const { data, errors } = await engine.answer(operation);
      compared++;
      if (JSON.stringify(data).includes('null')) nulls++;
      if (errors.length > 0) failed++;
    }
  }
}

/** Each field of `Query` in `Subscription`, too; one that several subgraphs have in that of the first. */
function withSubscriptions(subgraphs: readonly SubgraphSource[]): SubgraphSource[] {
  const taken = new Set<string>();
  return subgraphs.map((subgraph) => {
    const fields = parse(subgraph.typeDefs).definitions.flatMap((definition) =>
      (definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION) &&
      definition.name.value === 'Query'
        ? (definition.fields ?? [])
        : [],
    );
    const own = fields.filter(({ name, arguments: args = [] }) => {
      if (taken.has(name.value) || args.some(({ directives = [] }) => directives.length > 0)) return false;
      taken.add(name.value);
      return true;
    });
    if (own.length === 0) return subgraph;
    const text = own.map((field) => print(plainField(field))).join('\n');
    return { ...subgraph, typeDefs: `${subgraph.typeDefs}\ntype Subscription {\n${text}\n}` };
  });
}

const plainField = ({ name, arguments: args = [], type }: FieldDefinitionNode): FieldDefinitionNode => ({
  kind: Kind.FIELD_DEFINITION,
  ...{ name, type, arguments: args },
});

/** The first field of a query, subscribed to; undefined where it cannot be. */
function subscriptionOf(
  { apiSchema }: Graph,
  { document, variables, operationName }: RandomOperation,
): RandomOperation | undefined {
  const operation = getOperationAST(document, operationName)!;
  const field = operation.selectionSet.selections.find(
    (each) => each.kind === Kind.FIELD && !each.name.value.startsWith('__'),
  );
  if (operation.operation !== OperationTypeNode.QUERY || field === undefined) return undefined;
  const selection = { ...field, directives: [] };
  const fragments = new Map(
    document.definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [],
    ),
  );
  const used = new Set<string>();
  const usedVariables = new Set<string>();
  const look = (node: Parameters<typeof visit>[0]): void => {
    visit(node, {
      Variable: ({ name }) => void usedVariables.add(name.value),
      FragmentSpread({ name: { value } }) {
        if (used.has(value)) return;
        used.add(value);
        look(fragments.get(value)!);
      },
    });
  };
  look(selection);
  const definitions = (operation.variableDefinitions ?? []).filter(({ variable }) =>
    usedVariables.has(variable.name.value),
  );
  const subscribed: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.OPERATION_DEFINITION,
        operation: OperationTypeNode.SUBSCRIPTION,
        ...(operation.name === undefined ? {} : { name: operation.name }),
        variableDefinitions: definitions,
        selectionSet: { kind: Kind.SELECTION_SET, selections: [selection] },
      },
      ...[...used].map((name) => fragments.get(name)!),
    ],
  };
  const source = print(subscribed);
  const parsed = parse(source, { noLocation: true });
  if (validate(apiSchema, parsed).length > 0) return undefined;
  const given = Object.fromEntries(Object.entries(variables).filter(([name]) => usedVariables.has(name)));
  return { document: parsed, source, variables: given, operationName };
}
