/**
 * What clients are told where subgraphs fail: no error of a subgraph is lost, and no null is without an error.
 *
 * `WEIR_SEED` chooses the first seed, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` how many are drawn.
 */
import '../support/fast-graphql';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { RandomOperation } from '../support/random-operation';
import { RandomWorld } from '../support/random-world';
import { amountOf, timeFor } from '../support/amounts';
import { drawGraph, drawOperation, report } from './case';
import { type Answer, composeGraph, type EngineOptions, type Graph, startEngine } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 4, 20);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 20);
const perTest = 20;

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

/** What becomes of an answer of a subgraph, by its number. */
type Fault = (result: ExecutionResult, number: number) => ExecutionResult;

const one = new GraphQLError('One', { extensions: { code: 'ONE' } });
const two = new GraphQLError('Two', { extensions: { code: 'TWO' } });
const nulling = 'has null in place of each field, and errors without a path';
const doubling = 'has each of its errors twice, with another code';
const faults: Record<string, Fault> = {
  'has errors without a path beside data': (result) => ({ ...result, errors: [one, two, one] }),
  'has errors in place of data': () => ({ data: null, errors: [one, two] }),
  [nulling]: ({ data }) => ({
    data: nulled(data),
    errors: [one, two],
  }),
  [doubling]: ({ data, errors = [] }) => ({
    data: data ?? null,
    errors: errors.flatMap((error) => [error, new GraphQLError(error.message, { path: error.path ?? null })]),
  }),
  'cannot be had': () => {
    throw new Error('down');
  },
  'cannot be had every other time': (result, number) => {
    if (number % 2 === 1) throw new Error('down');
    return result;
  },
};

describe.each(Object.entries(faults))('where what a subgraph answers %s', (_name, fault) => {
  test.each(groups)(
    'each error is told once, and each null has one, from seed %i on',
    async (first) => {
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        await check(seed, fault);
    },
    timeFor(operations, 20),
  );
});

/** What is asked of the graph of a seed, and answered where nothing fails: the same for all faults. */
interface Drawn {
  readonly graph: Graph;
  readonly worldSeed: number;
  readonly asked: readonly { readonly operation: RandomOperation; readonly whole: Answer }[];
}

const known = new Map<string, Promise<Drawn>>();

function drawOnce(seed: number, trouble: number): Promise<Drawn> {
  const key = `${seed} ${trouble}`;
  const drawn = known.get(key) ?? draw(seed, trouble);
  known.set(key, drawn);
  return drawn;
}

async function draw(seed: number, trouble: number): Promise<Drawn> {
  const { graph: drawn, worldSeed } = trouble === 0 ? drawGraph(seed) : await drawOnce(seed, 0);
  const { subgraphs } = drawn;
  const graph = composeGraph(subgraphs, new RandomWorld(worldSeed, subgraphs, trouble)) as Graph;
  const asked: { operation: RandomOperation; whole: Answer }[] = [];
  for (let number = 0; number < operations; number++) {
    const operation = drawOperation(graph, seed, number);
    asked.push({ operation, whole: await startEngine(graph).answer(operation) });
  }
  return { graph, worldSeed, asked };
}

async function check(seed: number, fault: Fault): Promise<void> {
  const trouble = fault === faults[doubling] ? 2 : 0;
  const { graph, worldSeed, asked } = await drawOnce(seed, trouble);
  const { subgraphs } = graph;
  // What requires a value that is null now may be null for that reason.
  const hasOwnNulls =
    trouble > 0 ||
    (fault === faults[nulling] && subgraphs.some(({ typeDefs }) => typeDefs.includes('@requires')));
  const broken = subgraphs[seed % subgraphs.length]!.name;
  for (const [number, { operation, whole }] of asked.entries()) {
    const sent: (readonly [string, GraphQLError])[] = [];
    let calls = 0;
    const alter: EngineOptions['alter'] = async (subgraph, result) => {
      const altered = subgraph === broken ? fault(result, calls++) : result;
      for (const error of altered.errors ?? []) sent.push([subgraph, error]);
      return altered;
    };
    const got = await startEngine(graph, { alter }).answer(operation);
    const what = lostError(got, sent) ?? (hasOwnNulls ? undefined : silentNull(whole, got));
    if (what !== undefined)
      throw new Error(
        `${broken} in operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1\n\n${await report({ graph, worldSeed }, operation, { what, expected: whole, got })}`,
      );
  }
}

function lostError(
  { errors }: Answer,
  sent: readonly (readonly [string, GraphQLError])[],
): string | undefined {
  const told = errors.map((error) => JSON.stringify(error));
  if (new Set(told).size < told.length) return 'an error is told twice';
  const facts = new Set(
    errors.map(({ message, extensions = {} }) =>
      [extensions['service'], extensions['code'], message].join(' '),
    ),
  );
  for (const [subgraph, { message, extensions }] of sent)
    if (
      !facts.has(
        [subgraph, (extensions['code'] as string | undefined) ?? 'DOWNSTREAM_SERVICE_ERROR', message].join(
          ' ',
        ),
      )
    )
      return `an error of ${subgraph} is not told: ${message}`;
  return undefined;
}

/** A null that is there because of the fault, and has no error of its path or of one below. */
function silentNull(whole: Answer, got: Answer): string | undefined {
  const paths = got.errors.map(({ path = [] }) => JSON.stringify(path).slice(0, -1));
  for (const place of lostPlaces(whole.data, got.data)) {
    const text = JSON.stringify(place).slice(0, -1);
    const isTold = (path: string): boolean => text === '[' || path === text || path.startsWith(`${text},`);
    if (!paths.some(isTold)) return `no error of the null at ${place.join('.')}`;
  }
  return undefined;
}

/** Where the one has a value and the other has null. */
function lostPlaces(whole: unknown, got: unknown, path: readonly (string | number)[] = []): (typeof path)[] {
  if (whole === null || whole === undefined) return [];
  if (got === null || got === undefined) return [path];
  if (typeof whole !== 'object' || typeof got !== 'object') return [];
  return Object.entries(whole).flatMap(([key, value]) =>
    lostPlaces(value, (got as Record<string, unknown>)[key], [
      ...path,
      Array.isArray(whole) ? Number(key) : key,
    ]),
  );
}

/** Null for each field of the root, or of each entity, that is no `__typename`. */
function nulled(data: ExecutionResult['data']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [
      key,
      key.startsWith('_entities') && Array.isArray(value)
        ? value.map((entity) => (entity === null ? null : nulled(entity as Record<string, unknown>)))
        : typeof value === 'string' && key.includes('typename')
          ? value
          : null,
    ]),
  );
}
