import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { GraphQLError } from 'graphql';
import { ClientGone, type ClientRequest } from '../client-request';
import { WholeRequest, WholeResponse } from '../edge/whole-messages';
import { boundedMessage, mostLocations, requestError, RequestErrors } from '../errors';
import type { Logger } from '../telemetry/logger';
import { forgetBody, isArriving } from './body';

/** An HTTP request of a client and the response to it. */
export interface Exchange {
  readonly client: ClientRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What goes to the client. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, with the length of the body. */
  readonly headers: readonly string[];
  readonly body: Buffer | string | undefined;
  /** Called when the socket has taken all of the body. */
  readonly release?: (() => void) | undefined;
}

/** Headers that depend on the page that asks: names and values in turn. One array for each listed origin. */
export type CorsHeaders = (origin: string | undefined) => readonly string[];

export interface ReplyOptions {
  readonly corsHeaders: CorsHeaders;
  readonly logger: Pick<Logger, 'error'>;
}

/** Writes the answers to clients: each has the headers of its request and those for pages of other origins. */
export class Reply {
  readonly #options: ReplyOptions;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  send({ client, request, response }: Exchange, { status, headers, body, release }: Answer): void {
    forgetBody(request);
    client.settle();
    writeHead(response, status, [...this.#fixed(client, request), ...headers]);
    response.end(body, release);
  }

  /** Sends an error as the whole answer. Nothing to a client that has left. */
  refuse(exchange: Exchange, error: unknown): void {
    const { client, request, response } = exchange;
    if (error instanceof ClientGone || response.headersSent) return;
    const isOurs = error instanceof RequestErrors || (error instanceof GraphQLError && hasCode(error));
    if (!isOurs) this.#options.logger.error({ err: error, requestId: client.id }, 'a request failed');
    const told = isOurs ? error : requestError('INTERNAL_SERVER_ERROR', {});
    client.settle();
    const { status, headers, body } = errorAnswer(told, request.headers.accept);
    if (isArriving(request)) letUploadEnd(request, response);
    else forgetBody(request);
    writeHead(response, status, [
      ...this.#fixed(client, request),
      ...headers,
      ...['content-length', String(Buffer.byteLength(body))],
    ]);
    response.end(body);
  }

  #fixed({ ownHeaders }: ClientRequest, { headers: { origin } }: IncomingMessage): readonly string[] {
    return [...ownHeaders, ...this.#options.corsHeaders(origin)];
  }
}

/** One of ours has a code; graphql-js throws others, where it is asked for what is impossible. */
const hasCode = ({ extensions }: GraphQLError): boolean => extensions['code'] !== undefined;

/** Of a header that is there twice, Node's HTTP/2 keeps the last: a cache has to see all that an answer varies by. */
function writeHead(response: ServerResponse, status: number, headers: readonly string[]): void {
  if (response.req.httpVersionMajor < 2) {
    response.writeHead(status, headers as string[]);
    return;
  }
  const merged = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    const before = merged.get(name);
    merged.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  response.writeHead(status, Object.fromEntries(merged));
}

export interface ErrorAnswer {
  readonly status: number;
  /** Names and values in turn, without the length of the body. */
  readonly headers: readonly string[];
  /** Of `headers` those that the error itself has. */
  readonly ownHeaders: readonly string[];
  /** JSON. */
  readonly body: string;
}

/** An answer that is nothing but errors, in the media type that the client prefers of the two that there are. */
export function errorAnswer(error: GraphQLError | RequestErrors, accept = ''): ErrorAnswer {
  const errors = error instanceof GraphQLError ? [error] : error.errors;
  const { http } = errors[0]!.extensions as HttpExtensions;
  const status = http?.status ?? 500;
  // The link of AppSync's clients takes anything, but reads errors only from a GraphQL response.
  const isGraphql =
    accept.includes('application/graphql-response+json') || (status === 401 && accept.includes('*/*'));
  const type = isGraphql ? 'graphql-response+json' : 'json';
  const ownHeaders = [...(http?.headers ?? [])].flat();
  return {
    status,
    ownHeaders,
    headers: [
      ...ownHeaders,
      'cache-control',
      'no-store',
      'content-type',
      `application/${type}; charset=utf-8`,
    ],
    body: JSON.stringify({ errors: errors.map(formatted) }),
  };
}

function formatted({ message, locations, extensions }: GraphQLError) {
  return {
    message: boundedMessage(message),
    locations: locations?.slice(0, mostLocations),
    extensions: { ...extensions, http: undefined },
  };
}

/** What `requestError` leaves for whoever answers over HTTP. */
export interface HttpExtensions {
  readonly http?: { readonly status: number; readonly headers: ReadonlyMap<string, string> };
  readonly [key: string]: unknown;
}

/**
 * Answers with an error before anything else is done for a request, at the least cost: the more of the time goes into
 * refusing, the less is left for those that are served.
 */
export function createRefusal(
  error: GraphQLError,
  corsHeaders: (origin: string | undefined) => readonly string[],
): (request: IncomingMessage, response: ServerResponse) => void {
  const prepared = ['', 'application/graphql-response+json'].map((accept) => {
    const { status, headers, body } = errorAnswer(error, accept);
    const bytes = Buffer.from(body);
    return { status, headers: [...headers, 'content-length', String(bytes.length)], bytes };
  });
  /** By the headers for browsers, of which there are few, and the media type. */
  const messages = new WeakMap<readonly string[], [json?: Buffer, graphql?: Buffer]>();
  return (request, response) => {
    const { accept = '', origin } = request.headers;
    const type = accept.includes('application/graphql-response+json') ? 1 : 0;
    const { status, headers, bytes } = prepared[type]!;
    const cors = corsHeaders(origin);
    if (request instanceof WholeRequest) request.forget();
    if (response instanceof WholeResponse && response.takesMessage && request.method !== 'HEAD') {
      let known = messages.get(cors);
      if (known === undefined) messages.set(cors, (known = []));
      response.sendMessage(status, (known[type] ??= messageOf(status, [...headers, ...cors], bytes)));
      return;
    }
    response.writeHead(status, [...headers, ...cors]);
    response.end(bytes);
  };
}

/** As it goes over the connection. A response with a status from 500 on need not say what time it is. */
function messageOf(status: number, headers: readonly string[], body: Buffer): Buffer {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}

/**
 * A client that is still sending reads the answer only if the connection is not closed under its hands: the rest of
 * its body is read and dropped, for a while after the answer is sent. It may have to wait for those before it.
 */
export function letUploadEnd(request: IncomingMessage, response: ServerResponse): void {
  request.unpipe();
  response.once('finish', () => {
    const cut = (): void => {
      if (isArriving(request)) request.socket.destroy();
    };
    if (isArriving(request)) setTimeout(cut, uploadGrace).unref();
  });
  forgetBody(request);
}

/** Milliseconds. */
const uploadGrace = 5000;
