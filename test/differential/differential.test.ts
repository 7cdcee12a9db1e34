/**
 * The same answers as graphql-js on the merged schema, and as Apollo Gateway, for graphs, data and operations drawn at
 * random.
 *
 * `WEIR_SEED` chooses the first seed, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` how many are drawn: for a soak, 2000
 * supergraphs. A failure tells its seed, and its graph and operation cut down as far as they still fail.
 */
import '../support/fast-graphql';
import { amountOf, timeFor } from '../support/amounts';
import { differenceOf, drawGraph, drawOperation, hasContext, report } from './case';
import { startApollo, startEngine } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 8, 200);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 50);
const perTest = 20;

/** Apollo Gateway takes longer than all others together: it is started for every few supergraphs. */
const apolloEvery = 10;

/** What the planner gets wrong and no mend does right yet, by seed and operation: the test says when one is mended. */
const openDefects = new Map([
  ['37/49', 'has more ways to be resolved than the planner looks at, and is refused'],
  [
    '185/41',
    'has more plans than are compared: by a key, another subgraph is asked for the field of that key',
  ],
]);

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

describe(`${operations} operations on each of ${supergraphs} supergraphs`, () => {
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
  const drawn = drawGraph(seed);
  const engine = startEngine(drawn.graph);
  const apollo = seed % apolloEvery === 0 && !hasContext(seed) ? await startApollo(drawn.graph) : undefined;
  try {
    for (let number = 0; number < operations; number++) {
      const operation = drawOperation(drawn.graph, seed, number);
      const difference = await differenceOf(drawn.graph, engine, apollo, operation);
      const open = openDefects.get(`${seed}/${number}`);
      if (open !== undefined) {
        if (difference === undefined)
          throw new Error(`Operation ${number} of ${seed} is right: it is no defect any more.`);
        continue;
      }
      if (difference)
        throw new Error(
          `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1\n\n${await report(drawn, operation, difference)}`,
        );
    }
  } finally {
    await apollo?.stop();
  }
}
