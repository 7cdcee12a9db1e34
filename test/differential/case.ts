import { getOperationAST, getVariableValues, type GraphQLSchema, validate } from 'graphql';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { formatQueryPlan } from '../support/own-planner';
import { randomOperation, type RandomOperation } from '../support/random-operation';
import { RandomSource } from '../support/random-source';
import { intricateSubgraphs } from '../support/random-intricate';
import { randomSubgraphs } from '../support/random-supergraph';
import { RandomWorld, type SubgraphSource } from '../support/random-world';
import { shrinkOperation, shrinkSubgraphs } from '../support/shrink';
import { type ErrorCode } from '../../gateway/errors';
import { cannotBePlanned } from './apollo-plans';
import { differenceFromMerged } from './compare';
import { faultsOf, noFaults } from './faults';
import {
  type Answer,
  answerMerged,
  composeGraph,
  describeGraph,
  type Graph,
  startEngine,
  type System,
} from './systems';

/** How an answer differs, and from whose. */
export interface Difference {
  readonly what: string;
  readonly expected: Answer;
  readonly got: Answer | undefined;
}

/**
 * The graph of a seed; every seed has one, though not every draw composes.
 *
 * @param isKept whether what is composed is kept on disk for the next time
 */
export function drawGraph(
  seed: number,
  isKept = process.env['WEIR_SUPERGRAPHS'] === undefined,
): { readonly graph: Graph; readonly worldSeed: number } {
  for (let attempt = 0; attempt < 50; attempt++) {
    const worldSeed = seed * 64 + attempt;
    const random = new RandomSource(worldSeed);
    const subgraphs =
      seed < firstIntricate
        ? randomSubgraphs(random, { context: hasContext(seed) })
        : intricateSubgraphs(random);
    const graph = composeGraph(subgraphs, new RandomWorld(worldSeed, subgraphs), isKept);
    if (!Array.isArray(graph)) return { graph, worldSeed };
  }
  throw new Error(`Nothing that was drawn from seed ${seed} composes`);
}

/** From this seed on graphs are small, and hard to plan. */
export const firstIntricate = 1_000_000;

/** Some have `@context`. */
export const hasContext = (seed: number): boolean => seed < firstIntricate && seed % 6 === 1;

export const drawOperation = ({ apiSchema }: Graph, seed: number, number: number): RandomOperation =>
  randomOperation(apiSchema, new RandomSource(seed * 10_007 + number));

/**
 * Compares the engine with graphql-js: what they answer, and which fields are resolved for it. An operation that the planner's bounds refuse differs, too: of those that are drawn, none is so large.
 */
export async function differenceOf(
  graph: Graph,
  engine: System,
  operation: RandomOperation,
): Promise<Difference | undefined> {
  const wanted = (graph.world.notes = new Set<string>());
  const expected = await answerMerged(graph, operation);
  const asked = (graph.world.notes = new Set<string>());
  let got: Answer;
  try {
    got = await engine.answer(operation);
  } catch (error) {
    if (cannotBePlanned(graph, operation)) return undefined;
    return { what: `throws ${reasonOf(error)}`, expected, got: undefined };
  }
  const plan = graph.plan(operation);
  // What a null swallows may be resolved or not.
  graph.world.notes = wanted;
  const hasErrors = expected.errors.length + got.errors.length > 0;
  const faults = hasErrors ? await faultsOf(graph, operation) : noFaults;
  graph.world.notes = undefined;
  const what =
    differenceFromMerged(expected, got, faults, () => JSON.stringify(plan)) ?? moreThan(wanted, asked);
  if (what !== undefined)
    return got.errors.some(isUnplanned) && cannotBePlanned(graph, operation)
      ? undefined
      : { what, expected, got };
  return undefined;
}

const isUnplanned = ({ extensions }: Answer['errors'][number]): boolean =>
  extensions?.['code'] === ('QUERY_PLANNING_FAILED' satisfies ErrorCode);

function moreThan(wanted: ReadonlySet<string>, asked: ReadonlySet<string>): string | undefined {
  const more = [...asked].filter((one) => !wanted.has(one));
  return more.length > 0 ? `asks for ${more.join(', ')}` : undefined;
}

/** Cuts a failing case down and tells it in full. */
export async function report(
  { graph, worldSeed }: { readonly graph: Graph; readonly worldSeed: number },
  operation: RandomOperation,
  found: Difference,
): Promise<string> {
  const check = async (subgraphs: readonly SubgraphSource[], one: RandomOperation) => {
    const smaller = composeGraph(subgraphs, new RandomWorld(worldSeed, subgraphs));
    if (Array.isArray(smaller) || !isValid(smaller.apiSchema, one)) return undefined;
    const difference = await differenceOf(smaller, startEngine(smaller), one);
    return difference?.what === found.what ? { difference, graph: smaller } : undefined;
  };
  // A smaller graph may break what draws it; then it is no smaller case of this failure.
  const fails = async (subgraphs: readonly SubgraphSource[], one: RandomOperation): Promise<boolean> =>
    check(subgraphs, one).then(
      (result) => result !== undefined,
      () => false,
    );
  const small = await shrinkOperation(graph.apiSchema, operation, (one) => fails(graph.subgraphs, one));
  const subgraphs = await shrinkSubgraphs(graph.subgraphs, (some) => fails(some, small));
  const last = await check(subgraphs, small);
  const { expected, got } = last?.difference ?? found;
  return [
    `The answer differs in: ${found.what}`,
    describeGraph({ subgraphs }),
    `# --- operation, with variables ${JSON.stringify(small.variables)}\n${small.source}`,
    `expected ${JSON.stringify(expected)}\ngot      ${JSON.stringify(got)}`,
    planText(last?.graph ?? graph, small),
  ].join('\n\n');
}

export function isValid(
  schema: GraphQLSchema,
  { document, variables, operationName }: RandomOperation,
): boolean {
  if (validate(schema, document).length > 0) return false;
  const { variableDefinitions = [] } = getOperationAST(document, operationName)!;
  return getVariableValues(schema, variableDefinitions, variables).errors === undefined;
}

function planText(graph: Graph, operation: RandomOperation): string {
  let plan: QueryPlan;
  try {
    plan = graph.plan(operation);
  } catch (error) {
    return `no plan: ${reasonOf(error)}`;
  }
  return formatQueryPlan(plan);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
