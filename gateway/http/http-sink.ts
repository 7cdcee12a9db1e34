import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { WholeRequest, WholeResponse } from './whole-messages';
import type {
  ClientAnswer,
  ClientConnection,
  Download,
  EventsProtocol,
  IncrementalFormat,
  MessageSink,
  ResponseParts,
  Sink,
  Upload,
} from '../request/sink';
import { answerText, longestInText } from './answer-text';
import { forgetBody, hasBody, isArriving } from './body';
import { answerUnsent } from './connection-errors';
import type { PartsTypes, PartsTypesFor } from './parts-types';
import { resetAnswered } from './reset-answered';
import { type PartsResponse, sendParts, type SendPartsOptions } from './send-parts';
import { partsHeaders } from './write-parts';

/** Headers that depend on the `Origin`: names and values in turn. One array for each listed origin. */
export type CorsHeaders = (origin: string | undefined) => readonly string[];

export interface HttpSinkOptions extends SendPartsOptions {
  readonly corsHeaders: CorsHeaders;
  readonly partsTypesFor: PartsTypesFor;
}

/** Answers a request over HTTP/1.1 or HTTP/2. */
export class HttpSink implements Sink, Upload, Download, MessageSink {
  readonly #request: IncomingMessage;
  readonly #response: PartsResponse;
  readonly #options: HttpSinkOptions;
  #body: Buffer | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, options: HttpSinkOptions) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
  }

  get isAnswered(): boolean {
    // A message that was written in advance has no headers of Node's.
    return this.#response.headersSent || this.#response.writableEnded;
  }

  get carriesParts(): boolean {
    return true;
  }

  get events(): EventsProtocol | undefined {
    return this.#partsTypes.events?.protocol;
  }

  /** Each of these protocols carries GraphQL responses of any form. */
  get takesGaps(): boolean {
    return this.events !== undefined;
  }

  get incremental(): IncrementalFormat | undefined {
    return this.#partsTypes.increments?.format;
  }

  get refusesInEvents(): boolean {
    return this.#partsTypes.isOnlyEvents;
  }

  /** What the page that asks may read. */
  get corsHeaders(): readonly string[] {
    return this.#options.corsHeaders(this.#request.headers.origin);
  }

  get #partsTypes(): PartsTypes {
    return this.#options.partsTypesFor(this.#request.headers.accept);
  }

  answer({ status, headers, body, release }: ClientAnswer): void {
    const response = this.#response;
    if (this.#takesText(body)) {
      this.#endUpload();
      (response as WholeResponse).sendMessage(status, answerText(status, [this.corsHeaders, headers], body));
      release?.();
      return;
    }
    this.#endUpload();
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
      writeHead(response, status, [...this.corsHeaders, ...headers]);
      if (Buffer.isBuffer(body)) this.#body = body;
      response.end(body, release);
    } else this.#stream(status, headers, body);
  }

  /** Whether a body goes out fastest as one text with its head: long ones are not worth a copy. */
  #takesText(body: ClientAnswer['body']): body is Buffer {
    const response = this.#response;
    return (
      Buffer.isBuffer(body) &&
      body.length > 0 &&
      body.length <= longestInText &&
      response instanceof WholeResponse &&
      response.takesMessage &&
      this.#request.method !== 'HEAD'
    );
  }

  #stream(status: number, headers: readonly string[], parts: ResponseParts): void {
    const { events, increments } = this.#partsTypes;
    const framing = (parts.kind === 'events' ? events : increments?.framing)!;
    writeHead(this.#response, status, [...this.corsHeaders, ...headers, ...partsHeaders(framing)]);
    void sendParts(this.#response, parts, framing, this.#options);
  }

  get messages(): MessageSink | undefined {
    const response = this.#response;
    return this.#request instanceof WholeRequest && response instanceof WholeResponse && response.takesMessage
      ? this
      : undefined;
  }

  sendMessage(status: number, message: Buffer): boolean {
    this.#endUpload();
    return (this.#response as WholeResponse).sendMessage(status, message);
  }

  get upload(): Upload {
    return this;
  }

  /** Of HTTP/2 a request is not complete before somebody has read it. */
  get hasArrived(): boolean {
    const { stream, req } = this.#response;
    return stream === undefined ? req.complete : stream.state.remoteClose !== 0;
  }

  /** What becomes of a packed body, and what has come over HTTP/2, nobody counts. */
  kept(limit: number): number {
    if (!hasBody(this.#request)) return 0;
    const { 'content-encoding': encoding, 'content-length': length } = this.#request.headers;
    if (encoding !== undefined) return limit;
    const arrived = this.#request instanceof WholeRequest ? this.#request.arrived : undefined;
    return Math.min(arrived ?? Number(length ?? limit), limit);
  }

  giveUp(): void {
    answerUnsent(this.#response);
  }

  get download(): Download {
    return this;
  }

  get waiting(): number {
    return this.#response.writableLength;
  }

  /** Over HTTP/1.1, TLS encrypts all of an answer as it is written: each connection has its own copy. */
  get shared(): Buffer | undefined {
    const isCopied = this.#response.stream === undefined && 'encrypted' in this.#request.socket;
    return isCopied ? undefined : this.#body;
  }

  /** Of HTTP/2 the whole session: its streams wait for the same client. */
  get connection(): ClientConnection {
    return this.#response.stream?.session ?? this.#request.socket;
  }

  #endUpload(): void {
    const [request, response] = [this.#request, this.#response];
    if (isArriving(request)) letUploadEnd(request, response);
    else forgetBody(request);
  }
}

/** Joins repeated headers, but for cookies: Node's HTTP/2 would keep only the last, but a cache must see every `Vary`. */
function writeHead(response: ServerResponse, status: number, headers: readonly string[]): void {
  if (response.req.httpVersionMajor < 2) {
    response.writeHead(status, headers as string[]);
    return;
  }
  const merged = new Map<string, string>();
  const cookies: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    const before = merged.get(name);
    if (name === 'set-cookie') cookies.push(value);
    else merged.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const fields: OutgoingHttpHeaders = Object.fromEntries(merged);
  if (cookies.length > 0) fields['set-cookie'] = cookies;
  response.writeHead(status, fields);
}

/**
 * A client that is still sending reads the answer only if the connection is not closed under its hands: the rest of
 * its body is read and dropped, for a while after the answer is sent. It may have to wait for those before it. Over
 * HTTP/2 its stream alone is reset.
 */
export function letUploadEnd(request: IncomingMessage, response: PartsResponse): void {
  const { stream } = response;
  request.unpipe();
  // Node's response of HTTP/2 counts as finished when its stream is closed.
  (stream ?? response).once('finish', () => {
    if (!isArriving(request)) return;
    if (stream !== undefined) resetAnswered(stream);
    else setTimeout(() => isArriving(request) && request.socket.destroy(), uploadGrace).unref();
  });
  forgetBody(request);
}

/** Milliseconds. */
const uploadGrace = 5000;
