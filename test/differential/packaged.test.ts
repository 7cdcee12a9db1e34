/**
 * What a package has of a supergraph and its operations does as well as what a planner has just made: the facts are the
 * same, and a program of a plan that was written and read answers the same text.
 *
 * `WEIR_SEED` and `WEIR_SUPERGRAPHS` as in differential.test.ts.
 */
import '../support/fast-graphql';
import { buildSchema } from 'graphql';
import { compileOperation } from '../../gateway/execution';
import { PackagedPlans, readGraph, writeGraph } from '../../gateway/packaged/packaged-graph';
import { buildQueryPlanner } from '../support/own-planner';
import { amountOf, timeFor } from '../support/amounts';
import { drawGraph, drawOperation } from './case';
import { type Graph, startEngine, type System } from './systems';
import { plannerOf, planWith } from '../support/planning';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 4, 40);
const operations = 12;
const trusted = { assumeValid: true, assumeValidSDL: true, noLocation: true };

it.each(Array.from({ length: supergraphs }, (_, i) => firstSeed + i))(
  'answers from a package as without one, of seed %i',
  async (seed) => {
    const { graph } = drawGraph(seed);
    const drawn = Array.from({ length: operations }, (_, number) => drawOperation(graph, seed, number));
    const fresh = startEngine(graph);
    const loaded = fromPackage(graph, drawn);
    for (const operation of drawn) {
      const expected = JSON.stringify(await fresh.answer(operation));
      expect(JSON.stringify(await loaded.answer(operation))).toBe(expected);
    }
  },
  timeFor(operations, 30),
);

function fromPackage(graph: Graph, drawn: readonly ReturnType<typeof drawOperation>[]): System {
  const { supergraphSdl } = graph;
  const { supergraph: facts } = buildQueryPlanner({ supergraphSdl });
  const text = writeGraph(
    {
      ...{ supergraphSdl, facts, overrideLabels: [] },
      operations: drawn.map((operation) => ({
        document: operation.source,
        names: [],
        plans: [
          {
            operationNames: [operation.operationName ?? null],
            plan: JSON.stringify(graph.plan(operation)),
          },
        ],
      })),
    },
    '1.0.0',
  );
  const packaged = readGraph(text, supergraphSdl, '1.0.0');
  expect(packaged.facts).toEqual(facts);
  const planner = new PackagedPlans(packaged).inFrontOf(
    plannerOf(() => {
      throw new Error('It is not in the package.');
    }),
  );
  const { apiSchemaSdl, answerTypesSdl, inaccessibleValues, entities } = packaged.facts;
  const schema = buildSchema(apiSchemaSdl.join(''), trusted);
  const supergraphSchema = answerTypesSdl === undefined ? schema : buildSchema(answerTypesSdl, trusted);
  return startEngine(graph, {
    compile: async ({ source, operationName, document }) =>
      compileOperation({
        ...{ schema, supergraphSchema, inaccessibleValues, subgraphs: entities.subgraphs },
        ...{ document, operationName, plan: await planWith(planner, source, operationName) },
      }),
  });
}
