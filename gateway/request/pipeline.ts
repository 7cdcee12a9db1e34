/**
 * The steps of a request to the endpoint, from its headers to its answer; `docs/request-lifecycle.md` draws them. Each
 * step calls the next or ends with an answer, and one `Reply` writes all answers but small ones
 * from the cache, which are written in one piece (`cache/responses/prepared-answers.ts`).
 *
 * Before the response cache, steps are synchronous where they can be: a cache hit takes less time than a few promises.
 * Over 300 lines: the steps are read in the order in which they run.
 */
import type { HTTPGraphQLResponse } from '@apollo/server';
import type { GraphQLError } from 'graphql';
import type { Admit } from '../auth/authentication';
import type { Received } from '../auth/authenticator';
import { withTimeout } from '../auth/hook';
import type { IncomingRequest } from './incoming-request';
import type { AnswerHeaders } from '../cache/responses/answer-headers';
import { type CachedAnswers, requestKey } from '../cache/responses/cached-answers';
import { mediaTypes } from '../net/media-type';
import type { Answered } from '../cache/responses/response-cache';
import { requestError } from '../errors';
import { noBody } from '../http/body';
import { mediaTypeOfErrors, statusIn } from '../http/error-answer';
import type { ClientLimits } from '../limits/client-limits';
import type { Slots } from '../admission/slots';
import type { Rates } from '../admission/rates/rates';
import { isMap } from '../options/is-map';
import { follow } from '../subgraph-calls/contract/pending-answer';
import type { Flow } from '../subgraph-calls/contract/source';
import type { FormatError } from './answers/format-error';
import type { HookAnswer, Hooks } from './hooks';
import type { Learn } from './learn-operation';
import { onlyPart } from './answers/only-part';
import { parseBody, parseUrl, resumedAfter } from './parsed-request';
import { partBody } from './answers/part-body';
import { responseBody } from './answers/response-body';
import { noteCodes } from './answers/note-codes';
import { noteInvalidRequest } from './refusals/note-refused';
import { runBatch } from './run-batch';
import { isShutdown, type Reply } from './reply';
import type { RunOperation } from './run-operation';
import type { Answer, Part, Parts, Sink } from './sink';
import { endWith } from '../telemetry/traces/span';
import { WrittenParts } from './answers/written-parts';

/** A request with its whole body; that of a GET is empty. */
export interface Arrival {
  readonly request: IncomingRequest;
  readonly body: Buffer;
}

export interface PipelineOptions {
  /** The most bytes of a body. Checked here for connections that do not check it while the body arrives. */
  readonly bodyLimit: number;
  /** Whether there is a supergraph; until then the answer is 503. */
  readonly isReady: () => boolean;
  readonly slots: Pick<Slots, 'acquire' | 'release'>;
  /** Undefined when no mode of authentication is configured. */
  readonly admit: Admit | undefined;
  /** Undefined when no rate is configured. */
  readonly rates: Pick<Rates, 'refuse' | 'refuseBatch'> | undefined;
  readonly cachedAnswers: Pick<CachedAnswers, 'answer' | 'learn'>;
  readonly limits: Pick<ClientLimits, 'of'>;
  readonly runOperation: RunOperation;
  readonly learn: Learn;
  readonly answerHeaders: AnswerHeaders;
  readonly formatError: FormatError;
  readonly hooks: Hooks;
  readonly reply: Reply;
}

export interface Pipeline {
  /** Admits a request whose body has arrived. It takes a slot only now, so that unfinished bodies hold none. */
  admit(request: IncomingRequest, body: Buffer): void;
  /** Authenticates a request before its client sends the body: a refusal replaces `100 Continue`. */
  authenticateEarly(request: IncomingRequest, admitByHeaders: Admit, read: () => void): void;
  /** Authenticates the client of a connection that stays open. Its operations are requests of their own. */
  connect(request: IncomingRequest, received: Received, onConnected: () => void): void;
  /** Refuses a request: where there are too many, even a refusal waits for a slot. */
  refuse(request: IncomingRequest, error: GraphQLError): void;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { bodyLimit, isReady, slots, admit, rates, cachedAnswers } = options;
  const { limits, runOperation, learn, answerHeaders, formatError, hooks, reply } = options;
  const mediaTypeFor = mediaTypes();
  const writtenParts = new WrittenParts(formatError);
  /** Hooks must run first, so with hooks no request is answered by its bytes alone. */
  const isLookedUp = Object.values(hooks).every((hook) => hook === undefined);

