/**
 * Everything that takes part in planning and running operations with `@apollo/gateway` is in this file, and nothing
 * else knows of it.
 */
import { performance } from 'node:perf_hooks';
import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import type { GatewayExecutionResult, GatewayGraphQLResponse } from '@apollo/server-gateway-interface';
import { GraphQLError, parse, validate } from 'graphql';
import { Agent, request as send } from 'undici';
import type { Caller } from './client-request';
import { fieldError, requestError } from './errors';
import type { Executor, OperationContext, Subgraph } from './executor';
import type { Logger } from './telemetry/logger';
import type { Metrics } from './telemetry/metrics';

export interface ApolloExecutorOptions {
  readonly supergraphSdl: string;
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  /** Returns the plan of an operation to a client that asks with `Apollo-Query-Plan-Experimental`. */
  readonly exposeQueryPlans: boolean;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Rejects when the supergraph does not build. */
export async function createApolloExecutor(options: ApolloExecutorOptions): Promise<Executor> {
  const { supergraphSdl, subgraphs, exposeQueryPlans, logger } = options;
  const agent = new Agent();
  const gateway = await loadApolloGateway(supergraphSdl, exposeQueryPlans, ({ name }) =>
    createDataSource(subgraphs.get(name)!, agent, options),
  );
  return {
    apiSchema: gateway.schema!,
    execute: async (context) => {
      try {
        return withoutInternals(await gateway.executor(context));
      } catch (error) {
        context.context.client.signal.throwIfAborted();
        if (error instanceof GraphQLError) throw error;
        logger.error(
          { err: error, requestId: context.context.client.id },
          'an operation could not be planned',
        );
        throw requestError('QUERY_PLANNING_FAILED', {});
      }
    },
    close: async () => {
      await gateway.stop();
      await agent.close();
    },
  };
}

export interface ExplainOptions {
  readonly supergraphSdl: string;
  /** A GraphQL document. */
  readonly query: string;
  /** Which operation of the document; needed when it has several. */
  readonly operationName?: string | undefined;
  /** @default {} */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** The plan as text, or why there is none: a syntax error, a field that does not exist, a variable that is missing. */
export type Explanation = { readonly plan: string } | { readonly errors: readonly GraphQLError[] };

/** Plans an operation without running it. Rejects when the supergraph does not build. */
export async function explainOperation(options: ExplainOptions): Promise<Explanation> {
  const { supergraphSdl, query, operationName, variables = {} } = options;
  const gateway = await loadApolloGateway(supergraphSdl, true, () => ({
    process: () => Promise.resolve({ data: null }),
  }));
  try {
    const document = parse(query);
    const errors = validate(gateway.schema!, document);
    if (errors.length > 0) return { errors };
    const headers = { get: () => 'prettified', has: () => false };
    const context = {
      document,
      queryHash: '',
      metrics: {},
      request: { operationName, variables, http: { headers } },
    };
    const result = await gateway.executor(context as unknown as Parameters<ApolloGateway['executor']>[0]);
    const plan = result.extensions?.['__queryPlanExperimental'] as unknown;
    if (plan !== undefined) return { plan: typeof plan === 'string' ? plan : 'QueryPlan {}' };
    return { errors: result.errors ?? [] };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  } finally {
    await gateway.stop();
  }
}

async function loadApolloGateway(
  supergraphSdl: string,
  exposeQueryPlans: boolean,
  buildService: (subgraph: { readonly name: string }) => GraphQLDataSource,
): Promise<ApolloGateway> {
  // Otherwise every gateway asks the cloud's metadata service where it runs, and reports that to Apollo.
  // eslint-disable-next-line no-restricted-properties -- there is no option for it
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService,
    logger: silent,
    __exposeQueryPlanExperimental: exposeQueryPlans,
    validateSupergraph: true,
  });
  await gateway.load();
  return gateway;
}

/** What Apollo has to say is said better by those who see the error. */
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function createDataSource(
  subgraph: Subgraph,
  agent: Agent,
  { metrics, logger }: ApolloExecutorOptions,
): GraphQLDataSource {
  return {
    process: async ({ request: { query, variables, operationName }, context }) => {
      const { client } = context as OperationContext;
      const started = performance.now();
      let outcome = 'ok';
      try {
        const body = JSON.stringify({ query, variables, operationName });
        return await callSubgraph(subgraph, body, client, agent);
      } catch (error) {
        if (client.signal.aborted) {
          outcome = 'aborted';
          throw error;
        }
        const { originalError, message, extensions } = error as GraphQLError;
        outcome = String(extensions['code']);
        logger.warn({ err: originalError, subgraph: subgraph.name, requestId: client.id }, message);
        throw error;
      } finally {
        metrics.subgraphDuration.record((performance.now() - started) / 1000, {
          subgraph: subgraph.name,
          outcome,
        });
      }
    },
  };
}

/** @throws a field error */
async function callSubgraph(
  { name, url, timeout }: Subgraph,
  body: string,
  caller: Caller,
  agent: Agent,
): Promise<GatewayGraphQLResponse> {
  const timeLimit = AbortSignal.timeout(timeout);
  let status: number;
  let text: string;
  try {
    const response = await send(url, {
      method: 'POST',
      headers: { ...caller.headers, 'content-type': 'application/json', accept: 'application/json' },
      body,
      dispatcher: agent,
      signal: AbortSignal.any([caller.signal, timeLimit]),
    });
    status = response.statusCode;
    text = await response.body.text();
  } catch (cause) {
    if (timeLimit.aborted) throw fieldError('GATEWAY_TIMEOUT', { subgraph: name, timeout }, { cause });
    throw fieldError('SUBREQUEST_HTTP_ERROR', { subgraph: name }, { cause });
  }
  const answer = parseAnswer(text);
  // A GraphQL server may well answer with its errors and a status that fits them.
  if (status >= 300 && !answer?.errors) throw fieldError('SUBREQUEST_HTTP_ERROR', { subgraph: name, status });
  if (answer === undefined) {
    throw fieldError('SUBREQUEST_MALFORMED_RESPONSE', { subgraph: name, reason: 'it is not a JSON object' });
  }
  return answer;
}

function parseAnswer(text: string): GatewayGraphQLResponse | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** An error of a subgraph keeps its message and code; where it came from in there is nobody's business. */
function withoutInternals(result: GatewayExecutionResult): GatewayExecutionResult {
  if (result.errors === undefined) return result;
  return {
    ...result,
    errors: result.errors.map((error) => {
      const { code, serviceName } = error.extensions;
      if (serviceName === undefined) return error;
      return new GraphQLError(error.message, {
        path: error.path,
        extensions: { code, service: serviceName },
      });
    }),
  };
}
