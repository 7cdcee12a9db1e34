/**
 * The operations of one supergraph, each on one of two ways: one that was asked before is run at once (`known`), any other
 * when Apollo Server has parsed and validated it (`execute`).
 */
import type { GatewayExecutionResult } from '@apollo/server-gateway-interface';
import {
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Authorization, OperationAccess, Refused } from './auth/directives';
import type { ClientRequest } from './client-request';
import { showExecution } from './development';
import type { Caching } from './edge/caching';
import type { IdentifiedCaller } from './edge/flights';
import type { Asked } from './edge/response-cache';
import { requestError } from './errors';
import { type ErrorOptions, execute, type Execution, type Program } from './execution';
import type { Execute, Executor, KnownOperation } from './executor';
import type { ClientLimits } from './limits/client-limits';
import { compileOperationCost, type OperationCost } from './limits/cost/operation-cost';
import { createCostReport } from './limits/cost/report';
import { type RefuseOperation, refuseOperation } from './limits/operation-limits';
import type { PlanWaits } from './limits/plan-waits';
import { limitCalls } from './limits/subgraph-calls';
import type { CostDirectives, PlanCache, PlannedOperation, Planner } from './planning';
import { Rejection } from './programs';
import { dataOf } from './response-data';
import type { Metrics } from './telemetry/metrics';
import type { ScopesServed } from './transports/scopes-served';
import type { Send } from './transports/transport';
import type { CountUse, UsageRecorder } from './usage/recorder';

type Variables = Readonly<Record<string, unknown>>;

/** How operations are run, whatever the supergraph. */
export interface OperationOptions {
  readonly errors: ErrorOptions;
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
  readonly caching: Caching;
  readonly planWaits: PlanWaits;
  readonly metrics: Metrics;
}

/** What operations are run with, of one supergraph. */
interface Parts {
  /** Tells it from others. */
  readonly supergraph: string;
  readonly schema: GraphQLSchema;
  /** Undefined for a supergraph that says nothing of costs. */
  readonly costs: CostDirectives | undefined;
  readonly planner: Planner;
  readonly programs: PlanCache<Program | Rejection>;
  readonly authorization: Authorization;
  readonly send: Send;
  readonly scopes: ScopesServed;
  /** The labels of progressive `@override`s that are on for one request. */
  readonly chooseOverrides: () => readonly string[];
}

/** Operations of one supergraph: remembers what is known of each, and runs it. */
export function createOperations(options: OperationOptions & Parts): Pick<Executor, 'execute' | 'known'> {
  const { errors, isDevelopment, limits, mostBytes, assumedListSize, usage, planWaits, metrics } = options;
  const { supergraph, schema, authorization, programs, send, scopes, chooseOverrides } = options;
  const { responses } = options.caching;
  const costSource = { schema, directives: options.costs, assumedListSize };
  const reportCost = createCostReport(metrics.meter);
  const showing = { planner: options.planner, authorization, answerHeaders: options.caching.answerHeaders };
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
      const execution = await execute(program, { variables, send: bounded, caller: client, errors });
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
    overrideLabels: chooseOverrides(),
    refused,
  });
  const known = new LRUCache<string, LimitedOperation>({ maxSize: mostKnownBytes });
  const knownOf = (source: string, hash: string, operationName: string | undefined): LimitedOperation => {
    const document = parse(source, { noLocation: true });
    const operation = getOperationAST(document, operationName)!;
    const count = usage?.operation(source, operationName, schema);
    const cost = compileOperationCost(document, operation, costSource);
    const refuse = refuseOperation(source, cost, limits);
    const access = authorization.accessTo(document, operation);
    const cached = responses.describe({
      ...{ document, operation, schema, supergraph },
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
        if ('errors' in checkVariables(schema, operation, variables)) return undefined;
        const refused = access.peek(client.identity);
        const program = refused && programs.peek(plannedOf(source, hash, operationName, refused));
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
    const checked = checkVariables(schema, operation, variables);
    if ('errors' in checked)
      return { errors: isDevelopment ? checked.errors : checked.errors.map(withoutHint) };
    charge(client, entry.cost, variables);
    const refused = entry.access.peek(client.identity) ?? (await entry.access.decide(client.identity));
    const planned = plannedOf(source, queryHash, operationName, refused);
    if (!known.has(key)) known.set(key, entry, { size: key.length * 2 + 1024 });
    entry.count?.(client, variables);
    const { ask, cost: costs } = entry;
    const asked = ask(variables, refused);
    const execution = await responses.answer(asked, client, async (caller) =>
      perform(
        programs.peek(planned) ?? (await caller.awaitPlan(programs.get(planned, client.sender), planWaits)),
        variables,
        costs,
        caller,
      ),
    );
    const result: GatewayExecutionResult = { data: dataOf(execution) };
    if (execution.errors.length > 0) result.errors = execution.errors;
    if (isDevelopment) {
      const performed = { planned, variables, cost: costs, execution, client };
      result.extensions = await showExecution(showing, { ...performed, headers: request.http?.headers });
    }
    return result;
  };
  return {
    execute: run,
    // In development each answer has extensions, which Apollo Server adds.
    known: (document, operationName) =>
      isDevelopment ? undefined : known.get(knownKey(document, operationName)),
  };
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

/** Names of the schema are for those who develop with it. Of documents that are not valid, Apollo Server leaves them out. */
function withoutHint({ message, nodes, originalError }: GraphQLError): GraphQLError {
  // Not by a regular expression: what the client sent is quoted before, and may begin like a hint at every place.
  const hint = message.endsWith('?') ? message.lastIndexOf(' Did you mean ') : -1;
  const told = hint === -1 ? message : message.slice(0, hint);
  return new GraphQLError(told, { nodes: nodes ?? null, originalError: originalError ?? null });
}

/** Counts the cost for the rates of the client. Throws where it has none left for it. */
function charge(client: ClientRequest, { estimate }: OperationCost, variables: Variables): void {
  if (client.charge === undefined) return;
  const { cost } = estimate(variables);
  const limited = client.charge(cost);
  if (limited !== undefined) throw limited;
  client.charged = cost;
}
