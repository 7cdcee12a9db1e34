import { type DocumentNode, execute, type ExecutionResult, type GraphQLSchema, parse } from 'graphql';
import { PendingCalls } from './pending-calls';
import {
  type Caller,
  type Send,
  type SubgraphOperation,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from './transport';

/** A subgraph call that a function answers. */
export interface InProcessRequest {
  readonly operation: SubgraphOperation;
  readonly variables: Record<string, unknown>;
  readonly caller: Caller;
}

export interface InProcessSubgraph {
  readonly name: string;
  /** Answers a call. If it throws, the call has failed without a response. */
  readonly answer: (request: InProcessRequest) => ExecutionResult | Promise<ExecutionResult>;
  /**
   * Timeout of a call, in milliseconds. The function is not stopped then; its result is dropped.
   *
   * @default 10000
   */
  readonly timeout?: number | undefined;
}

/** A `Send` to a subgraph in the same process: for tests, and for a gateway that is embedded. */
export function createInProcessTransport(subgraph: InProcessSubgraph): Send {
  const { name, timeout = 10_000 } = subgraph;
  const calls = new PendingCalls();

  return (request) =>
    new Promise((resolve, reject) => {
      const call = {
        indexInSet: -1,
        caller: request.caller,
        expires: performance.now() + timeout,
        giveUp: (failure: TransportError['failure'], cause?: unknown) => {
          calls.delete(call);
          reject(new TransportError(name, failure, cause));
        },
      };
      const failure = calls.add(call);
      if (failure !== undefined) {
        call.giveUp(failure);
        return;
      }
      respond(subgraph, request).then(
        (response) => {
          calls.delete(call);
          resolve(response);
        },
        (error: unknown) => call.giveUp('failed', error),
      );
    });
}

/**
 * Answers calls by executing their operations on a schema, without validating them: they come from a plan.
 *
 * `contextValue` is made for each call; by default it is the `Caller`.
 */
export function answerBySchema(
  schema: GraphQLSchema,
  contextValue: (caller: Caller) => unknown = (caller) => caller,
): InProcessSubgraph['answer'] {
  const documents = new WeakMap<SubgraphOperation, DocumentNode>();
  return ({ operation, variables, caller }) => {
    let document = documents.get(operation);
    if (document === undefined) documents.set(operation, (document = parse(operation.document)));
    return execute({
      schema,
      document,
      operationName: operation.name ?? null,
      variableValues: variables,
      contextValue: contextValue(caller),
    });
  };
}

async function respond(
  { answer }: InProcessSubgraph,
  { operation, variables, caller }: SubgraphRequest,
): Promise<SubgraphResponse> {
  const result = await answer({
    operation,
    variables: variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Record<string, unknown>),
    caller,
  });
  return { status: 200, headers, body: Buffer.from(JSON.stringify(result)) };
}

const headers = { 'content-type': 'application/graphql-response+json' };
