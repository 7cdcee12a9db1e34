import { requestError } from '../errors';
import type { ErrorAnswer } from '../http/error-answer';
import type { PartsTypes, PartsTypesFor } from '../http/parts-types';
import { partsHeaders, writeParts } from '../http/write-parts';
import type { IncomingRequest } from '../request/incoming-request';
import type {
  ClientAnswer,
  Download,
  EventsProtocol,
  IncrementalFormat,
  ResponseParts,
  Sink,
} from '../request/sink';
import { AnswerStream } from './answer-stream';
import { type AnswerForm, lambdaHead } from './lambda-answer';
import { bytesOf, type LambdaSinkOptions } from './lambda-sink';
import type { ResponseStream } from './response-stream';

export interface LambdaStreamSinkOptions extends LambdaSinkOptions {
  readonly partsTypesFor: PartsTypesFor;
  /** Milliseconds without a part after which a heartbeat is sent. */
  readonly heartbeat: number;
  /** Milliseconds after which the stream is closed if nothing of what was written is taken. */
  readonly idle: number;
  /** Milliseconds from the creation of the sink, after which a stream of events ends. */
  readonly eventsEnd: number;
  /** Milliseconds from the creation of the sink, after which the stream is closed, whatever is left. */
  readonly end: number;
  /** The most bytes of an answer, without its head and what frames its parts. */
  readonly longest: number;
}

/** Writes the answer to an event of AWS Lambda to a stream. */
export class LambdaStreamSink implements Sink, Download {
  isAnswered = false;
  readonly carriesParts = true;
  readonly upload = undefined;
  readonly messages = undefined;
  /** Resolves with whether all of the answer was taken. Rejects if the runtime is to cut it off, so that the client knows that it is not whole. */
  readonly ended: Promise<boolean>;
  readonly connection: AnswerStream;
  readonly #form: AnswerForm;
  readonly #options: LambdaStreamSinkOptions;
  /** In milliseconds of `performance.now()`. */
  readonly #created = performance.now();
  #request: IncomingRequest | undefined;
  #status: number | undefined;
  #release: ClientAnswer['release'];
  /** Bytes of a body that is whole, and not written yet. */
  #left = 0;
  #eventsEnd: NodeJS.Timeout | undefined;

  constructor(stream: ResponseStream, form: AnswerForm, options: LambdaStreamSinkOptions) {
    this.#form = form;
    this.#options = options;
    let settle!: { resolve(isTaken: boolean): void; reject(error: Error): void };
    this.ended = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.connection = new AnswerStream(stream, options.idle, (outcome) => {
      clearTimeout(end);
      clearTimeout(this.#eventsEnd);
      if (outcome === 'taken') this.#release?.();
      if (outcome === 'cut off') settle.reject(new Error('The answer broke off.'));
      else settle.resolve(outcome === 'taken');
      options.requests.end(this.#request!, outcome === 'taken' ? this.#status : undefined);
    });
    const end = setTimeout(() => this.connection.destroy(), options.end);
  }

  /** Sets whose answer goes here. To be called once, before anything else. */
  belongTo(request: IncomingRequest): void {
    this.#request = request;
  }

  get longest(): number {
    return this.#options.longest;
  }

  get events(): EventsProtocol | undefined {
    return this.#partsTypes.events?.protocol;
  }

  get takesGaps(): boolean {
    return this.events !== undefined;
  }

  get incremental(): IncrementalFormat | undefined {
    return this.#partsTypes.increments?.format;
  }

  get refusesInEvents(): boolean {
    return this.#partsTypes.isOnlyEvents;
  }

  get #partsTypes(): PartsTypes {
    return this.#options.partsTypesFor(this.#request!.head.headers.accept);
  }

  answer({ status, headers, body, release }: ClientAnswer): void {
    this.isAnswered = true;
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
      this.#release = release;
      this.#sendWhole(status, headers, bytesOf(body));
    } else this.#sendParts(status, headers, body);
  }

  get download(): Download {
    return this;
  }

  get waiting(): number {
    return this.connection.waiting + this.#left;
  }

  #begin(status: number, headers: readonly string[]): void {
    this.#status = status;
    const { corsHeaders } = this.#options;
    const all = [...corsHeaders(this.#request!.head.headers.origin), ...headers];
    this.connection.begin(lambdaHead(status, all, this.#form));
  }

  #sendWhole(status: number, headers: readonly string[], body: Buffer): void {
    const request = this.#request!;
    if (body.length > this.longest) {
      const { status: code, headers: own, body: text } = this.#tooLarge(body.length);
      this.#begin(code, [...request.ownHeaders, ...own]);
      this.connection.end(Buffer.from(text));
      return;
    }
    this.#begin(status, headers);
    if (request.head.method === 'HEAD') this.connection.end();
    else void this.connection.writeWhole(body, (left) => (this.#left = left));
  }

  #sendParts(status: number, headers: readonly string[], parts: ResponseParts): void {
    const { events, increments } = this.#partsTypes;
    const framing = (parts.kind === 'events' ? events : increments?.framing)!;
    this.#begin(status, [...headers, ...partsHeaders(framing)]);
    /** Ends events before their source does. */
    const stop = (): void => {
      parts.close();
      this.connection.end(framing.end('timeout'));
    };
    const age = performance.now() - this.#created;
    if (parts.kind === 'events') this.#eventsEnd = setTimeout(stop, this.#options.eventsEnd - age);
    let isFirst = true;
    const forEach: ResponseParts['forEach'] = (take) =>
      parts.forEach((part) => {
        const got = this.connection.written + part.body.length;
        if (isFirst && got > this.longest) {
          parts.close();
          return take({ body: Buffer.from(this.#tooLarge(got).body), ending: 'failed' });
        }
        if (parts.kind === 'events' && part.ending === undefined && got > this.longest) {
          stop();
          return undefined;
        }
        isFirst = false;
        return take(part);
      });
    const close = (): void => parts.close();
    void writeParts(this.connection, { kind: parts.kind, forEach, close }, framing, this.#options.heartbeat);
  }

  #tooLarge(got: number): ErrorAnswer {
    const error = requestError('RESPONSE_TOO_LARGE', { got, limit: this.longest });
    return this.#options.reply.answerTo(this.#request!, error);
  }
}
