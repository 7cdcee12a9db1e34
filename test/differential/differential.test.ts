/**
 * The same answers as graphql-js on the merged schema for graphs, data and operations drawn at
 * random: every other graph has a bit of everything, the rest are small and hard to plan. Subgraphs are asked what is
 * valid, what they resolve, with representations that have all keys and all required fields, and for no more than one
 * schema would resolve.
 *
 * `WEIR_SEED` chooses the first seed, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` how many are drawn: for a soak, 2000
 * supergraphs. A failure tells its seed, and its graph and operation cut down as far as they still fail.
 */
import '../support/fast-graphql';
import { amountOf, timeFor } from '../support/amounts';
import { differenceOf, drawGraph, drawOperation, firstIntricate, report } from './case';
import { startEngine } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 12, 400);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 210);
const perTest = 6;

const seeds = Array.from({ length: supergraphs }, (_, i) =>
  firstSeed < firstIntricate ? firstSeed + (i >> 1) + (i % 2 === 0 ? 0 : firstIntricate) : firstSeed + i,
);
const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) =>
  seeds.slice(i * perTest, (i + 1) * perTest),
);

describe(`${operations} operations on each of ${supergraphs} supergraphs`, () => {
  test.each(groups.map((group) => [group[0]!, group] as const))(
    'are answered as one schema would answer them, from seed %i on',
    async (_first, group) => {
      for (const seed of group) await check(seed);
    },
    timeFor(operations, 50),
  );
});

async function check(seed: number): Promise<void> {
  const drawn = drawGraph(seed);
  const engine = startEngine(drawn.graph);
  for (let number = 0; number < operations; number++) {
    const operation = drawOperation(drawn.graph, seed, number);
    const difference = await differenceOf(drawn.graph, engine, operation);
    if (difference)
      throw new Error(
        `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1\n\n${await report(drawn, operation, difference)}`,
      );
  }
}
