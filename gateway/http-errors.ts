import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import { ClientGone } from './client-request';
import { pathOf } from './client-requests';
import { WholeRequest, WholeResponse } from './edge/whole-messages';
import { requestError } from './errors';
import type { Logger } from './telemetry/logger';

export interface ErrorHandlingOptions {
  /** The path of the endpoint. */
  readonly path: string;
  /** Bytes. */
  readonly bodyLimit: number;
  readonly logger: Logger;
}

/**
 * Makes a GraphQL response in JSON of every error that is met outside of GraphQL: by Fastify, by the parser of the
 * body, by a hook, by a path that nobody serves.
 */
export function handleErrors(app: FastifyInstance, { path, bodyLimit, logger }: ErrorHandlingOptions): void {
  app.setErrorHandler<FastifyError | GraphQLError | ClientGone>((error, request, reply) => {
    if (error instanceof ClientGone) return reply.send();
    const answer = error instanceof GraphQLError ? error : translate(error, request, bodyLimit);
    if (answer.extensions['code'] === 'INTERNAL_SERVER_ERROR') {
      logger.error({ err: error, requestId: request.client.id }, 'a request failed');
    }
    return sendError(reply, answer);
  });
  app.setNotFoundHandler((request, reply) => {
    if (pathOf(request.url) !== path) {
      const reason = `The endpoint is ${path}; nothing is served here.`;
      return sendError(reply, requestError('NOT_FOUND', { reason }));
    }
    const reason = `A GraphQL request is a GET or a POST, not ${request.method}.`;
    return sendError(
      reply,
      requestError('METHOD_NOT_ALLOWED', { reason }, { headers: { allow: 'GET, POST' } }),
    );
  });
}

/** Sends an error as the whole answer. */
export function sendError(reply: FastifyReply, error: GraphQLError): FastifyReply {
  const { status, headers, body } = errorAnswer(error, reply.request.headers.accept);
  for (const [name, value] of headers) void reply.header(name, value);
  letUploadEnd(reply);
  return reply.code(status).send(body);
}

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** JSON. */
  readonly body: string;
}

/** An answer that is nothing but an error, in the media type that the client prefers of the two that there are. */
export function errorAnswer(error: GraphQLError, accept = ''): ErrorAnswer {
  const { http, ...extensions } = error.extensions as HttpExtensions;
  const status = http?.status ?? 500;
  // The link of AppSync's clients takes anything, but reads errors only from a GraphQL response.
  const isGraphql =
    accept.includes('application/graphql-response+json') || (status === 401 && accept.includes('*/*'));
  const type = isGraphql ? 'graphql-response+json' : 'json';
  return {
    status,
    headers: [...(http?.headers ?? []), ['content-type', `application/${type}; charset=utf-8`]],
    body: JSON.stringify({ errors: [{ message: error.message, extensions }] }),
  };
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
    return { status, headers: [...headers.flat(), 'content-length', String(bytes.length)], bytes };
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
 * Answers what does not even parse as HTTP, or does not arrive, and closes the connection: when those that came whole
 * before it on the connection have their answers. A client takes the first answer for that of its first request.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: InTurn): void {
  // Before its handshake a connection takes no answer: it would wait with it for ever.
  if (['ECONNRESET', 'ERR_TLS_HANDSHAKE_TIMEOUT'].includes(error.code!) || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? requestError('REQUEST_TIMEOUT', {})
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? requestError('HEADERS_TOO_LARGE', {})
        : requestError('BAD_REQUEST', { reason: 'This is not a valid HTTP request.' });
  const { http, ...extensions } = answer.extensions as HttpExtensions;
  const body = JSON.stringify({ errors: [{ message: answer.message, extensions }] });
  endInTurn(
    socket,
    `HTTP/1.1 ${http!.status} ${answer.extensions['code'] as string}\r\n` +
      'content-type: application/json; charset=utf-8\r\nconnection: close\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** A connection where Node keeps the response whose turn it is; it has no other name for that. */
interface InTurn extends Socket {
  readonly _httpMessage?: ServerResponse | null;
}

/** Those whose last answer waits for its turn: whatever else comes over them is nothing to answer. */
const ending = new WeakSet<Socket>();

function endInTurn(socket: InTurn, answer: string): void {
  const response = socket._httpMessage;
  if (response?.req.complete === true) {
    if (ending.has(socket)) return;
    ending.add(socket);
    response.once('close', () => {
      ending.delete(socket);
      endInTurn(socket, answer);
    });
  } else if (response?.headersSent === true || !socket.writable) socket.destroySoon();
  else socket.end(answer);
}

/** Those that have not arrived, and wait for their turn to be told so. */
const waiting = new WeakSet<ServerResponse>();

/**
 * Answers what has not arrived, as Node does when its time is over, and waits for no more of it. Over HTTP/1.1, where
 * answers come in turn, those before it on the connection are finished first.
 */
export function answerUnsent(response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>): void {
  if (response.stream === undefined) {
    const { req } = response;
    const socket: InTurn = req.socket;
    const current = socket._httpMessage;
    if (response.socket === null && current != null) {
      if (waiting.has(response)) return;
      waiting.add(response);
      current.once('close', () => {
        waiting.delete(response);
        answerUnsent(response);
      });
    } else if (!req.complete) {
      answerClientError(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
      socket.destroySoon();
    }
    return;
  }
  const { stream } = response;
  if (stream.headersSent || stream.closed) {
    // It was told so before, and takes no answer.
    stream.destroy();
    return;
  }
  const { status, headers, body } = errorAnswer(requestError('REQUEST_TIMEOUT', {}));
  stream.respond({ ':status': status, ...Object.fromEntries(headers) });
  stream.end(body, () => stream.close());
}

/** What `requestError` leaves for whoever answers over HTTP. */
interface HttpExtensions {
  readonly http?: { readonly status: number; readonly headers: ReadonlyMap<string, string> };
  readonly [key: string]: unknown;
}

function translate(error: FastifyError, request: FastifyRequest, bodyLimit: number): GraphQLError {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return requestError('PAYLOAD_TOO_LARGE', { limit: bodyLimit });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return requestError('UNSUPPORTED_MEDIA_TYPE', { got: request.headers['content-type'] ?? 'of no type' });
    default:
      return error.statusCode === undefined || error.statusCode >= 500
        ? requestError('INTERNAL_SERVER_ERROR', {})
        : requestError('BAD_REQUEST', { reason: error.message });
  }
}

/**
 * A client that is still sending reads the answer only if the connection is not closed under its hands: the rest of
 * its body is read and dropped, for a while after the answer is sent. It may have to wait for those before it.
 */
function letUploadEnd(reply: FastifyReply): void {
  const request = reply.request.raw;
  if (request.complete) return;
  reply.removeHeader('connection');
  request.unpipe();
  reply.raw.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => request.socket.destroy(), uploadGrace).unref();
    request.once('close', () => clearTimeout(timer));
  });
  request.resume();
}

/** Milliseconds. */
const uploadGrace = 5000;
