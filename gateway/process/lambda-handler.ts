import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { compileClientAddress } from '../http/client-address';
import { compileCorsHeaders } from '../http/cors';
import { errorAnswer } from '../http/error-answer';
import { type EventRequest, readEvent } from '../lambda/event';
import { lambdaAnswer, type LambdaAnswer } from '../lambda/lambda-answer';
import { LambdaSink } from '../lambda/lambda-sink';
import { receiveEvent } from '../lambda/receive-event';
import { refuseOnLambda } from '../lambda/refuse-options';
import { loadOptions, type Options } from '../options';
import { noConnections } from './drain';
import { type GatewayOptions, openGateway, type RequestSteps, type RunningGateway } from './start-gateway';

/** The options of a gateway on Lambda: those of `startGateway`, without those of several processes at one port. */
export type LambdaOptions = Omit<GatewayOptions, 'clientConnections' | 'callbackKey' | 'peers'>;

/**
 * Answers the events of HTTP APIs, REST APIs, function URLs and load balancers. An event that is none of these is answered
 * with 400.
 */
export type LambdaHandler = (event: unknown, context: unknown) => Promise<LambdaAnswer>;

export interface LambdaGateway {
  readonly handler: LambdaHandler;
  readonly gateway: RunningGateway;
}

/**
 * Opens a gateway that answers the events of AWS Lambda, and listens nowhere. An answer waits until the traces, usage and
 * audit records of its event are sent, at most for `lambda.flush`.
 *
 * @throws {OptionsError} when an option is wrong, or cannot be used on Lambda
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function openLambda(given: LambdaOptions): Promise<LambdaGateway> {
  // Nobody could look at what the console would record.
  const admin = { ...given.admin, enabled: false, console: { ...given.admin?.console, enabled: false } };
  const { gateway, current, flush } = await openGateway(
    { ...given, admin, clientConnections: noConnections },
    refuseOnLambda,
  );
  return { gateway, handler: createEventHandler(current().options, current, flush) };
}

/**
 * @param current what answers requests now
 * @param flush sends what events have left to be sent
 */
export function createEventHandler(
  options: Options,
  current: () => Omit<RequestSteps, 'options'>,
  flush: () => Promise<void>,
): LambdaHandler {
  const { path: endpoint, lambda, timeouts, limits } = options;
  const paths = { endpoint, basePath: lambda.basePath };
  const corsHeaders = compileCorsHeaders(options);
  const addressOf = compileClientAddress(options.trustedProxies);

  /** @param left milliseconds that the function has */
  function answer({ head, body, address, ...form }: EventRequest, left: number): Promise<LambdaAnswer> {
    const { inFlight: requests, pipeline, reply, route } = current();
    const sink = new LambdaSink(form, { corsHeaders, reply, requests });
    const client = addressOf({ headers: head.headers, socket: { remoteAddress: address } });
    const timeout = Math.max(1, Math.min(timeouts.request, left - lambda.margin));
    const request = requests.begin(head, client, sink, performance.now(), timeout);
    sink.belongTo(request);
    route({ request, message: head }, () => {
      void receiveEvent(request, body, { pipeline, bodyLimit: limits.body });
    });
    return sink.answered;
  }

  /** An event as a request, or the answer to one that is none. */
  function requestIn(event: unknown): EventRequest | LambdaAnswer {
    try {
      return readEvent(event, paths);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      const { status, headers, body } = errorAnswer(error);
      return lambdaAnswer(status, headers, Buffer.from(body), { form: '2.0', hasLists: false });
    }
  }

  return async (event, context) => {
    const { awsRequestId, getRemainingTimeInMillis } = Object(context) as Partial<InvocationContext>;
    const left = getRemainingTimeInMillis?.() ?? defaultMilliseconds;
    const end = performance.now() + left - answerMilliseconds;
    const request = requestIn(event);
    if ('statusCode' in request) return request;
    // Then the log of Lambda and that of the gateway name a request alike.
    if (awsRequestId !== undefined) request.head.headers['x-request-id'] ??= awsRequestId;
    const answered = await answer(request, left);
    await within(Math.min(lambda.flush, end - performance.now()), flush());
    return answered;
  };
}

/**
 * A gateway as a handler of AWS Lambda. Wait for it outside of the handler: then it opens before the first event.
 *
 * @throws {OptionsError} when an option is wrong, or cannot be used on Lambda
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function createHandler(options: LambdaOptions): Promise<LambdaHandler> {
  return (await openLambda(options)).handler;
}

let opened: Promise<LambdaHandler> | undefined;

/**
 * A gateway as a handler of AWS Lambda, with the options of the file that `WEIR_CONFIG` names, by default `weir.yaml` in the
 * folder of the function. It opens with the first event; if it cannot, that event fails, and the next one tries again.
 */
export const handler: LambdaHandler = async (event, context) => {
  opened ??= openFromFile().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return (await opened)(event, context);
};

async function openFromFile(): Promise<LambdaHandler> {
  return createHandler(loadOptions({ config: process.env['WEIR_CONFIG'] ?? 'weir.yaml' }));
}

/** What Lambda says of an event beside it. */
interface InvocationContext {
  readonly awsRequestId: string;
  readonly getRemainingTimeInMillis: () => number;
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const ended = new AbortController();
  const longest = sleep(Math.max(0, milliseconds), undefined, { signal: ended.signal }).catch(
    () => undefined,
  );
  await Promise.race([work, longest]);
  ended.abort();
}

/** What is left of the function's time for its answer, in milliseconds. */
const answerMilliseconds = 100;
/** The time of a function of which nothing is known: the default of AWS. */
const defaultMilliseconds = 3000;
