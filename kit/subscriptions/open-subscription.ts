import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import { logError, maskError, parseOptions } from '../graphql';
import { refuseSize } from '../table/size';
import { type CreateContext, type ReceivedCall } from '../serve/context';
import { traceEvent } from '../traces/request-span';
import { type Tracer } from '../traces/tracer';
import { type EventSource, type EventStream, type StreamedEvent } from './event-source';
import { subscriptionState, type SubscriptionState } from './subscription-field';

/** A GraphQL request, as it came. */
export interface SubscribeRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

/** The result of one event. */
export interface EventResult {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[];
  readonly extensions?: { readonly position?: string; readonly gap?: true };
}

/** A subscription that runs. `return` ends it at once. */
export interface RunningSubscription {
  /** Rejects when the event source fails, which is logged. The subscription has ended then. */
  next(): Promise<IteratorResult<EventResult, undefined>>;
  /** Never rejects. */
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncIterator](): RunningSubscription;
}

export interface OpenSubscriptionOptions {
  readonly schema: GraphQLSchema;
  readonly createContext: CreateContext;
  readonly events: EventSource;
  /** How many may run at once. */
  readonly limit: number;
  /** Records the answers to events. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** Opens a subscription, or rejects with {@link SubscriptionRefused}. */
export type OpenSubscription = (
  request: SubscribeRequest,
  call: ReceivedCall,
) => Promise<RunningSubscription>;

/** A subscription that is not run, with errors that the subscriber may see. */
export class SubscriptionRefused extends Error {
  readonly errors: readonly GraphQLFormattedError[];

  constructor(errors: readonly GraphQLFormattedError[]) {
    super(errors[0]?.message);
    this.errors = errors.map(({ extensions = {}, ...error }) => {
      // `http` is for Apollo Server, which takes it out.
      const shown = { ...extensions };
      delete shown['http'];
      return { ...error, extensions: shown };
    });
  }
}

/**
 * Opens subscriptions of a schema. Each event is executed in a context of its own, and its result carries the event's
 * position. A gap is a result without data.
 */
export function subscriptionsOf({
  schema,
  createContext,
  events,
  limit,
  tracer,
}: OpenSubscriptionOptions): OpenSubscription {
  let running = 0;
  return async (request, call) => {
    const { query, operationName, variables, after } = readRequest(request);
    const document = parseQuery(query);
    const mistakes = validate(schema, document, specifiedRules, { maxErrors: 10 });
    if (mistakes.length > 0)
      throw new SubscriptionRefused(mistakes.map(withCode('GRAPHQL_VALIDATION_FAILED')));
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) throw refusal(notASubscription);
    const tooLarge = refuseSize(schema, document, operation, variables);
    if (tooLarge) throw new SubscriptionRefused([tooLarge.toJSON()]);
    if (running >= limit)
      throw refusal(`This subgraph runs ${limit} subscriptions, which is its limit.`, 'UNAVAILABLE');

    /** Errors of resolvers as a subscriber may see them. */
    const shown = (errors: readonly GraphQLError[]): readonly GraphQLFormattedError[] => {
      for (const error of errors) logError(error, operationName, call.log);
      return errors.map((error) => maskError(error.toJSON()));
    };
    const logSourceError = (error: unknown): void =>
      call.log.error({ err: error, operationName }, 'the event source failed');
    const controller = new AbortController();
    const { signal } = controller;
    const args: ExecutionArgs = { schema, document, operationName, variableValues: variables };
    running++;
    const opened = await open().catch((error: unknown) => ({ errors: [toGraphQLError(error)] }));
    if (!(Symbol.asyncIterator in opened)) {
      running--;
      throw new SubscriptionRefused(shown(opened.errors ?? []));
    }
    const stream = opened as EventStream;
    signal.addEventListener('abort', () => running--);

    async function open() {
      const state: SubscriptionState = { events, after };
      const contextValue = { ...(await createContext(call, { signal })), [subscriptionState]: state };
      return createSourceEventStream({ ...args, contextValue });
    }

    async function resultOf(event: StreamedEvent): Promise<EventResult> {
      if (event.isGap) return { data: null, extensions: { gap: true } };
      const extensions = { position: event.position };
      const { headers, log, checked } = call;
      const trace = traceEvent(tracer, call.trace) ?? call.trace;
      try {
        const contextValue = await createContext({ headers, log, checked, trace }, { signal });
        const { data, errors } = await execute({ ...args, contextValue, rootValue: event.data });
        return { data, ...(errors && { errors: shown(errors) }), extensions };
      } catch (error) {
        return { data: null, errors: shown([toGraphQLError(error)]), extensions };
      } finally {
        if (trace !== call.trace) trace.span?.end();
      }
    }

    const subscription: RunningSubscription = {
      async next() {
        try {
          const next = await stream.next();
          return next.done === true ? end : { done: false, value: await resultOf(next.value) };
        } catch (error) {
          logSourceError(error);
          void subscription.return();
          throw error;
        }
      },
      async return() {
        controller.abort();
        try {
          await stream.return();
        } catch (error) {
          logSourceError(error);
        }
        return end;
      },
      [Symbol.asyncIterator]: () => subscription,
    };
    return subscription;
  };
}

const end: IteratorReturnResult<undefined> = { done: true, value: undefined };

const toGraphQLError = (error: unknown): GraphQLError =>
  error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error });

function readRequest({ query, operationName, variables, extensions }: SubscribeRequest) {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const after = isObject(extensions) ? extensions['after'] : undefined;
  const isRight =
    typeof query === 'string' &&
    (operationName == null || typeof operationName === 'string') &&
    (variables == null || isObject(variables)) &&
    (after == null || typeof after === 'string');
  if (!isRight)
    throw refusal(
      '`query` must be a text, `operationName` a text, `variables` an object, and `extensions.after` a text.',
    );
  return {
    query,
    operationName: operationName ?? undefined,
    variables: variables ?? {},
    after: after ?? undefined,
  };
}

function parseQuery(query: string): DocumentNode {
  try {
    return parse(query, parseOptions);
  } catch (error) {
    throw new SubscriptionRefused([withCode('GRAPHQL_PARSE_FAILED')(error as GraphQLError)]);
  }
}

const withCode =
  (code: string) =>
  (error: GraphQLError): GraphQLFormattedError => ({ ...error.toJSON(), extensions: { code } });

const refusal = (message: string, code = 'BAD_REQUEST'): SubscriptionRefused =>
  new SubscriptionRefused([{ message, extensions: { code } }]);

const notASubscription =
  'Only a subscription is answered event by event. Send queries and mutations as JSON by POST.';
