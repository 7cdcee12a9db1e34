import type { IncomingRequest } from '../../request/incoming-request';
import type { AnswerHeaders } from './answer-headers';
import { PreparedMessage } from '../../http/prepared-message';
import type { Encoding, SentBody } from './packed-bodies';
import type { StoredAnswer } from './stored-answer';
import { keepAliveTimeout } from '../../http/whole-messages';

export interface PreparedAnswersOptions {
  readonly answerHeaders: AnswerHeaders;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** What the bytes of a message depend on, in addition to the answer. */
interface SentForm {
  readonly encoding: Encoding | undefined;
  readonly type: string;
  /** One array for each origin that the options list. */
  readonly corsHeaders: readonly string[];
}

interface PreparedForm extends SentForm {
  readonly message: PreparedMessage;
}

/** Sends cached answers as prepared messages: letting Node write a dozen headers doubles the time of a hit. */
export class PreparedAnswers {
  readonly #answerHeaders: AnswerHeaders;
  readonly #now: () => number;
  #known = new WeakMap<StoredAnswer, PreparedForm[]>();
  /** Bytes of the messages that were prepared since all of them were last dropped. */
  #size = 0;

  constructor({ answerHeaders, now = Date.now }: PreparedAnswersOptions) {
    this.#answerHeaders = answerHeaders;
    this.#now = now;
  }

  /** Sends a hit. Returns false if it cannot be, or is better not, sent as a prepared message. */
  send(
    {
      ownHeaders,
      head: { headers },
      sink: { messages },
    }: Pick<IncomingRequest, 'ownHeaders' | 'head' | 'sink'>,
    answer: StoredAnswer,
    type: string,
  ): boolean {
    if (messages === undefined || answer.body.length > longestBody) return false;
    if (headers['if-none-match'] !== undefined) return false;
    const sent = this.#answerHeaders.bodyFor(headers['accept-encoding'], answer);
    const now = this.#now();
    const age = this.#answerHeaders.ageOf(answer, now);
    const form = { encoding: sent.encoding, type, corsHeaders: messages.corsHeaders };
    const prepared = this.#find(answer, form) ?? this.#prepare(answer, sent, form, age, now);
    const bytes = prepared?.message.write(firstLines(ownHeaders), age, now);
    if (bytes === undefined) {
      this.#known.delete(answer);
      return false;
    }
    // A message that is still being sent must not be changed.
    if (!messages.sendMessage(200, bytes)) this.#known.delete(answer);
    return true;
  }

  #find(answer: StoredAnswer, { encoding, type, corsHeaders }: SentForm): PreparedForm | undefined {
    const known = this.#known.get(answer);
    if (known === undefined) return undefined;
    for (const each of known)
      if (each.encoding === encoding && each.type === type && each.corsHeaders === corsHeaders) return each;
    return undefined;
  }

  #prepare(
    answer: StoredAnswer,
    sent: SentBody,
    form: SentForm,
    age: number,
    now: number,
  ): PreparedForm | undefined {
    const known = this.#known.get(answer) ?? [];
    if (known.length >= mostForms) return undefined;
    const headers = this.#answerHeaders.prepare(answer, sent, form.type);
    const lines = [...form.corsHeaders, ...headers, ...ofConnection];
    const message = new PreparedMessage(lines, sent.bytes, age, now);
    this.#size += message.size;
    if (this.#size > mostBytes) {
      this.#known = new WeakMap();
      this.#size = message.size;
    }
    const prepared = { ...form, message };
    this.#known.set(answer, [...known, prepared]);
    return prepared;
  }
}

/** Bytes. A longer answer is not worth a copy in memory, as its head is the smaller part of the work. */
const longestBody = 64 * 1024;
/** Prepared messages of one answer: they differ in encoding, media type and origin. */
const mostForms = 8;
/** 32 MiB. */
const mostBytes = 32 * 1024 * 1024;

/** The connection headers as Node writes them. */
const ofConnection = ['connection', 'keep-alive', 'keep-alive', `timeout=${keepAliveTimeout / 1000}`];

/** The headers of this request alone. */
function firstLines(ownHeaders: readonly string[]): string {
  let lines = 'HTTP/1.1 200 OK\r\n';
  for (let i = 0; i < ownHeaders.length; i += 2) lines += `${ownHeaders[i]}: ${ownHeaders[i + 1]}\r\n`;
  return lines;
}
