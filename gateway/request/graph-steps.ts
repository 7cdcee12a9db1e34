/**
 * The steps of a request within one graph, from the look-up of its answer to the answer. See `pipeline.ts`.
 */
import type { CachedAnswers } from '../cache/responses/cached-answers';
import { requestError } from '../errors';
import { mediaTypeOfErrors } from '../http/error-answer';
import type { ClientLimits } from '../limits/client-limits';
import type { Slots } from '../admission/slots';
import type { Rates } from '../admission/rates/rates';
import { mediaTypes } from '../net/media-type';
import { follow } from '../subgraph-calls/contract/pending-answer';
import { AnswerWriter, type AnswerWriterOptions, apolloAnswer, plainAnswer } from './answers/answer-writer';
import type { Hooks } from './hooks';
import type { IncomingRequest } from './incoming-request';
import type { Learn } from './learn-operation';
import { parseBody, parseUrl, resumedAfter, type SentOperation } from './parsed-request';
import type { Arrival } from './pipeline';
import { RepeatedBodies } from './repeated-bodies';
import { runBatch } from './run-batch';
import type { RunOperation } from './run-operation';
import type { ClientAnswer, ResponseParts, Sink } from './sink';

export interface GraphStepsOptions extends AnswerWriterOptions {
  /** Whether there is a supergraph; until then the answer is 503. */
  readonly isReady: () => boolean;
  readonly slots: Pick<Slots, 'release'>;
  readonly rates: Pick<Rates, 'refuseBatch'> | undefined;
  readonly cachedAnswers: Pick<CachedAnswers, 'answer' | 'learn'>;
  readonly limits: Pick<ClientLimits, 'of'>;
  readonly runOperation: RunOperation;
  readonly learn: Learn;
  readonly hooks: Hooks;
  /** Whether nobody but the gateway sees what a body holds, so that equal ones are parsed once. */
  readonly sharesBodies: boolean;
}

export class GraphSteps {
  readonly #options: GraphStepsOptions;
  readonly #writer: AnswerWriter;
  readonly #mediaTypeFor = mediaTypes();
  readonly #bodies: RepeatedBodies | undefined;
  /** Hooks must run first, so with hooks no request is answered by its bytes alone. */
  readonly #isLookedUp: boolean;

  constructor(options: GraphStepsOptions) {
    this.#options = options;
    this.#writer = new AnswerWriter(options);
    this.#isLookedUp = Object.values(options.hooks).every((hook) => hook === undefined);
    this.#bodies = options.sharesBodies && this.#isLookedUp ? new RepeatedBodies() : undefined;
  }

  /** Answers a request that is let in. */
  answer(arrival: Arrival): void {
    if (this.#isLookedUp && this.#options.cachedAnswers.answer(arrival)) return;
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
    const { request } = arrival;
    const { method, url } = request.head;
    const sent = method === 'POST' ? this.#parse(arrival) : parseUrl(url);
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

  #parse({ request, body }: Arrival): SentOperation | readonly unknown[] {
    const withoutExtensions = request.proof?.withoutExtensions === true;
    return this.#bodies === undefined || withoutExtensions
      ? parseBody(body, withoutExtensions)
      : this.#bodies.parse(body);
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

/** How an answer that is whole goes to a client that takes parts alone; undefined if it cannot. */
function onlyKindOf({ events, incremental }: Sink): ResponseParts['kind'] | undefined {
  if (events !== undefined) return 'events';
  return incremental === undefined ? undefined : 'increments';
}

const isList = (sent: unknown): sent is readonly unknown[] => Array.isArray(sent);
