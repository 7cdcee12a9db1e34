/**
 * Answers in parts, merged back, are those of the same operations without `@defer`, in both formats, for graphs, data and
 * operations drawn at random. `WEIR_SEED`, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` are those of `differential.test.ts`.
 */
import '../support/fast-graphql';
import { validate } from 'graphql';
import { TransportError } from '../../gateway/subgraph-calls/contract/transport';
import { differenceFromWhole, type Merged, mergeParts } from '../support/merge-parts';
import { withRandomDefer } from '../support/random-defer';
import { RandomSource } from '../support/random-source';
import { amountOf, timeFor } from '../support/amounts';
import { drawGraph, drawOperation } from './case';
import { type Path, valueAt } from './faults';
import { type Answer, answerInParts, type EngineOptions, type Graph, startEngine } from './systems';
import { type RandomOperation } from '../support/random-operation';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 6, 60);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 20);
const perTest = 3;

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);
let inParts = 0;
let late = 0;

describe(`${operations} operations with @defer on each of ${supergraphs} supergraphs`, () => {
  test.each(groups)(
    'are answered in parts that make the whole, from seed %i on',
    async (first) => {
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        await check(seed);
    },
    timeFor(operations, 50),
  );

  test('have answers in many parts among them', () => {
    expect(inParts / (supergraphs * operations * 2)).toBeGreaterThan(0.05);
    expect(late).toBeGreaterThan(0);
  });
});

async function check(seed: number): Promise<void> {
  const { graph } = drawGraph(seed);
  for (let number = 0; number < operations; number++) {
    const whole = drawOperation(graph, seed, number);
    const operation = withRandomDefer(whole, new RandomSource(seed * 10_007 + number));
    if (validate(graph.apiSchema, operation.document).length > 0) continue;
    const options = number % 3 === 0 ? withoutOneOf(graph, number) : {};
    const expected = await startEngine(graph, options).answer(operation);
    for (const format of ['v0.2', '20220824'] as const) {
      const difference = await differenceOf(graph, operation, format, expected, options);
      if (difference !== undefined)
        throw new Error(
          `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1 in ${format}: ${difference}\n\n${operation.source}`,
        );
    }
  }
}

/** One of the subgraphs answers no call. */
function withoutOneOf(graph: Graph, number: number): EngineOptions {
  const names = [...graph.subgraphSchemas.keys()];
  const broken = names[number % names.length]!;
  return {
    alter: (subgraph, result) =>
      subgraph === broken ? Promise.reject(new TransportError(subgraph, 'reset')) : Promise.resolve(result),
  };
}

async function differenceOf(
  graph: Graph,
  operation: RandomOperation,
  format: '20220824' | 'v0.2',
  expected: Answer,
  options: EngineOptions,
): Promise<string | undefined> {
  const parts = await answerInParts(graph, operation, format, options);
  if (parts.length > 1) inParts++;
  if (parts.length > 2) late++;
  try {
    const merged = mergeParts(parts, format);
    const difference = differenceFromWhole(expected.data, merged);
    if (difference !== undefined)
      return `${difference}\n${JSON.stringify(parts)}\n${JSON.stringify(expected)}`;
    const texts = merged.errors.map((error) => JSON.stringify(error));
    if (merged.errors.length === 0 && expected.errors.length > 0) return 'no errors';
    // Of several calls that failed, a null that travels up may have another one's error.
    if (merged.failed.length === 0 && options.alter === undefined) {
      const all = expected.errors.map((error) => JSON.stringify(error));
      const missing = expected.errors.find(
        (error) => !texts.includes(JSON.stringify(error)) && !isSwallowed(error.path ?? [], merged),
      );
      if (missing !== undefined)
        return `an error is missing: ${JSON.stringify(missing)}\n${JSON.stringify(parts)}\n${JSON.stringify(expected)}`;
      const more = texts.find((text) => !all.includes(text));
      if (more !== undefined)
        return `an error is told that is none: ${more}\n${JSON.stringify(parts)}\n${JSON.stringify(expected)}`;
    }
    return undefined;
  } catch (error) {
    return `${(error as Error).message}\n${JSON.stringify(parts)}`;
  }
}

/** Whether another error has left a null around a path: of a field there, that is not sent, nothing need be told. */
function isSwallowed(path: Path, { data, errors }: Merged): boolean {
  return path.some((_, length) => {
    const around = path.slice(0, length);
    const isWithin = ({ path: told = [] }: Merged['errors'][number]): boolean =>
      around.every((key, i) => told[i] === key);
    return valueAt(data, around) === null && errors.some(isWithin);
  });
}
