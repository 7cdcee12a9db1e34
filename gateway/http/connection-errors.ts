import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { GraphQLError } from 'graphql';
import { tooMuchFraming } from './whole-messages';
import { requestError } from '../errors';
import { errorAnswer, type HttpExtensions } from './error-answer';
import { resetAnswered } from './reset-answered';

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
        : requestError('BAD_REQUEST', {
            reason:
              error.code === tooMuchFraming
                ? 'The chunks of the body take far more bytes than what is in them.'
                : 'This is not a valid HTTP request.',
          });
  endInTurn(socket, messageOf(answer));
}

/**
 * Answers a request to change the protocol that the other protocol does not take, and closes the connection.
 *
 * @param headers of the answer besides those that each has: a line each, with its end
 */
export function answerUpgrade(socket: Duplex, reason: string, headers = ''): void {
  // Nothing reads it any more, so that the end of the client's side would not be seen.
  socket.once('finish', () => socket.destroy());
  socket.end(messageOf(requestError('BAD_REQUEST', { reason }), headers));
}

/** A whole answer as it goes over a connection, which is closed then. */
function messageOf(error: GraphQLError & { readonly extensions: HttpExtensions }, headers = ''): string {
  const { message } = error;
  const { http, ...extensions } = error.extensions;
  const body = JSON.stringify({ errors: [{ message, extensions }] });
  return (
    `HTTP/1.1 ${http!.status} ${extensions['code'] as string}\r\n` +
    'content-type: application/json; charset=utf-8\r\nconnection: close\r\n' +
    `${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** A connection where Node keeps the response whose turn it is, and the request that comes; it has no other names for them. */
export interface InTurn extends Socket {
  readonly _httpMessage?: ServerResponse | null;
  readonly parser?: { readonly incoming: IncomingMessage | null } | null;
}

/** Whether a request that came before over a connection of HTTP/1.1 is not answered yet. */
export const awaitsAnswer = (socket: InTurn): boolean => socket._httpMessage != null;

/** Whether nothing comes over a connection of HTTP/1.1 but, perhaps, the head of its next request. */
export const awaitsHead = (socket: InTurn): boolean =>
  socket.parser != null && socket._httpMessage == null && (socket.parser.incoming?.complete ?? true);

/** Answers a request that does not come to its end, and closes the connection. */
export function answerLate(socket: Socket): void {
  answerClientError(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  socket.destroySoon();
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
  } else if (response?.headersSent === true || isAnsweredEarly(socket) || !socket.writable)
    socket.destroySoon();
  else socket.end(answer);
}

/** Whether the request that comes had its answer before all of it was there: it gets no other one. */
const isAnsweredEarly = ({ _httpMessage: response, parser }: InTurn): boolean =>
  response == null && parser?.incoming?.complete === false;

/** Those that have not arrived, and wait for their turn to be refused. */
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
    } else if (!req.complete) answerLate(socket);
    return;
  }
  const { stream } = response;
  if (stream.headersSent || stream.closed) {
    // It was refused before, and takes no answer.
    stream.destroy();
    return;
  }
  const { status, headers, body } = errorAnswer(requestError('REQUEST_TIMEOUT', {}));
  const fields: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) fields[headers[i]!] = headers[i + 1]!;
  stream.respond({ ':status': status, ...fields });
  stream.end(body, () => resetAnswered(stream));
}