  return {
    admit(request, body) {
      if (body.length > bodyLimit) {
        refuse(request, requestError('PAYLOAD_TOO_LARGE', { limit: bodyLimit }));
        return;
      }
      request.received = body.length;
      slots.acquire(request, () => authenticate({ request, body }));
    },
    authenticateEarly(request, admitByHeaders, read) {
      authenticateOnly(request, admitByHeaders, factsOf({ request, body: noBody }), read);
    },
    connect(request, received, onConnected) {
      if (admit === undefined) onConnected();
      else authenticateOnly(request, admit, received, onConnected);
    },
    refuse,
  };

  function refuse(request: IncomingRequest, error: GraphQLError): void {
    slots.acquire(request, () => reply.refuse(request, error));
  }

  /** Gives the slot back to a request that may go on: more of it is to come. */
  function authenticateOnly(
    request: IncomingRequest,
    admitRequest: Admit,
    received: Received,
    next: () => void,
  ): void {
    slots.acquire(request, () =>
      whenKnown(traced(request, admitRequest(request, received)), (isAdmitted) => {
        if (isAdmitted) {
          slots.release(request);
          next();
        } else reply.refuse(request, rates?.refuse(request) ?? request.refusal);
      }),
    );
  }

  function authenticate(arrival: Arrival): void {
    if (admit === undefined) count(arrival, true);
    else
      whenKnown(traced(arrival.request, admit(arrival.request, factsOf(arrival))), (isAdmitted) =>
        count(arrival, isAdmitted),
      );
  }

  function count(arrival: Arrival, isAdmitted: boolean): void {
    const { request } = arrival;
    const refusal = rates?.refuse(request) ?? (isAdmitted ? undefined : request.refusal);
    if (refusal !== undefined) reply.refuse(request, refusal);
    else if (!(isLookedUp && cachedAnswers.answer(arrival))) answer(arrival);
  }

  function answer(arrival: Arrival): void {
    const { request } = arrival;
    request.run(
      () => run(arrival),
      (sent) => send(request, sent),
      (error) => reply.refuse(request, error),
    );
  }

  function send(request: IncomingRequest, sent: Answer): void {
    try {
      reply.send(request, sent);
      if (request.operation?.type !== 'subscription') return;
      // It holds no slot: the limits of `subscriptions` bound it. It may move to another supergraph, or to other options.
      slots.release(request);
      request.letGo();
    } catch (error) {
      reply.refuse(request, error);
    }
  }

  /** Throws, or rejects, where the answer is an error. */
  function run(arrival: Arrival): Promise<Answer> {
    if (!isReady()) throw requestError('NO_SUPERGRAPH', {});
    if (hooks.onRequest === undefined) return runSent(arrival);
    return Promise.resolve(hooks.onRequest(arrival.request.shown)).then(() => runSent(arrival));
  }

  function runSent(arrival: Arrival): Promise<Answer> {
    const { request, body } = arrival;
    const { method, url } = request.head;
    const sent =
      method === 'POST' ? parseBody(body, request.proof?.withoutExtensions === true) : parseUrl(url);
    if (isList(sent)) return runSeveral(arrival, sent);
    const { accept, 'last-event-id': position } = request.head.headers;
    const type = mediaTypeFor(accept);
    const only = type === undefined ? onlyKindOf(request.sink) : undefined;
    const answered = runOperation.one(
      arrival,
      position === undefined ? sent : resumedAfter(position, sent),
      type !== undefined || only !== undefined,
    );
    return follow(answered, { arrival, type, only }, answerWith, undefined);
  }

