/**
 * Requests to subgraphs beside those of Apollo's planner, both as Weir's engine sends them: not more, and no longer chains
 * of them, in 99.3 % of operations. Operations for which Apollo's gateway answers other data than graphql-js are left out.
 * The report lists the others: seed, operation, requests more, steps more.
 *
 * `WEIR_SEED` chooses the first seed, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` how many are drawn.
 */
import '../support/fast-graphql';
import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
// Both come with `@apollo/gateway`.
import { executeQueryPlan } from '@apollo/gateway/dist/executeQueryPlan';
import { buildOperationContext } from '@apollo/gateway/dist/operationContext';
import { QueryPlanner } from '@apollo/query-planner';
import { parse, print } from 'graphql';
import { FetchCompiler } from '../../gateway/execution/compile/compile-fetches';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { startTogether, type WaitingFetch } from '../../gateway/execution/compile/start-together';
import { runAtOnce } from '../../schema/supergraph/sliced-work';
import { amountOf, timeFor } from '../support/amounts';
import { buildQueryPlanner } from '../support/own-planner';
import { type RandomOperation } from '../support/random-operation';
import { RandomWorld } from '../support/random-world';
import { differenceOf, drawGraph, drawOperation, firstIntricate } from './case';
import { answerSubgraph, composeGraph, type Graph, newRun, plain, type System } from './systems';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 40_000);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 12, 96);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 210);

it(
  'sends as few requests as with plans of Apollo in 99.3 % of operations',
  async () => {
    let all = 0;
    let wrong = 0;
    const worse: string[] = [];
    for (let i = 0; i < supergraphs; i++) {
      const seed = firstSeed + (i >> 1) + (i % 2 === 0 ? 0 : firstIntricate);
      const { graph } = drawGraph(seed);
      const apollo = apolloPlanner(graph);
      for (let number = 0; number < operations; number++) {
        const operation = drawOperation(graph, seed, number);
        const theirs = apollo.plan(operation);
        if (theirs === undefined) continue;
        const own = costOf(graph, graph.plan(operation));
        const other = costOf(graph, theirs);
        const [requests, steps] = [own.requests - other.requests, own.steps - other.steps];
        if (requests <= 0 && steps <= 0) all++;
        else if (await isWrong(graph, operation, apollo.gateway)) wrong++;
        else {
          all++;
          worse.push(`${seed}/${number} ${requests} ${steps}`);
        }
      }
    }
    process.stdout.write(
      `${all} operations, and ${wrong} that Apollo's gateway answers wrongly. Worse: ${worse.join(', ')}\n`,
    );
    expect(1 - worse.length / all).toBeGreaterThanOrEqual(0.993);
  },
  timeFor(supergraphs * operations, 500),
);

/** The requests of a plan, whatever its conditions, and how many of them wait for each other at most. */
function costOf(
  { answerTypes }: Graph,
  plan: QueryPlan,
): { readonly requests: number; readonly steps: number } {
  const compiler = new FetchCompiler(plan, answerTypes, { clientName: undefined, tally: undefined });
  runAtOnce(compiler.compile());
  const dependencies = compiler.dependencies();
  const fetches = compiler.fetches.map(({ node, path, before }, i): WaitingFetch => {
    const kind = node.requires === undefined ? 'root' : 'entities';
    return {
      subgraph: node.serviceName,
      kind: node.operationKind === 'mutation' ? 'mutation' : kind,
      path: path.join('.'),
      before,
      waitsFor: dependencies[i]!,
    };
  });
  const waitsFor = startTogether(fetches);
  const steps: number[] = [];
  const stepOf = (i: number): number => (steps[i] ??= 1 + Math.max(0, ...waitsFor[i]!.map(stepOf)));
  const requests = new Set(
    fetches.map(
      ({ subgraph, kind }, i) => `${subgraph} ${kind} ${kind === 'mutation' ? i : waitsFor[i]!.join()}`,
    ),
  );
  return { requests: requests.size, steps: Math.max(0, ...fetches.map((_, i) => stepOf(i))) };
}

interface ApolloPlanner {
  /** Undefined where it finds no plan. */
  readonly plan: (operation: RandomOperation) => QueryPlan | undefined;
  /** Apollo's gateway in front of the graph's subgraphs. */
  readonly gateway: (graph: Graph) => System;
}

function apolloPlanner({ supergraphSdl }: Graph): ApolloPlanner {
  const supergraph = Supergraph.build(supergraphSdl, { supportedFeatures: null });
  const planner = new QueryPlanner(supergraph);
  const { overrideLabels } = buildQueryPlanner({ supergraphSdl }).supergraph;
  // As `composeGraph` has them.
  const overrideConditions = new Map(overrideLabels.map((label, i) => [label, i % 2 === 0]));
  const planOf = ({ document, operationName }: RandomOperation) => {
    const named = operationName === undefined ? {} : { operationName };
    const operation = operationFromDocument(supergraph.apiSchema(), document, named);
    return planner.buildQueryPlan(operation, { overrideConditions });
  };
  return {
    plan(operation) {
      try {
        return JSON.parse(JSON.stringify(planOf(operation))) as QueryPlan;
      } catch {
        return undefined;
      }
    },
    gateway: (graph) => ({
      async answer(operation) {
        const { document, operationName = '', variables } = operation;
        const run = newRun();
        const services = [...graph.subgraphSchemas.keys()].map((name) => {
          const process = ({ request }: { readonly request: Request }) =>
            answerSubgraph(graph, name, parse(request.query), request.variables ?? {}, run);
          return [name, { process }];
        });
        const context = { request: { query: print(document), variables }, metrics: {}, context: {} };
        const result = await executeQueryPlan(
          planOf(operation),
          Object.fromEntries(services) as never,
          context as never,
          buildOperationContext({ schema: graph.apiSchema, operationDocument: document, operationName }),
          supergraph.schema.toGraphQLJSSchema(),
          supergraph.apiSchema(),
        );
        return plain(JSON.parse(JSON.stringify(result)) as typeof result);
      },
    }),
  };
}

interface Request {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Whether Apollo's gateway answers other data, in one of several worlds. */
async function isWrong(
  graph: Graph,
  operation: RandomOperation,
  gateway: ApolloPlanner['gateway'],
): Promise<boolean> {
  for (const worldSeed of [0, 1, 2, 3]) {
    const world = new RandomWorld(worldSeed, graph.subgraphs, 0);
    const other = composeGraph(graph.subgraphs, world) as Graph;
    const difference = await differenceOf(other, gateway(other), operation);
    if (difference?.what === 'data') return true;
  }
  return false;
}
