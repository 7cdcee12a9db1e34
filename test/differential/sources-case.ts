/** Random operations on graphs of random sources, and the report of what differs. */
import { type GraphQLSchema } from 'graphql';
import { randomOperation, type RandomOperation } from '../support/random-operation';
import { describeSources, drawSources } from '../support/random-sources/draw';
import { type ApiKind } from '../support/random-sources/draft';
import { RandomSource } from '../support/random-source';
import { formatQueryPlan } from '../support/own-planner';
import { shrinkOperation } from '../support/shrink';
import { isValid } from './case';
import { type Call, composeSources, missingFields, type SourcesGraph } from './sources-graph';
import { type Answer } from './systems';

const mixtures: readonly (readonly ApiKind[])[] = [
  ['graphql', 'graphql'],
  ['graphql', 'graphql', 'federation'],
  ['graphql', 'rest'],
  ['graphql', 'graphql', 'graphql'],
  ['rest', 'rest', 'federation'],
  ['graphql', 'rest', 'federation', 'graphql'],
];

/** The graph of a seed. */
export function drawSourcesGraph(seed: number): SourcesGraph {
  const drawn = drawSources(seed * 64, mixtures[seed % mixtures.length]!);
  const graph = composeSources(drawn);
  const problems = Array.isArray(graph)
    ? graph
    : missingFields(graph).map((name) => `The graph lacks ${name}`);
  if (Array.isArray(graph) || problems.length > 0)
    throw new Error(`${problems.join('\n')}\n\n${describeSources(drawn)}`);
  return graph;
}

export const drawSourcesOperation = (schema: GraphQLSchema, seed: number, number: number): RandomOperation =>
  randomOperation(schema, new RandomSource(seed * 10_007 + number));

export interface Difference {
  readonly what: string;
  readonly expected: Answer;
  readonly got: Answer | undefined;
  readonly calls: readonly Call[];
}

/** Cuts a failing operation down, and shows it with its graph and its calls. */
export async function reportSources(
  graph: SourcesGraph,
  operation: RandomOperation,
  found: Difference,
  check: (operation: RandomOperation) => Promise<Difference | undefined>,
): Promise<string> {
  const kind = ({ what }: Difference): string => what.split(' at ')[0]!;
  const small = await shrinkOperation(graph.apiSchema, operation, async (one) => {
    if (!isValid(graph.apiSchema, one)) return false;
    const difference = await check(one).catch(() => undefined);
    return difference !== undefined && kind(difference) === kind(found);
  });
  const { what, expected, got, calls } = (await check(small)) ?? found;
  return [
    `The answer differs in: ${what}`,
    describeSources(graph.drawn),
    `# --- operation, with variables ${JSON.stringify(small.variables)}\n${small.source}`,
    `expected ${JSON.stringify(expected)}\ngot      ${JSON.stringify(got)}`,
    ...calls.map(
      ({ api, request: { operation: called, variables, http } }) =>
        `${api.name}: ${http ? `${http.method} ${http.path}` : `${called.document} ${variables.toString()}`}`,
    ),
    formatQueryPlan(graph.plan(small)),
  ].join('\n\n');
}
