/** Makes the answers to requests of what operations have answered. */
import type { HTTPGraphQLResponse } from '@apollo/server';
import { withTimeout } from '../../net/time-limit';
import type { AnswerHeaders } from '../../cache/responses/answer-headers';
import { type CachedAnswers, requestKey } from '../../cache/responses/cached-answers';
import type { OperationResult } from '../../cache/responses/response-cache';
import { requestError } from '../../errors';
import { statusIn } from '../../http/error-answer';
import { isMap } from '../../options/is-map';
import type { Flow } from '../../subgraph-calls/contract/source';
import type { HookAnswer, Hooks } from '../hooks';
import type { IncomingRequest } from '../incoming-request';
import type { Arrival } from '../pipeline';
import { noteInvalidRequest } from '../refusals/note-refused';
import { isShutdown, type Reply } from '../reply';
import type { ShownError } from '../reported-errors';
import type { ClientAnswer, ResponsePart, ResponseParts } from '../sink';
import type { FormatError } from './format-error';
import { onlyPart } from './only-part';
import { partBody } from './part-body';
import { noteErrors, responseBody } from './response-body';

export interface AnswerWriterOptions {
  readonly cachedAnswers: Pick<CachedAnswers, 'learn'>;
  readonly answerHeaders: AnswerHeaders;
  readonly formatError: FormatError;
  readonly hooks: Pick<Hooks, 'onAnswer'>;
  readonly reply: Reply;
}

export interface AnswerRequest {
  readonly arrival: Arrival;
  /** The media type of an answer that is whole; undefined if its client takes none. */
  readonly type: string | undefined;
  /** How an answer that is whole goes to such a client; undefined for others. */
  readonly only: ResponseParts['kind'] | undefined;
}

export class AnswerWriter {
  readonly #options: AnswerWriterOptions;
  /** Parts that several clients are given are written once, and all get the same bytes. */
  readonly #parts = new WeakMap<OperationResult, WrittenPart>();

  constructor(options: AnswerWriterOptions) {
    this.#options = options;
  }

