import { requestError } from '../errors';
import type { CorsHeaders } from '../http/http-sink';
import type { IncomingRequest } from '../request/incoming-request';
import type { Reply } from '../request/reply';
import type { RequestsInFlight } from '../request/requests-in-flight';
import type { ClientAnswer, Sink } from '../request/sink';
import { type AnswerForm, lambdaAnswer, type LambdaAnswer, lengthOf, longestAnswer } from './lambda-answer';

export interface LambdaSinkOptions {
  readonly corsHeaders: CorsHeaders;
  readonly reply: Pick<Reply, 'answerTo'>;
  readonly requests: Pick<RequestsInFlight, 'end'>;
}

/** Answers an event of AWS Lambda in one piece. */
export class LambdaSink implements Sink {
  isAnswered = false;
  readonly carriesParts = false;
  readonly events = undefined;
  readonly takesGaps = false;
  readonly incremental = undefined;
  readonly refusesInEvents = false;
  readonly upload = undefined;
  readonly download = undefined;
  readonly messages = undefined;
  /** Resolves with the answer when it is known. */
  readonly answered: Promise<LambdaAnswer>;
  readonly #form: AnswerForm;
  readonly #options: LambdaSinkOptions;
  #request: IncomingRequest | undefined;
  #resolve!: (answer: LambdaAnswer) => void;

  constructor(form: AnswerForm, options: LambdaSinkOptions) {
    this.#form = form;
    this.#options = options;
    this.answered = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Sets whose answer goes here. To be called once, before anything else. */
  belongTo(request: IncomingRequest): void {
    this.#request = request;
  }

  answer({ status, headers, body, release }: ClientAnswer): void {
    this.isAnswered = true;
    const answer = this.#write(status, headers, bytesOf(body));
    release?.();
    this.#resolve(answer);
    this.#options.requests.end(this.#request!, answer.statusCode);
  }

  #write(status: number, headers: readonly string[], body: Buffer): LambdaAnswer {
    const { corsHeaders, reply } = this.#options;
    const { head } = this.#request!;
    const write = (code: number, own: readonly string[], bytes: Buffer): LambdaAnswer => {
      const all = [...corsHeaders(head.headers.origin), ...own];
      return lambdaAnswer(code, all, head.method === 'HEAD' ? bytesOf(undefined) : bytes, this.#form);
    };
    const answer = write(status, headers, body);
    const limit = longestAnswer[this.#form.form];
    // In JSON a byte of an answer takes at most two: no answer has control characters but line breaks.
    if (body.length < limit / 3) return answer;
    const got = lengthOf(answer);
    if (got <= limit) return answer;
    const refusal = requestError('RESPONSE_TOO_LARGE', { got, limit });
    const { status: code, headers: own, body: text } = reply.answerTo(this.#request!, refusal);
    return write(code, [...this.#request!.ownHeaders, ...own], Buffer.from(text));
  }
}

/** A body that is whole. */
export function bytesOf(body: ClientAnswer['body']): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (Buffer.isBuffer(body)) return body;
  throw new TypeError('The answer comes in parts.');
}