  function answerWith(
    answered: Answered | Flow<Answered> | HTTPGraphQLResponse,
    { arrival, type, only }: Asked,
  ): Answer | Promise<Answer> {
    if ('forEach' in answered) return inParts(arrival, answered);
    if (!('data' in answered)) return apolloAnswer(arrival.request, answered, reply.jsonStatus);
    const answer = (body: Buffer): Answer =>
      only === undefined
        ? answerOf(arrival, answered, type!, body)
        : { ...streamed, body: onlyPart(body, { kind: only, release: answered.release }) };
    const written = write(arrival.request, answered);
    return written instanceof Promise ? written.then(answer) : answer(written);
  }

  /** Sends answers as they come. A failure is reported in the last one. */
  function inParts({ request }: Arrival, answers: Flow<Answered>): Answer {
    let isClosed = false;
    const close = (): void => {
      isClosed = true;
      answers.close();
    };
    request.onEnd(close);
    const kind = request.operation?.type === 'subscription' ? 'events' : 'increments';
    const forEach: Parts['forEach'] = async (take) => {
      try {
        await answers.forEach((answered) => {
          const part = writePart(request, answered);
          if (!(part instanceof Promise)) return take(part);
          return part.then((written) => (isClosed ? undefined : take(written)));
        });
      } catch (error) {
        close();
        const ending = isShutdown(error) ? 'shutdown' : 'failed';
        await take({ body: Buffer.from(reply.answerTo(request, error).body), ending });
      }
    };
    return { ...streamed, body: { kind, forEach, close } };
  }

  function answerOf(arrival: Arrival, answered: Answered, type: string, body: Buffer): Answer {
    const { cachedReply, release } = answered;
    // `onAnswer` may have changed the answer, so caches between gateway and client must not store it.
    if (cachedReply === undefined || hooks.onAnswer !== undefined || arrival.request.isForOneClient)
      return plainAnswer(200, type, body, release);
    if (body === cachedReply.answer.body) {
      cachedAnswers.learn(requestKey(arrival), cachedReply, arrival.request);
      return answerHeaders.reply(arrival.request.head, type, cachedReply);
    }
    const length = String(body.length);
    const headers = [...answerHeaders.describe(cachedReply), 'content-type', type, 'content-length', length];
    return { status: 200, headers, body };
  }

  function write(request: IncomingRequest, answered: Answered): Buffer | Promise<Buffer> {
    const body = responseBody(answered, formatError, request);
    return hooks.onAnswer === undefined ? body : shownToHook(request, body);
  }

  function writePart(request: IncomingRequest, answered: Answered): Part | Promise<Part> {
    const { part, format, extensions } = answered;
    const written =
      part === undefined
        ? writtenParts.write(answered, request)
        : { body: partBody({ ...answered, part }, { format: format!, formatError, request, extensions }) };
    if (hooks.onAnswer === undefined) return written;
    // Parts come after the time of the request.
    const { timeout } = request;
    const late = requestError('GATEWAY_TIMEOUT', { timeout });
    const shown = withTimeout(timeout, () => shownToHook(request, written.body), late);
    return shown.then((body) => ({ ...written, body }));
  }

  async function shownToHook(request: IncomingRequest, body: Buffer): Promise<Buffer> {
    const answer: unknown = await hooks.onAnswer!(request.shown, JSON.parse(body.toString()) as HookAnswer);
    if (answer === undefined) return body;
    if (!isMap(answer)) throw new TypeError('`onAnswer` must return an answer or nothing.');
    return Buffer.from(JSON.stringify(answer));
  }

