import { performance } from 'node:perf_hooks';
import type { GatewayExecutionResult } from '@apollo/server-gateway-interface';
import {
  buildSchema,
  getOperationAST,
  getVariableValues,
  type GraphQLSchema,
  OperationTypeNode,
  parse,
} from 'graphql';
import { buildSchemaInSteps } from './build-schema';
import { requestError } from './errors';
import { compileOperation, type ErrorOptions, execute, type Program } from './execution';
import type { Execute, Executor, Subgraph } from './executor';
import { createPlanner, PlanCache, type PlannedOperation, type Planner } from './planning';
import { lazyData } from './response-data';
import type { SubgraphLocation } from './supergraph/subgraphs';
import { measureCalls } from './telemetry/subgraph-calls';
import type { Logger } from './telemetry/logger';
import type { Metrics } from './telemetry/metrics';
import type { HttpTransport } from './transports/http';
import { compose, routeBySubgraph } from './transports/transport';

export interface EngineOptions {
  readonly supergraphSdl: string;
  /** What the options say of a subgraph of the supergraph. What it throws says why the supergraph cannot be run. */
  readonly chooseSubgraph: (found: SubgraphLocation) => Subgraph;
  readonly errors: ErrorOptions;
  /** Returns the plan of an operation to a client that asks with `Apollo-Query-Plan-Experimental`. */
  readonly exposeQueryPlans: boolean;
  /** Operations that are planned before the engine is ready, for at most a second. */
  readonly warmUp: readonly PlannedOperation[];
  readonly transport: HttpTransport;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Plans operations in worker threads and runs them over the bytes of subgraph responses. Rejects when the supergraph does not build. */
export async function createEngine(options: EngineOptions): Promise<Executor> {
  const {
    supergraphSdl,
    chooseSubgraph,
    errors: told,
    exposeQueryPlans,
    warmUp,
    transport,
    metrics,
    logger,
  } = options;
  const planner = createPlanner({ supergraphSdl });

  try {
    const facts = await planner.ready;
    const sends = new Map(
      facts.subgraphs.map((found) => [found.name, transport.to(chooseSubgraph(found))] as const),
    );
    const apiSchema = await buildSchemaInSteps(facts.apiSchemaSdl);
    const supergraphSchema =
      facts.answerTypesSdl === undefined ? apiSchema : buildSchema(facts.answerTypesSdl, trusted);
    const send = compose(routeBySubgraph(sends), [measureCalls({ metrics, logger })]);
    const plans = new PlanCache<Program>({
      planner,
      compile: (plan, { document: text, operationName }) => {
        const document = parse(text, { noLocation: true });
        return compileOperation({ plan, schema: apiSchema, supergraphSchema, document, operationName });
      },
    });
    await plans.warm(untilLate(warmUp));

    const run: Execute = async ({
      source,
      queryHash,
      document,
      operation: { operation: operationType },
      request,
      context,
      schema,
    }) => {
      const { operationName, variables: given = {} } = request;
      if (operationType === OperationTypeNode.SUBSCRIPTION) {
        throw requestError('UNSUPPORTED_OPERATION', { feature: 'Subscription' });
      }
      const variables = checkVariables(schema, document, operationName, given);
      if ('errors' in variables) return { errors: variables.errors };
      const operation = {
        document: source,
        documentHash: queryHash,
        operationName: operationName ?? undefined,
        overrideLabels: chooseOverrides(facts.overrideLabels),
      };
      const program = plans.peek(operation) ?? (await plans.get(operation));
      const { body, data, errors } = await execute(program, {
        variables: given,
        send,
        caller: context.client,
        errors: told,
      });
      const result: GatewayExecutionResult = {
        data: isNull(data) ? null : lazyData(data, errors.length === 0 ? body : undefined),
      };
      if (errors.length > 0) result.errors = errors;
      if (exposeQueryPlans && request.http?.headers.has('apollo-query-plan-experimental') === true) {
        const format = request.http.headers.get('apollo-query-plan-experimental-format');
        result.extensions = { __queryPlanExperimental: await showPlan(planner, operation, format) };
      }
      return result;
    };
    return {
      apiSchema,
      execute: run,
      mostUsed: (count) => plans.mostUsed(count),
      close: planner.close.bind(planner),
    };
  } catch (error) {
    await planner.close();
    throw error;
  }
}

const trusted = { assumeValidSDL: true, assumeValid: true, noLocation: true };
const warmUpTime = 1_000;

/** Operations until the time for warming up is over: what is not planned by then is planned when it is asked for. */
function* untilLate(operations: readonly PlannedOperation[]): Iterable<PlannedOperation> {
  const end = performance.now() + warmUpTime;
  for (const operation of operations) {
    if (performance.now() > end) return;
    yield operation;
  }
}

/** Section 6.1.2 of the GraphQL specification, "Coercing Variable Values"; what is sent on is what the client sent. */
function checkVariables(
  schema: GraphQLSchema,
  document: Parameters<typeof getOperationAST>[0],
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): ReturnType<typeof getVariableValues> {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  return definitions.length === 0 ? noVariables : getVariableValues(schema, definitions, variables);
}

const noVariables = { coerced: {} };

/** The labels of progressive `@override`s that are on for this request: `percent(25)` is on for every fourth. */
function chooseOverrides(labels: readonly string[]): readonly string[] {
  if (labels.length === 0) return labels;
  const chosen = labels.filter((label) => {
    const percent = /^percent\((\d+(?:\.\d+)?)\)$/.exec(label)?.[1];
    return percent !== undefined && Math.random() * 100 < Number(percent);
  });
  return chosen.sort();
}

const isNull = (data: Buffer): boolean => data.length === 4 && data[0] === 0x6e;

/** The plan in the form that a client asked for, as Apollo Gateway shows it to Apollo Sandbox. */
function showPlan(
  planner: Planner,
  { document, operationName, overrideLabels }: PlannedOperation,
  format: string | null,
): Promise<unknown> {
  switch (format ?? 'prettified') {
    case 'prettified':
      return planner.describe(document, operationName, overrideLabels);
    case 'internal':
      return planner.plan(document, operationName, overrideLabels);
    default:
      return Promise.resolve(true);
  }
}
