import {
  type DocumentNode,
  execute,
  type ExecutionResult,
  type GraphQLSchema,
  parse,
  subscribe,
} from 'graphql';
import { PendingCalls, within } from '../sharing/pending-calls';
import { type EventBounds, EventQueue } from '../subscriptions/event-queue';
import { eventOf } from '../subscriptions/events';
import {
  type Caller,
  type Send,
  type Subscribe,
  type SubgraphOperation,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../contract/transport';

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

export interface InProcessSubscriptions {
  readonly name: string;
  /** Answers a subscription: with its events, or with the errors of one that is refused. One that throws has failed. */
  readonly subscribe: (
    request: InProcessRequest,
  ) => Promise<AsyncIterable<ExecutionResult> | ExecutionResult>;
  /**
   * Milliseconds that opening may take.
   *
   * @default 10000
   */
  readonly timeout?: number | undefined;
  /** @default those of `EventBounds` */
  readonly bounds?: EventBounds | undefined;
}

/** A `Subscribe` to a subgraph in the same process: for tests, and for a gateway that is embedded. */
export function createInProcessSubscribe({
  name,
  subscribe,
  timeout = 10_000,
  bounds = {},
}: InProcessSubscriptions): Subscribe {
  const pending = new PendingCalls();
  return async (request) => {
    let iterator: AsyncIterator<ExecutionResult> | undefined;
    const queue = new EventQueue({
      subgraph: name,
      bounds,
      onClose: () => leave(iterator),
      onDropped: () => undefined,
    });
    const push = (result: ExecutionResult): void => queue.push(eventOf(Buffer.from(JSON.stringify(result))));
    const read = async (events: AsyncIterator<ExecutionResult>): Promise<void> => {
      for (let each = await events.next(); each.done !== true; each = await events.next()) push(each.value);
      queue.complete();
    };
    const opening = Promise.resolve(request).then(calledWith).then(subscribe);
    try {
      const answer = await within(opening, { subgraph: name, caller: request.caller, timeout, pending });
      iterator = iteratorOf(answer);
      if (iterator !== undefined) {
        read(iterator).catch((error: unknown) => queue.fail('failed', error));
        return queue;
      }
      push(answer as ExecutionResult);
      queue.complete();
    } catch (error) {
      opening.then((late) => leave(iteratorOf(late))).catch(() => undefined);
      throw error instanceof TransportError ? error : new TransportError(name, 'failed', error);
    }
    return queue;
  };
}

const iteratorOf = (answer: AsyncIterable<ExecutionResult> | ExecutionResult) =>
  Symbol.asyncIterator in answer ? answer[Symbol.asyncIterator]() : undefined;

/** What fails then concerns nobody. */
function leave(iterator: AsyncIterator<ExecutionResult> | undefined): void {
  iterator?.return?.().catch(() => undefined);
}

/** Answers subscriptions by executing them on a schema, as `answerBySchema` does calls. */
export function subscribeBySchema(
  schema: GraphQLSchema,
  contextValue: (caller: Caller) => unknown = (caller) => caller,
): InProcessSubscriptions['subscribe'] {
  return ({ operation, variables, caller }) =>
    Promise.resolve(
      subscribe({
        schema,
        document: parse(operation.document),
        operationName: operation.name ?? null,
        variableValues: variables,
        contextValue: contextValue(caller),
      }),
    );
}

async function respond({ answer }: InProcessSubgraph, request: SubgraphRequest): Promise<SubgraphResponse> {
  const result = await answer(calledWith(request));
  return { status: 200, headers, body: Buffer.from(JSON.stringify(result)) };
}

const calledWith = ({ operation, variables, caller }: SubgraphRequest): InProcessRequest => ({
  operation,
  variables: variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Record<string, unknown>),
  caller,
});

const headers = { 'content-type': 'application/graphql-response+json' };