  /** A batch is always `no-store`: it has no cache policy of its own. */
  async function runSeveral(arrival: Arrival, sent: readonly unknown[]): Promise<Answer> {
    const { request } = arrival;
    const limited = rates?.refuseBatch(request, sent.length);
    if (limited !== undefined) throw limited;
    const limit = limits.of(request.identity).batch;
    if (limit === 1) throw requestError('BAD_REQUEST', { reason: 'Batches of operations are not accepted.' });
    if (sent.length > limit) throw requestError('MAX_BATCH_LIMIT', { got: sent.length, limit });
    if (request.sink.refusesInEvents)
      throw requestError('BAD_REQUEST', { reason: 'A batch is not answered as an event stream.' });
    const { accept } = request.head.headers;
    const type = mediaTypeFor(accept);
    const isAcceptable = type !== undefined;
    const answered = await runBatch(arrival, sent, { runOperation, learn, isAcceptable, reply, write });
    if ('told' in answered) return apolloAnswer(request, answered.told, reply.jsonStatus);
    const { status } = answered;
    const { headers, body } = plainAnswer(
      status,
      isAcceptable && status < 400 ? type : mediaTypeOfErrors(status, accept),
      answered.body,
    );
    return { status, headers: [...answered.headers, ...headers], body };
  }
}

/** A request to be answered, and how. */
interface Asked {
  readonly arrival: Arrival;
  /** The media type of an answer that is whole; undefined if its client takes none. */
  readonly type: string | undefined;
  /** How an answer that is whole goes to such a client; undefined for others. */
  readonly only: Parts['kind'] | undefined;
}

/** Records the wait for an authentication: a call of an authoriser, or the keys of an issuer. */
const traced = <Value>({ span }: IncomingRequest, admitted: Value | Promise<Value>): Value | Promise<Value> =>
  span !== undefined && admitted instanceof Promise
    ? endWith(span.child('weir.authenticate'), admitted)
    : admitted;

/** Continues synchronously if it can. */
function whenKnown<Value>(value: Value | Promise<Value>, next: (value: Value) => void): void {
  if (value instanceof Promise) void value.then(next);
  else next(value);
}

function factsOf({ request: { id: requestId, head }, body }: Arrival): Received {
  const { method, url, headers } = head;
  return { requestId, method, url, headers, body };
}

const plainAnswer = (status: number, type: string, body: Buffer, release?: Answer['release']) => ({
  status,
  headers: ['cache-control', 'no-store', 'content-type', type, 'content-length', String(body.length)],
  body,
  release,
});

/** Caches keep no answer in parts, and proxies do not pack it: they would wait for more of it. */
const streamed = { status: 200, headers: ['cache-control', 'no-store, no-transform'] } as const;

/** How an answer that is whole goes to a client that takes parts alone; undefined if it cannot. */
function onlyKindOf({ takesEvents, incremental }: Sink): Parts['kind'] | undefined {
  if (takesEvents) return 'events';
  return incremental === undefined ? undefined : 'increments';
}

/** The code of the first error of an answer. */
function firstCodeOf(answer: unknown): unknown {
  const { errors } = answer as {
    readonly errors?: readonly { readonly extensions?: { readonly code?: unknown } }[];
  };
  return errors?.[0]?.extensions?.code;
}

/** The answer of Apollo Server, for an operation that it refuses. */
function apolloAnswer(
  request: IncomingRequest,
  response: HTTPGraphQLResponse,
  jsonStatus: 200 | 400,
): Answer {
  const { headers, body } = response;
  let { status = 200 } = response;
  if (body.kind !== 'complete')
    throw new Error('Apollo Server has answered in parts, which it is never asked to.');
  // A plugin may have answered with something else, such as an HTML page.
  const mediaType = headers.get('content-type') ?? '';
  if (mediaType.includes('json')) {
    const parsed: unknown = JSON.parse(body.string);
    status = statusIn(mediaType, status, firstCodeOf(parsed), jsonStatus);
    noteCodes(request, parsed);
    noteInvalidRequest(request, parsed);
  }
  if (request.sink.refusesInEvents)
    return { ...streamed, body: onlyPart(Buffer.from(body.string), { kind: 'events', ending: 'failed' }) };
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  headers.set('content-length', String(Buffer.byteLength(body.string)));
  return { status, headers: [...headers].flat(), body: body.string };
}

const isList = (sent: unknown): sent is readonly unknown[] => Array.isArray(sent);
