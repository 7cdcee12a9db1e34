import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { compileClientAddress } from '../http/client-address';
import { compileCorsHeaders } from '../http/cors';
import { type ErrorAnswer, errorAnswer } from '../http/error-answer';
import { partsTypes } from '../http/parts-types';
import { partsHeartbeat } from '../http/send-parts';
import { AnswerStream } from './answer-stream';
import { type EventRequest, readEvent, takesStream } from './event';
import {
  type AnswerForm,
  lambdaAnswer,
  type LambdaAnswer,
  lambdaHead,
  type LambdaHead,
} from './lambda-answer';
import { LambdaSink, type LambdaSinkOptions } from './lambda-sink';
import { LambdaStreamSink } from './lambda-stream-sink';
import type { ResponseStream } from './response-stream';
import type { Options } from '../options';
import { isRequestId } from '../telemetry/request-id';
import type { RequestSteps } from '../process/start-gateway';
import { requestError } from '../errors';
import { encodingOf, noBody, refuseByHeaders, unpackers } from '../http/body';
import type { IncomingRequest } from '../request/incoming-request';
import type { Pipeline } from '../request/pipeline';

/**
 * Answers the events of HTTP APIs, REST APIs, function URLs and load balancers. An event that is none of these is answered
 * with 400.
 */
export type LambdaHandler = (event: unknown, context: unknown) => Promise<LambdaAnswer>;

/**
 * Answers the events of function URLs and REST APIs by a stream, those of others as `LambdaHandler` does. Resolves when all of
 * the answer is taken, or the stream is closed.
 */
export type LambdaStreamHandler = (event: unknown, stream: ResponseStream, context: unknown) => Promise<void>;

export interface LambdaHandlers {
  readonly handler: LambdaHandler;
  readonly streamHandler: LambdaStreamHandler;
}

/**
 * @param current what answers requests now
 * @param flush sends what events have left to be sent
 */
export function createEventHandlers(
  options: Options,
  current: () => Omit<RequestSteps, 'options'>,
  flush: () => Promise<void>,
): LambdaHandlers {
  const { path: endpoint, lambda, timeouts, limits } = options;
  const paths = { endpoint, basePath: lambda.basePath };
  const corsHeaders = compileCorsHeaders(options);
  const addressOf = compileClientAddress(options.trustedProxies);
  const partsTypesFor = partsTypes();
  const idle = timeouts.request + timeouts.client;

  /** Begins the request of an event. @param sinkOf what answers it */
  function begin<Sink extends LambdaSink | LambdaStreamSink>(
    { head, body, address }: EventRequest,
    { id, left }: Invocation,
    sinkOf: (options: LambdaSinkOptions) => Sink,
  ): Sink {
    const { inFlight: requests, pipeline, reply, route } = current();
    const sink = sinkOf({ corsHeaders, reply, requests });
    // Then the log of Lambda and that of the gateway name a request alike.
    const named = isRequestId(id) ? { ...head, requestId: id } : head;
    const client = addressOf({ headers: head.headers, socket: { remoteAddress: address } });
    const timeout = Math.max(1, Math.min(timeouts.request, left - lambda.margin));
    const request = requests.begin(named, client, sink, performance.now(), timeout);
    sink.belongTo(request);
    route({ request, message: head }, () => {
      void receiveEvent(request, body, { pipeline, bodyLimit: limits.body });
    });
    return sink;
  }

  /** An event as a request, or the answer to one that is none. */
  function requestIn(event: unknown): EventRequest | ErrorAnswer {
    try {
      return readEvent(event, paths);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return errorAnswer(error);
    }
  }

  const flushBefore = (end: number): Promise<void> =>
    within(Math.min(lambda.flush, end - performance.now()), flush());

  const handler: LambdaHandler = async (event, context) => {
    const invocation = invocationIn(context);
    const request = requestIn(event);
    if ('status' in request)
      return lambdaAnswer(request.status, request.headers, Buffer.from(request.body), plain);
    const answered = await begin(request, invocation, (own) => new LambdaSink(request, own)).answered;
    await flushBefore(invocation.end);
    return answered;
  };

  const streamHandler: LambdaStreamHandler = async (event, stream, context) => {
    if (!takesStream(event)) {
      stream.setContentType('application/json');
      await writeWhole(stream, JSON.stringify(await handler(event, context)));
      return;
    }
    const invocation = invocationIn(context);
    const request = requestIn(event);
    if ('status' in request) {
      await writeWhole(stream, request.body, lambdaHead(request.status, request.headers, plain));
      return;
    }
    const end = invocation.end - performance.now();
    const eventsEnd = Math.min(invocation.left - lambda.margin, end - answerMilliseconds);
    const times = { heartbeat: partsHeartbeat, idle, eventsEnd, end };
    const sinkOf = (own: LambdaSinkOptions): LambdaStreamSink =>
      new LambdaStreamSink(stream, request, { ...own, ...times, partsTypesFor, longest: lambda.stream });
    // A runtime whose stream was closed waits for nothing more.
    if (await begin(request, invocation, sinkOf).ended) await flushBefore(invocation.end);
  };

  function writeWhole(stream: ResponseStream, body: string, head?: LambdaHead): Promise<void> {
    return new Promise((resolve) => {
      const answer = new AnswerStream(stream, idle, () => resolve());
      if (head !== undefined) answer.begin(head);
      void answer.writeWhole(Buffer.from(body));
    });
  }

  return { handler, streamHandler };
}

/** Of an answer to what is no request: all that send events take it. */
const plain: AnswerForm = { form: '2.0', hasLists: false };

/** The call of a function. */
interface Invocation {
  readonly id: string | undefined;
  /** Milliseconds that the function has. */
  readonly left: number;
  /** When all must be done, in milliseconds of `performance.now()`. */
  readonly end: number;
}

function invocationIn(context: unknown): Invocation {
  const { awsRequestId: id, getRemainingTimeInMillis } = Object(context) as Partial<InvocationContext>;
  const left = getRemainingTimeInMillis?.() ?? defaultMilliseconds;
  return { id, left, end: performance.now() + left - answerMilliseconds };
}

/** What Lambda hands over beside an event. */
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

/** Unpacks the body of a GET or a POST to the endpoint, and passes the request to the pipeline. */
export async function receiveEvent(
  request: IncomingRequest,
  sent: Buffer,
  { pipeline, bodyLimit }: { readonly pipeline: Pipeline; readonly bodyLimit: number },
): Promise<void> {
  const { method, headers } = request.head;
  if (method !== 'POST') {
    pipeline.admit(request, noBody);
    return;
  }
  const refusal = refuseByHeaders({ headers }, bodyLimit);
  const body = refusal ?? (await unpack(sent, encodingOf(headers), bodyLimit));
  if (Buffer.isBuffer(body)) pipeline.admit(request, body);
  else pipeline.refuse(request, body);
}

/** Stops as soon as the limit is exceeded. */
async function unpack(sent: Buffer, encoding: string, limit: number): Promise<Buffer | GraphQLError> {
  if (encoding === 'identity' || sent.length === 0) return sent;
  const unpacker = unpackers.get(encoding)!();
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    unpacker.end(sent);
    for await (const piece of unpacker as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > limit) return requestError('PAYLOAD_TOO_LARGE', { limit });
      pieces.push(piece);
    }
  } catch {
    return requestError('BAD_REQUEST', { reason: `The body is not valid ${encoding}.` });
  }
  return Buffer.concat(pieces);
}