  /** A field, as it is called without its object. */
  readonly answerWith = (
    answered: OperationResult | Flow<OperationResult> | HTTPGraphQLResponse,
    { arrival, type, only }: AnswerRequest,
  ): ClientAnswer | Promise<ClientAnswer> => {
    if ('forEach' in answered) return this.#inParts(arrival, answered);
    if (!('data' in answered)) return apolloAnswer(arrival.request, answered, this.#options.reply.jsonStatus);
    const answer = (body: Buffer): ClientAnswer => {
      arrival.request.keepAnswer?.(body);
      return only === undefined
        ? this.#answerOf(arrival, answered, type!, body)
        : { ...streamed, body: onlyPart(body, { kind: only, release: answered.release }) };
    };
    const written = this.write(arrival.request, answered);
    return written instanceof Promise ? written.then(answer) : answer(written);
  };

  readonly write = (request: IncomingRequest, answered: OperationResult): Buffer | Promise<Buffer> => {
    const { formatError, hooks } = this.#options;
    const body = responseBody(answered, formatError, request);
    return hooks.onAnswer === undefined ? body : this.#shownToHook(request, body);
  };

  /** Sends answers as they come. A failure is reported in the last one. */
  #inParts({ request }: Arrival, answers: Flow<OperationResult>): ClientAnswer {
    let isClosed = false;
    const close = (): void => {
      isClosed = true;
      answers.close();
    };
    request.onEnd(close);
    const kind = request.operation?.type === 'subscription' ? 'events' : 'increments';
    const forEach: ResponseParts['forEach'] = async (take) => {
      try {
        await answers.forEach((answered) => {
          const part = this.#writePart(request, answered);
          if (!(part instanceof Promise)) return take(part);
          return part.then((written) => (isClosed ? undefined : take(written)));
        });
      } catch (error) {
        close();
        const ending = isShutdown(error) ? 'shutdown' : 'failed';
        await take({ body: Buffer.from(this.#options.reply.answerTo(request, error).body), ending });
      }
    };
    return { ...streamed, body: { kind, forEach, close } };
  }

  #answerOf(arrival: Arrival, answered: OperationResult, type: string, body: Buffer): ClientAnswer {
    const { answerHeaders, cachedAnswers, hooks } = this.#options;
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

  #writePart(request: IncomingRequest, answered: OperationResult): ResponsePart | Promise<ResponsePart> {
    const { formatError, hooks } = this.#options;
    const { part, format, extensions } = answered;
    const written =
      part === undefined
        ? this.#eventPart(request, answered)
        : { body: partBody({ ...answered, part }, { format: format!, formatError, request, extensions }) };
    if (hooks.onAnswer === undefined) return written;
    // Parts come after the time of the request.
    const { timeout } = request;
    const late = (): Error => requestError('GATEWAY_TIMEOUT', { timeout });
    const shown = withTimeout(timeout, () => this.#shownToHook(request, written.body), late);
    return shown.then((body) => ({ ...written, body }));
  }

  #eventPart(request: IncomingRequest, answered: OperationResult): ResponsePart {
    let written = this.#parts.get(answered);
    if (written === undefined) {
      const errors: ShownError[] = [];
      const notes = { noteError: (error: ShownError) => void errors.push(error) };
      const body = responseBody(withPosition(answered), this.#options.formatError, notes);
      this.#parts.set(answered, (written = { part: { body, cursor: answered.cursor }, errors }));
    }
    for (const error of written.errors) request.noteError(error);
    return written.part;
  }

  async #shownToHook(request: IncomingRequest, body: Buffer): Promise<Buffer> {
    const seen = JSON.parse(body.toString()) as HookAnswer;
    const answer: unknown = await this.#options.hooks.onAnswer!(request.shown, seen);
    if (answer === undefined) return body;
    if (!isMap(answer)) throw new TypeError('`onAnswer` must return an answer or nothing.');
    return Buffer.from(JSON.stringify(answer));
  }
}

interface WrittenPart {
  readonly part: ResponsePart;
  readonly errors: readonly ShownError[];
}

/** With `extensions.weir.cursor`, and `extensions.weir.gap` where events may be missing or may come twice before it. */
function withPosition(answered: OperationResult): OperationResult {
  const { cursor, isAfterGap = false, extensions = {} } = answered;
  if (cursor === undefined && !isAfterGap) return answered;
  const weir = {
    ...(extensions['weir'] as object | undefined),
    ...(cursor !== undefined && { cursor }),
    ...(isAfterGap && { gap: true }),
  };
  return { ...answered, extensions: { ...extensions, weir } };
}

export const plainAnswer = (
  status: number,
  type: string,
  body: Buffer,
  release?: ClientAnswer['release'],
) => ({
  status,
  headers: ['cache-control', 'no-store', 'content-type', type, 'content-length', String(body.length)],
  body,
  release,
});

/** Caches keep no answer in parts, and proxies do not pack it: they would wait for more of it. */
const streamed = { status: 200, headers: ['cache-control', 'no-store, no-transform'] } as const;

function firstCodeOf(answer: unknown): unknown {
  const { errors } = answer as {
    readonly errors?: readonly { readonly extensions?: { readonly code?: unknown } }[];
  };
  return errors?.[0]?.extensions?.code;
}

/** The answer of Apollo Server, for an operation that it refuses. */
export function apolloAnswer(
  request: IncomingRequest,
  response: HTTPGraphQLResponse,
  jsonStatus: 200 | 400,
): ClientAnswer {
  const { headers, body } = response;
  let { status = 200 } = response;
  if (body.kind !== 'complete')
    throw new Error('Apollo Server has answered in parts, which no request to it allows.');
  // A plugin may have answered with something else, such as an HTML page.
  const mediaType = headers.get('content-type') ?? '';
  if (mediaType.includes('json')) {
    const parsed: unknown = JSON.parse(body.string);
    status = statusIn(mediaType, status, firstCodeOf(parsed), jsonStatus);
    noteErrors(request, parsed);
    noteInvalidRequest(request, parsed);
  }
  if (request.sink.refusesInEvents)
    return { ...streamed, body: onlyPart(Buffer.from(body.string), { kind: 'events', ending: 'failed' }) };
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  headers.set('content-length', String(Buffer.byteLength(body.string)));
  return { status, headers: [...headers].flat(), body: body.string };
}
