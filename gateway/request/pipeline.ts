/**
 * The steps of a request to the endpoint, from its headers to its answer; `docs/request-lifecycle.md` draws them. Each
 * step calls the next or ends with an answer, and one `Reply` writes all answers but small ones
 * from the cache, which are written in one piece (`cache/responses/prepared-answers.ts`).
 *
 * Before the response cache, steps are synchronous where they can be: a cache hit takes less time than a few promises.
 */
import type { GraphQLError } from 'graphql';
import type { Admit } from '../auth/authentication';
import type { AuthRequest } from '../auth/authenticator';
import type { IncomingRequest } from './incoming-request';
import type { CachedAnswers } from '../cache/responses/cached-answers';
import { mediaTypes } from '../net/media-type';
import { requestError } from '../errors';
import { noBody } from '../http/body';
import { mediaTypeOfErrors } from '../http/error-answer';
import type { ClientLimits } from '../limits/client-limits';
import type { Slots } from '../admission/slots';
import type { Rates } from '../admission/rates/rates';
import { follow } from '../subgraph-calls/contract/pending-answer';
import { AnswerWriter, type AnswerWriterOptions, apolloAnswer, plainAnswer } from './answers/answer-writer';
import type { Hooks } from './hooks';
import type { Learn } from './learn-operation';
import { parseBody, parseUrl, resumedAfter } from './parsed-request';
import { runBatch } from './run-batch';
import type { RunOperation } from './run-operation';
import type { ClientAnswer, ResponseParts, Sink } from './sink';
import { endWith } from '../telemetry/traces/span';

/** A request with its whole body; that of a GET is empty. */
export interface Arrival {
  readonly request: IncomingRequest;
  readonly body: Buffer;
}

/** Chooses requests whose answers are used once more when their clients have them. */
export interface AnswerSampling {
  /** Called for each request that is let in. Gives those that are chosen their `keepAnswer`. */
  begin(arrival: Arrival): void;
}

