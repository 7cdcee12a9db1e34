/**
 * Plain GraphQL APIs, REST APIs and federation subgraphs, joined by overlays: the same answers as one schema whose resolvers
 * read the data, for graphs, data and operations drawn at random.
 *
 * `WEIR_SEED` chooses the first seed, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` how many are drawn: 400 graphs with 50
 * operations each, as `npm run test:long` does, are 20,000.
 */
import '../support/fast-graphql';
import { amountOf, timeFor } from '../support/amounts';
import { type RandomOperation } from '../support/random-operation';
import { type Difference, drawSourcesGraph, drawSourcesOperation, reportSources } from './sources-case';
import { differenceFromNaive } from './sources-compare';
import { answerNaively, type Call, type SourcesGraph, startSources } from './sources-graph';
import { type Answer } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 10, 400);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 50);
const perTest = 5;

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

describe(`${operations} operations on each of ${supergraphs} graphs of sources`, () => {
  test.each(groups)(
    'are answered as one schema would answer them, from seed %i on',
    async (first) => {
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        await check(seed);
    },
    timeFor(operations, 50),
  );
});

async function check(seed: number): Promise<void> {
  const graph = drawSourcesGraph(seed);
  const difference = differenceOf(graph);
  for (let number = 0; number < operations; number++) {
    const operation = drawSourcesOperation(graph.apiSchema, seed, number);
    const found = await difference(operation);
    if (found)
      throw new Error(
        `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1\n\n${await reportSources(graph, operation, found, difference)}`,
      );
  }
}

function differenceOf(graph: SourcesGraph): (operation: RandomOperation) => Promise<Difference | undefined> {
  let calls: Call[] = [];
  const engine = startSources(graph, async (call, response) => {
    calls.push(call);
    return response;
  });
  return async (operation) => {
    calls = [];
    const expected = await answerNaively(graph, operation);
    let got: Answer;
    try {
      got = await engine(operation);
    } catch (error) {
      return { what: `throws ${(error as Error).stack}`, expected, got: undefined, calls };
    }
    const what = differenceFromNaive(expected, got);
    return what === undefined ? undefined : { what, expected, got, calls };
  };
}
