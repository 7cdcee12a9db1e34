import { performance } from 'node:perf_hooks';
import type { GatewayExecutionResult } from '@apollo/server-gateway-interface';
import {
  buildSchema,
  getOperationAST,
  getVariableValues,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { Authorization, type OperationAccess, type Policies, type Refused } from './auth/directives';
import { buildSchemaInSteps } from './build-schema';
import type { Invalidate } from './cache/invalidation';
import type { Store } from './cache/store';
import type { ClientRequest } from './client-request';
import type { AnswerHeaders } from './edge/answer-headers';
import type { Caching } from './edge/caching';
import type { IdentifiedCaller } from './edge/flights';
import type { Asked } from './edge/response-cache';
import { digest } from './edge/response-keys';
import { requestError } from './errors';
import { type ErrorOptions, execute, type Execution, type Program } from './execution';
import type { Execute, Executor, KnownOperation, Subgraph } from './executor';
import type { ClientLimits } from './limits/client-limits';
import { compileOperationCost, type OperationCost } from './limits/cost/operation-cost';
import { createCostReport } from './limits/cost/report';
import { type RefuseOperation, refuseOperation } from './limits/operation-limits';
import { limitCalls } from './limits/subgraph-calls';
import { createPlanner, type EntityFacts, type PlannedOperation, type Planner } from './planning';
import { createPrograms, Rejection } from './programs';
import { dataOf } from './response-data';
import type { Options } from './options';
import type { SubgraphLocation } from './supergraph/subgraphs';
import type { CacheOptions } from './subgraph-caches';
import { type CallOptions, connectSubgraphs } from './subgraph-calls';
import type { Logger } from './telemetry/logger';
import type { Metrics } from './telemetry/metrics';
import type { Breakers } from './transports/breakers';
import type { HttpTransport } from './transports/http';
import { ScopesServed } from './transports/scopes-served';
import type { CountUse, UsageRecorder } from './usage/recorder';

type Variables = Readonly<Record<string, unknown>>;

export interface EngineOptions {
  readonly supergraphSdl: string;
  /** What the options say of a subgraph of the supergraph. What it throws says why the supergraph cannot be run. */
  readonly chooseSubgraph: (found: SubgraphLocation) => Subgraph;
  readonly errors: ErrorOptions;
  readonly planning: Options['planning'];
  /** Percentages by the labels of progressive `@override`s. */
  readonly overrides: Options['overrides'];
  readonly calls: CallOptions;
  readonly cache: CacheOptions;
  readonly authorization: Options['authorization'];
  readonly policies: Policies;
  /**
   * Tells clients how they are served: what became of the calls of an operation, in `extensions`, and its query plan
   * if they ask with `Apollo-Query-Plan-Experimental`.
   */
  readonly isDevelopment: boolean;
  readonly limits: ClientLimits;
  /** Of an answer; a larger one is replaced by an error. */
  readonly mostBytes: number;
  readonly assumedListSize: number;
  /** Counts what operations use. @default nothing is counted */
  readonly usage?: UsageRecorder | undefined;
  /** Operations that are planned before the engine is ready: the first ten, and more for at most a second. */
  readonly warmUp: readonly PlannedOperation[];
  readonly transport: HttpTransport;
  readonly store: Store;
  readonly invalidate: Invalidate;
  readonly caching: Caching;
  readonly breakers: Breakers;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Plans operations in worker threads and runs them over the bytes of subgraph responses. Rejects when the supergraph does not build. */
export async function createEngine(options: EngineOptions): Promise<Executor> {
  const {
    supergraphSdl,
    chooseSubgraph,
    errors: told,
    planning,
    overrides,
    isDevelopment,
    limits,
    mostBytes,
    assumedListSize,
    warmUp,
    metrics,
  } = options;
  const { responses, answerHeaders } = options.caching;
  const planner = createPlanner({ supergraphSdl, ...boundsOf(planning) });

  try {
    const facts = await planner.ready;
    const rates = overrideRates(facts.overrideLabels, overrides);
    const scopes = new ScopesServed();
    const subgraphs = facts.subgraphs.map(chooseSubgraph);
    const send = connectSubgraphs({ ...options, subgraphs, facts: facts.entities, scopes });
    const apiSchema = await buildSchemaInSteps(facts.apiSchemaSdl);
    const supergraphSchema =
      facts.answerTypesSdl === undefined ? apiSchema : buildSchema(facts.answerTypesSdl, trusted);
    const authorization = new Authorization({
      facts: facts.protections,
      schema: apiSchema,
      options: options.authorization,
      policies: options.policies,
      logger: options.logger,
    });
    const plans = createPrograms({ planner, authorization, schema: apiSchema, supergraphSchema });
    await plans.warm(untilLate(warmUp));

    const reportCost = createCostReport(metrics.meter);
    const perform = async (
      program: Program | Rejection,
      variables: Variables,
      cost: OperationCost,
      client: IdentifiedCaller,
    ): Promise<Execution> => {
      if (program instanceof Rejection)
        throw requestError('UNAUTHORIZED_FIELD_OR_TYPE', { what: program.fields });
      scopes.enter(client.scope);
      try {
        const bounded = limitCalls(send, limits.of(client.identity).calls);
        const execution = await execute(program, { variables, send: bounded, caller: client, errors: told });
        const { length } = execution.body;
        if (length > mostBytes) throw requestError('RESPONSE_TOO_LARGE', { got: length, limit: mostBytes });
        reportCost(cost, variables, execution.data);
        return execution;
      } finally {
        scopes.leave(client.scope);
        metrics.calls.add(client.calls);
      }
    };
    const plannedOf = (
      document: string,
      documentHash: string,
      operationName: string | undefined,
      refused: Refused,
    ): PlannedOperation => ({
      document,
      documentHash,
      operationName,
      overrideLabels: chooseOverrides(rates),
      refused,
    });
    const supergraph = digest(supergraphSdl);
    const known = new LRUCache<string, LimitedOperation>({ maxSize: mostKnownBytes });
    const knownOf = (source: string, hash: string, operationName: string | undefined): LimitedOperation => {
      const document = parse(source, { noLocation: true });
      const operation = getOperationAST(document, operationName)!;
      const count = options.usage?.operation(source, operationName, apiSchema);
      const costs = { schema: apiSchema, directives: facts.costs, assumedListSize };
      const cost = compileOperationCost(document, operation, costs);
      const refuse = refuseOperation(source, cost, limits);
      const access = authorization.accessTo(document, operation);
      const cached = responses.describe({
        ...{ document, operation, schema: apiSchema, supergraph },
        documentHash: hash,
      });
      const ask = (variables: Variables, refused: Refused): Asked => ({
        ...{ operation: cached, variables, refuse },
        variant: access.variantOf(refused),
        isOpenTo: (identity) => access.isOpenTo(identity),
      });
      return {
        name: operation.name?.value ?? null,
        type: operation.operation,
        count,
        cost,
        refuse,
        access,
        ask,
        prepare(variables, client) {
          if (refuse(variables, client.identity) !== undefined) return undefined;
          if ('errors' in checkVariables(apiSchema, operation, variables)) return undefined;
          const refused = access.peek(client.identity);
          const program = refused && plans.peek(plannedOf(source, hash, operationName, refused));
          if (program === undefined) return undefined;
          const asked = ask(variables, refused!);
          return async () => {
            charge(client, cost, variables);
            count?.(client, variables);
            return responses.answer(asked, client, (caller) => perform(program, variables, cost, caller));
          };
        },
      };
    };

    const run: Execute = async ({ source, queryHash, operation, request, context }) => {
      const { variables = {} } = request;
      const operationName = request.operationName ?? undefined;
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
        throw requestError('UNSUPPORTED_OPERATION', { feature: 'Subscription' });
      }
      const { client } = context;
      const key = knownKey(source, operationName);
      const entry = known.get(key) ?? knownOf(source, queryHash, operationName);
      const refusal = entry.refuse(variables, client.identity);
      if (refusal !== undefined) throw refusal;
      const checked = checkVariables(apiSchema, operation, variables);
      if ('errors' in checked) return { errors: checked.errors };
      charge(client, entry.cost, variables);
      const refused = entry.access.peek(client.identity) ?? (await entry.access.decide(client.identity));
      const planned = plannedOf(source, queryHash, operationName, refused);
      if (!known.has(key)) known.set(key, entry, { size: key.length * 2 + 1024 });
      entry.count?.(client, variables);
      const { ask, cost: costs } = entry;
      const asked = ask(variables, refused);
      const execution = await responses.answer(asked, client, async (caller) =>
        perform(plans.peek(planned) ?? (await plans.get(planned)), variables, costs, caller),
      );
      const result: GatewayExecutionResult = { data: dataOf(execution) };
      if (execution.errors.length > 0) result.errors = execution.errors;
      if (isDevelopment) {
        const actual = entry.cost.actual(JSON.parse(execution.data.toString()));
        const cost = { estimated: entry.cost.estimate(variables).cost, actual };
        result.extensions = {
          weir: { calls: client.calls, cost, cache: showCache(client, answerHeaders) },
        };
        if (request.http?.headers.has('apollo-query-plan-experimental') === true) {
          const format = request.http.headers.get('apollo-query-plan-experimental-format');
          const shown = { ...planned, document: await authorization.visiblePart(planned, planner) };
          result.extensions['__queryPlanExperimental'] = await showPlan(planner, shown, format);
        }
      }
      return result;
    };
    return {
      apiSchema,
      execute: run,
      // In development each answer has extensions, which Apollo Server adds.
      known: (document, operationName) =>
        isDevelopment ? undefined : known.get(knownKey(document, operationName)),
      tagFormats: formatsIn(facts.entities),
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
/** Most requests are for few operations: these are planned however long it takes, or a busy machine would refuse them. */
const leastWarmUp = 10;

/** Operations until the time for warming up is over: what is not planned by then is planned when it is asked for. */
function* untilLate(operations: readonly PlannedOperation[]): Iterable<PlannedOperation> {
  const end = performance.now() + warmUpTime;
  for (const [i, operation] of operations.entries()) {
    if (i >= leastWarmUp && performance.now() > end) return;
    yield operation;
  }
}

/** A known operation with what is needed to run it on the other way, too. */
interface LimitedOperation extends KnownOperation {
  readonly count: CountUse | undefined;
  readonly cost: OperationCost;
  readonly refuse: RefuseOperation;
  readonly access: OperationAccess;
  /** The form in which its answer is looked for. */
  readonly ask: (variables: Variables, refused: Refused) => Asked;
}

/** 16 MiB. */
const mostKnownBytes = 16 * 1024 * 1024;

/** No name holds a line break, and without a name it is the document itself, which need not be copied. */
const knownKey = (document: string, operationName: string | undefined): string =>
  operationName === undefined ? document : `${operationName}\n${document}`;

/** Section 6.1.2 of the GraphQL specification, "Coercing Variable Values"; what is sent on is what the client sent. */
function checkVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Variables,
): ReturnType<typeof getVariableValues> {
  return variableDefinitions.length === 0
    ? noVariables
    : getVariableValues(schema, variableDefinitions, variables, { maxErrors: 10 });
}

const noVariables = { coerced: {} };

/** Counts the cost for the rates of the client. Throws where it has none left for it. */
function charge(client: ClientRequest, { estimate }: OperationCost, variables: Variables): void {
  if (client.charge === undefined) return;
  const { cost } = estimate(variables);
  const limited = client.charge(cost);
  if (limited !== undefined) throw limited;
  client.charged = cost;
}

function boundsOf({ timeout, paths, plans, waiting, threads, memory }: Options['planning']): PlannerBounds {
  return {
    deadline: timeout,
    pathsLimit: paths,
    maxEvaluatedPlans: plans,
    queueLimit: waiting,
    maxThreads: threads,
    memoryLimit: Math.ceil(memory / 1024 ** 2),
  };
}

type PlannerBounds = Omit<Parameters<typeof createPlanner>[0], 'supergraphSdl'>;

interface OverrideRate {
  readonly label: string;
  /** The share of the requests that it is on for. */
  readonly percent: number;
}

/** What the options say of the supergraph's labels, or these of themselves: `percent(25)` is on for every fourth request. */
function overrideRates(labels: readonly string[], overrides: Options['overrides']): OverrideRate[] {
  return labels
    .map((label) => {
      const own = /^percent\((\d+(?:\.\d+)?)\)$/.exec(label)?.[1];
      return { label, percent: overrides[label] ?? Number(own ?? 0) };
    })
    .filter(({ percent }) => percent > 0)
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** The labels that are on for one request, sorted. */
const chooseOverrides = (rates: readonly OverrideRate[]): readonly string[] =>
  rates.length === 0
    ? noLabels
    : rates.filter(({ percent }) => Math.random() * 100 < percent).map(({ label }) => label);

const noLabels: readonly string[] = [];

/** How caches took part in an answer, for those who develop. */
function showCache({ served }: ClientRequest, answerHeaders: AnswerHeaders): object {
  if (served === undefined) return { result: 'PASS' };
  const { result, answer } = served;
  return { result, age: answerHeaders.ageOf(answer), ...answer.policy, tags: answer.tags };
}

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

/** The formats of all `@cacheTag`s. */
function formatsIn({ subgraphs }: EntityFacts): readonly string[] {
  const formats = [...subgraphs.values()].flatMap(({ typeTags, fieldTags }) =>
    [...typeTags.values(), ...fieldTags.values()].flat(),
  );
  return [...new Set(formats)];
}