export interface PipelineOptions extends AnswerWriterOptions {
  /** The most bytes of a body. Checked here for connections that do not check it while the body arrives. */
  readonly bodyLimit: number;
  /** Whether there is a supergraph; until then the answer is 503. */
  readonly isReady: () => boolean;
  readonly slots: Pick<Slots, 'acquire' | 'release'>;
  /** Undefined when no mode of authentication is configured. */
  readonly admit: Admit | undefined;
  readonly rates: Pick<Rates, 'refuse' | 'refuseBatch'> | undefined;
  readonly cachedAnswers: Pick<CachedAnswers, 'answer' | 'learn'>;
  readonly limits: Pick<ClientLimits, 'of'>;
  readonly runOperation: RunOperation;
  readonly learn: Learn;
  readonly hooks: Hooks;
  readonly sampling: AnswerSampling | undefined;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #writer: AnswerWriter;
  readonly #mediaTypeFor = mediaTypes();
  /** Hooks must run first, so with hooks no request is answered by its bytes alone. */
  readonly #isLookedUp: boolean;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#writer = new AnswerWriter(options);
    this.#isLookedUp = Object.values(options.hooks).every((hook) => hook === undefined);
  }

  /** Admits a request whose body has arrived. It takes a slot only now, so that unfinished bodies hold none. */
  admit(request: IncomingRequest, body: Buffer): void {
    const { bodyLimit, slots } = this.#options;
    if (body.length > bodyLimit) {
      this.refuse(request, requestError('PAYLOAD_TOO_LARGE', { limit: bodyLimit }));
      return;
    }
    request.received = body.length;
    slots.acquire(request, () => this.#authenticate({ request, body }));
  }

  /** Authenticates a request before its client sends the body: a refusal replaces `100 Continue`. */
  authenticateEarly(request: IncomingRequest, admitByHeaders: Admit, read: () => void): void {
    this.#authenticateOnly(request, admitByHeaders, factsOf({ request, body: noBody }), read);
  }

  /** Authenticates the client of a connection that stays open. Its operations are requests of their own. */
  connect(request: IncomingRequest, received: AuthRequest, onConnected: () => void): void {
    const { admit } = this.#options;
    if (admit === undefined) onConnected();
    else this.#authenticateOnly(request, admit, received, onConnected);
  }

  /** Refuses a request: where there are too many, even a refusal waits for a slot. */
  refuse(request: IncomingRequest, error: GraphQLError): void {
    const { reply, slots } = this.#options;
    slots.acquire(request, () => reply.refuse(request, error));
  }

  /** Gives the slot back to a request that may go on: more of it is to come. */
  #authenticateOnly(
    request: IncomingRequest,
    admitRequest: Admit,
    received: AuthRequest,
    next: () => void,
  ): void {
    const { rates, reply, slots } = this.#options;
    slots.acquire(request, () =>
      whenKnown(traced(request, admitRequest(request, received)), (isAdmitted) => {
        if (isAdmitted) {
          slots.release(request);
          next();
        } else reply.refuse(request, rates?.refuse(request) ?? request.refusal);
      }),
    );
  }

  #authenticate(arrival: Arrival): void {
    const { admit } = this.#options;
    if (admit === undefined) this.#count(arrival, true);
    else
      whenKnown(traced(arrival.request, admit(arrival.request, factsOf(arrival))), (isAdmitted) =>
        this.#count(arrival, isAdmitted),
      );
  }

  #count(arrival: Arrival, isAdmitted: boolean): void {
    const { request } = arrival;
    const { cachedAnswers, rates, reply, sampling } = this.#options;
    const refusal = rates?.refuse(request) ?? (isAdmitted ? undefined : request.refusal);
    if (refusal !== undefined) {
      reply.refuse(request, refusal);
      return;
    }
    sampling?.begin(arrival);
    if (!(this.#isLookedUp && cachedAnswers.answer(arrival))) this.#answer(arrival);
  }

  #answer(arrival: Arrival): void {
    const { request } = arrival;
    request.run(
      () => this.#run(arrival),
      (sent) => this.#send(request, sent),
      (error) => this.#options.reply.refuse(request, error),
    );
  }

  #send(request: IncomingRequest, sent: ClientAnswer): void {
    const { reply, slots } = this.#options;
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
  #run(arrival: Arrival): Promise<ClientAnswer> {
    const { hooks, isReady } = this.#options;
    if (!isReady()) throw requestError('NO_SUPERGRAPH', {});
    if (hooks.onRequest === undefined) return this.#runSent(arrival);
    return Promise.resolve(hooks.onRequest(arrival.request.shown)).then(() => this.#runSent(arrival));
  }

  #runSent(arrival: Arrival): Promise<ClientAnswer> {
    const { request, body } = arrival;
    const { method, url } = request.head;
    const sent =
      method === 'POST' ? parseBody(body, request.proof?.withoutExtensions === true) : parseUrl(url);
    if (isList(sent)) return this.#runSeveral(arrival, sent);
    const { accept, 'last-event-id': position } = request.head.headers;
    const type = this.#mediaTypeFor(accept);
    const only = type === undefined ? onlyKindOf(request.sink) : undefined;
    const answered = this.#options.runOperation.one(
      arrival,
      position === undefined ? sent : resumedAfter(position, sent),
      type !== undefined || only !== undefined,
    );
    return follow(answered, { arrival, type, only }, this.#writer.answerWith, undefined);
  }

  /** A batch is always `no-store`: it has no cache policy of its own. */
  async #runSeveral(arrival: Arrival, sent: readonly unknown[]): Promise<ClientAnswer> {
    const { request } = arrival;
    const { learn, limits, rates, reply, runOperation } = this.#options;
    const limited = rates?.refuseBatch(request, sent.length);
    if (limited !== undefined) throw limited;
    const limit = limits.of(request.identity).batch;
    if (limit === 1) throw requestError('BAD_REQUEST', { reason: 'Batches of operations are not accepted.' });
    if (sent.length > limit) throw requestError('MAX_BATCH_LIMIT', { got: sent.length, limit });
    if (request.sink.refusesInEvents)
      throw requestError('BAD_REQUEST', { reason: 'A batch is not answered as an event stream.' });
    const { accept } = request.head.headers;
    const type = this.#mediaTypeFor(accept);
    const isAcceptable = type !== undefined;
    const { write } = this.#writer;
    const answered = await runBatch(arrival, sent, { runOperation, learn, isAcceptable, reply, write });
    if ('refusal' in answered) return apolloAnswer(request, answered.refusal, reply.jsonStatus);
    const { status } = answered;
    const { headers, body } = plainAnswer(
      status,
      isAcceptable && status < 400 ? type : mediaTypeOfErrors(status, accept),
      answered.body,
    );
    return { status, headers: [...answered.headers, ...headers], body };
  }
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

function factsOf({ request: { id: requestId, head }, body }: Arrival): AuthRequest {
  const { method, url, headers } = head;
  return { requestId, method, url, headers, body };
}

/** How an answer that is whole goes to a client that takes parts alone; undefined if it cannot. */
function onlyKindOf({ events, incremental }: Sink): ResponseParts['kind'] | undefined {
  if (events !== undefined) return 'events';
  return incremental === undefined ? undefined : 'increments';
}

const isList = (sent: unknown): sent is readonly unknown[] => Array.isArray(sent);
