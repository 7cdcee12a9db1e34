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
import { requestError } from './errors';
import { compileOperation, type ErrorOptions, execute, type Execution, type Program } from './execution';
import type { Execute, Executor, KnownOperation, Subgraph } from './executor';
import type { Identity } from './auth/identity';
import type { Options } from './options';
import { createPlanner, type EntityFacts, PlanCache, type PlannedOperation, type Planner } from './planning';
import { dataOf } from './response-data';
import type { SubgraphLocation } from './supergraph/subgraphs';
import type { CacheOptions } from './subgraph-caches';
import { type CallOptions, connectSubgraphs } from './subgraph-calls';
import type { Logger } from './telemetry/logger';
import type { Metrics } from './telemetry/metrics';
import type { Breakers } from './transports/breakers';
import type { HttpTransport } from './transports/http';
import { ScopesServed } from './transports/scopes-served';
import type { Caller } from './transports/transport';

type Variables = Readonly<Record<string, unknown>>;

export interface EngineOptions {
  readonly supergraphSdl: string;
  /** What the options say of a subgraph of the supergraph. What it throws says why the supergraph cannot be run. */
  readonly chooseSubgraph: (found: SubgraphLocation) => Subgraph;
  readonly errors: ErrorOptions;
  readonly calls: CallOptions;
  readonly authorization: Options['authorization'];
  readonly policies: Policies;
  readonly cache: CacheOptions;
  /**
   * Tells clients how they are served: what became of the calls of an operation, in `extensions`, and its query plan
   * if they ask with `Apollo-Query-Plan-Experimental`.
   */
  readonly isDevelopment: boolean;
  /** Operations that are planned before the engine is ready: the first ten, and more for at most a second. */
  readonly warmUp: readonly PlannedOperation[];
  readonly transport: HttpTransport;
  readonly store: Store;
  readonly invalidate: Invalidate;
  readonly breakers: Breakers;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Plans operations in worker threads and runs them over the bytes of subgraph responses. Rejects when the supergraph does not build. */
export async function createEngine(options: EngineOptions): Promise<Executor> {
  const { supergraphSdl, chooseSubgraph, errors: told, isDevelopment, warmUp, metrics } = options;
  const { authorization: authorizationOptions, policies, logger } = options;
  const planner = createPlanner({ supergraphSdl });

  try {
    const facts = await planner.ready;
    const scopes = new ScopesServed();
    const subgraphs = facts.subgraphs.map(chooseSubgraph);
    const send = connectSubgraphs({ ...options, subgraphs, facts: facts.entities, scopes });
    const apiSchema = await buildSchemaInSteps(facts.apiSchemaSdl);
    const supergraphSchema =
      facts.answerTypesSdl === undefined ? apiSchema : buildSchema(facts.answerTypesSdl, trusted);
    const authorization = new Authorization({
      facts: facts.protections,
      schema: apiSchema,
      options: authorizationOptions,
      policies,
    });
    if (!policies.areKnown && facts.protections.requirements.some(({ kind }) => kind === 'policies'))
      logger.warn(
        'the supergraph has @policy, but `authorization.policies` is not set: no policy is ever met',
      );
    const plans = new PlanCache<Program | Rejection>({
      make: async (asked) => {
        const { document: text, operationName, overrideLabels, refused = [] } = asked;
        const planned =
          refused.length === 0
            ? {
                kind: 'plan' as const,
                plan: await planner.plan(text, operationName, overrideLabels),
                refusals: undefined,
              }
            : await authorization.plan(asked, planner);
        if (planned.kind === 'rejected') return { compiled: new Rejection(planned.fields) };
        const { plan, refusals } = planned;
        const document = parse(text, { noLocation: true });
        const compiled = { plan, schema: apiSchema, supergraphSchema, document, operationName, refusals };
        return { compiled: compileOperation(compiled), plan };
      },
    });
    await plans.warm(untilLate(warmUp));

    const perform = async (
      program: Program | Rejection,
      variables: Variables,
      caller: Caller,
    ): Promise<Execution> => {
      if (program instanceof Rejection)
        throw requestError('UNAUTHORIZED_FIELD_OR_TYPE', { what: program.fields });
      scopes.enter(caller.scope);
      try {
        return await execute(program, { variables, send, caller, errors: told });
      } finally {
        scopes.leave(caller.scope);
        metrics.calls.add(caller.calls);
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
      overrideLabels: chooseOverrides(facts.overrideLabels),
      refused,
    });
    const known = new LRUCache<string, KnownOperation & { readonly access: OperationAccess }>({
      maxSize: mostKnownBytes,
    });
    const remember = (text: string, hash: string, operationName: string | undefined) => {
      const key = knownKey(text, operationName);
      const remembered = known.get(key);
      if (remembered !== undefined) return remembered;
      const document = parse(text, { noLocation: true });
      const operation = getOperationAST(document, operationName)!;
      const access = authorization.accessTo(document, operationName);
      const found = {
        name: operation.name?.value ?? null,
        type: operation.operation,
        access,
        prepare(variables: Variables, identity: Identity) {
          if ('errors' in checkVariables(apiSchema, operation, variables)) return undefined;
          const refused = access.peek(identity);
          const program = refused && plans.peek(plannedOf(text, hash, operationName, refused));
          return program && ((caller: Caller) => perform(program, variables, caller));
        },
      };
      known.set(key, found, { size: key.length * 2 + 1024 });
      return found;
    };

    const run: Execute = async ({ source, queryHash, operation, request, context }) => {
      const { variables = {} } = request;
      const operationName = request.operationName ?? undefined;
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
        throw requestError('UNSUPPORTED_OPERATION', { feature: 'Subscription' });
      }
      const checked = checkVariables(apiSchema, operation, variables);
      if ('errors' in checked) return { errors: checked.errors };
      const { access } = remember(source, queryHash, operationName);
      const { identity } = context.client;
      const refused = access.peek(identity) ?? (await access.decide(identity));
      const planned = plannedOf(source, queryHash, operationName, refused);
      const program = plans.peek(planned) ?? (await plans.get(planned));
      const execution = await perform(program, variables, context.client);
      const result: GatewayExecutionResult = { data: dataOf(execution) };
      if (execution.errors.length > 0) result.errors = execution.errors;
      if (isDevelopment) {
        result.extensions = { weir: { calls: context.client.calls } };
        if (request.http?.headers.has('apollo-query-plan-experimental') === true) {
          const format = request.http.headers.get('apollo-query-plan-experimental-format');
          const document = await authorization.visiblePart(planned, planner);
          const shown = { ...planned, document };
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

/** An operation that is not run, as its caller may not see all of it. */
class Rejection {
  constructor(readonly fields: readonly string[]) {}
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
    : getVariableValues(schema, variableDefinitions, variables);
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
