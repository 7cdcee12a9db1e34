/**
 * Subgraphs resolve what one schema would have resolved for the same operation, and beside it only what plans need for
 * themselves: keys, and what `@requires` and contexts name.
 *
 * `WEIR_SEED`, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` as in differential.test.ts.
 */
import '../support/fast-graphql';
import { amountOf, timeFor } from '../support/amounts';
import { canonical, RandomWorld, type WorldObject, type WorldRun } from '../support/random-world';
import { drawGraph, drawOperation } from './case';
import { faultsOf } from './faults';
import { composeGraph, describeGraph, type Graph, startEngine } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 6, 20);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 30);
const perTest = 20;

/** A world where nothing fails, which notes what is asked of it. */
class AskedWorld extends RandomWorld {
  asked = new Set<string>();

  override field(
    object: WorldObject,
    name: string,
    args: object,
    run: WorldRun,
    required?: unknown,
  ): unknown {
    if (!this.isForPlans(object.type, name))
      this.asked.add(
        `${object.id}.${name}${this.takesFromContext(object.type, name) ? '' : canonical(args)}`,
      );
    return super.field(object, name, args, run, required);
  }
}

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

describe(`${operations} operations on each of ${supergraphs} supergraphs`, () => {
  test.each(groups)(
    'ask for no more, from seed %i on',
    async (first) => {
      const problems: string[] = [];
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        problems.push(...(await problemsOf(seed)));
      expect(problems).toEqual([]);
    },
    timeFor(operations, 30),
  );
});

async function problemsOf(seed: number): Promise<string[]> {
  const problems: string[] = [];
  const { graph: drawn, worldSeed } = drawGraph(seed);
  const world = new AskedWorld(worldSeed, drawn.subgraphs, 0);
  const graph = composeGraph(drawn.subgraphs, world) as Graph;
  const engine = startEngine(graph);
  for (let number = 0; number < operations; number++) {
    const operation = drawOperation(graph, seed, number);
    world.asked = new Set();
    await faultsOf(graph, operation);
    const wanted = world.asked;
    world.asked = new Set();
    await engine.answer(operation);
    const more = [...world.asked].filter((one) => !wanted.has(one));
    if (more.length > 0)
      problems.push(
        [
          `Operation ${number} of WEIR_SEED=${seed} asks for ${more.join(', ')}`,
          describeGraph(graph),
          `${operation.source} ${JSON.stringify(operation.variables)}`,
        ].join('\n\n'),
      );
  }
  return problems;
}
