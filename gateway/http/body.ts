import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { GraphQLError } from 'graphql';
import { isMostlyFraming, WholeRequest } from './whole-messages';
import { requestError } from '../errors';

/** The body of a request that has none. */
export const noBody = Buffer.alloc(0);

export interface ReadBodyOptions {
  /** Bytes that a body may have, packed and unpacked. */
  readonly limit: number;
  /** Called once, when all of the body is there and unpacked. Not called when the client leaves before. */
  readonly onBody: (body: Buffer) => void;
  /** Called instead of `onBody` when the body cannot be taken. */
  readonly onRefusal: (error: GraphQLError) => void;
}

/** Why the headers of a POST are refused; undefined if its body can be read. */
export function refuseByHeaders(
  request: Pick<IncomingMessage, 'headers'>,
  limit: number,
): GraphQLError | undefined {
  const { headers } = request;
  const encoding = encodingOf(headers);
  if (encoding !== 'identity' && !unpackers.has(encoding))
    return requestError('UNSUPPORTED_MEDIA_TYPE', { got: `${encoding}-encoded` });
  const { 'content-type': type, 'content-length': length } = headers;
  // Without a type and without a body it is the body that is missing.
  if (!isJson(type) && !(type === undefined && !hasBody(request)))
    return requestError('UNSUPPORTED_MEDIA_TYPE', { got: type ?? 'of no type', isUpload: isUpload(type) });
  if (Number(length ?? 0) > limit) return requestError('PAYLOAD_TOO_LARGE', { limit });
  return undefined;
}

/** Reads the body of a POST that `refuseByHeaders` does not refuse. */
export function readBody(request: IncomingMessage, response: ServerResponse, options: ReadBodyOptions): void {
  const { headers } = request;
  const encoding = encodingOf(headers);
  // Node's parser has checked that it is a number.
  const length = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : 0;
  if (!hasBody(request)) {
    options.onBody(noBody);
    return;
  }
  if (request instanceof WholeRequest) {
    if (encoding === 'identity' && length > 0) {
      request.takeBody(length, options.onBody);
      return;
    }
    request.handOn();
  }
  if (encoding === 'identity') collect(request, request, options);
  else {
    const unpacker = unpackers.get(encoding)!();
    unpacker.once('error', () =>
      options.onRefusal(requestError('BAD_REQUEST', { reason: `The body is not valid ${encoding}.` })),
    );
    response.once('close', () => unpacker.destroy());
    collect(request, request.pipe(unpacker), options);
  }
}

/** Collects the output of a decompressing stream. Ends it as soon as the limit is exceeded. */
function collect(
  request: IncomingMessage,
  stream: IncomingMessage | Transform,
  { limit, onBody, onRefusal }: ReadBodyOptions,
): void {
  const pieces: Buffer[] = [];
  let size = 0;
  const refuse = (error: GraphQLError): void => {
    stream.off('data', onData).off('end', onEnd);
    if (stream !== request) {
      request.unpipe();
      stream.destroy();
    }
    onRefusal(error);
  };
  const onData = (piece: Buffer): void => {
    size += piece.length;
    pieces.push(piece);
    if (size > limit) refuse(requestError('PAYLOAD_TOO_LARGE', { limit }));
  };
  const onEnd = (): void => onBody(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  stream.on('data', onData).once('end', onEnd);
  if (request.httpVersionMajor > 1) watchFrames(request, refuse);
}

/** Over HTTP/2 each piece is a frame, which has a head of its own: as small chunks of HTTP/1.1, small frames cost time. */
function watchFrames(request: IncomingMessage, refuse: (error: GraphQLError) => void): void {
  let frames = 0;
  let bytes = 0;
  const onFrame = (piece: Buffer): void => {
    frames++;
    bytes += piece.length;
    if (!isMostlyFraming(frames * frameHead, bytes)) return;
    request.off('data', onFrame);
    const reason = 'The frames of the body take far more bytes than what is in them.';
    refuse(requestError('BAD_REQUEST', { reason }));
  };
  request.on('data', onFrame);
}

/** Bytes (RFC 9113, section 4.1). */
const frameHead = 9;

/** To be called when a request is answered and nothing will read it any more. */
export function forgetBody(request: IncomingMessage): void {
  if (request instanceof WholeRequest) request.forget();
  else request.resume();
}

/** Creators of decompressing streams, by encoding (RFC 9110, section 8.4.1). */
export const unpackers: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

export const encodingOf = (headers: IncomingMessage['headers']): string =>
  (headers['content-encoding'] ?? 'identity').toLowerCase();

/** RFC 9112, section 6. Over HTTP/2 a stream that does not end with its headers has one (RFC 9113, section 8.1). */
export function hasBody({
  headers,
  stream,
}: Pick<IncomingMessage, 'headers'> & Partial<Pick<Http2ServerRequest, 'stream'>>): boolean {
  if (stream !== undefined) return !stream.endAfterHeaders;
  return (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
}

/** Whether the body of a request is not complete yet. */
export const isArriving = (request: IncomingMessage): boolean =>
  request instanceof WholeRequest ? request.isArriving : !request.complete && hasBody(request);

/** Whether a media type is JSON in UTF-8, whatever its other parameters are. */
function isJson(type: string | undefined): boolean {
  if (type === 'application/json') return true;
  if (type === undefined) return false;
  const end = type.indexOf(';');
  if (end === -1) return isJsonType(type);
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1];
  return isJsonType(type.slice(0, end)) && (charset === undefined || /^utf-?8$/i.test(charset));
}

/** GraphQL multipart requests, as Apollo's upload clients send them. */
const isUpload = (type = ''): boolean => /^\s*multipart\/form-data\s*(;|$)/i.test(type);

const isJsonType = (type: string): boolean => type.trim().toLowerCase() === 'application/json';

export interface ContinueOptions {
  /** Bytes that a body may have at this moment. */
  readonly bodyLimit: () => number;
  /** Whether connections are kept after an answer. */
  readonly keepsConnections: () => boolean;
}

/**
 * Sends `100 Continue` only when the body is wanted (RFC 9110, section 10.1.1), while Node would send it to all. A request
 * that can be refused by its headers, for its size or its credentials, gets the refusal instead, also if the decision takes
 * time.
 */
export function sendContinues(server: Server, { bodyLimit, keepsConnections }: ContinueOptions): void {
  server.on('checkContinue', (request: UndecidedMessage, response: ServerResponse) => {
    const { shouldKeepAlive } = response;
    // A client that was refused may send its body nevertheless: what comes next may not be taken for a request.
    response.shouldKeepAlive = false;
    request[continueKey] = (): void => {
      const isTooLarge = Number(request.headers['content-length'] ?? 0) > bodyLimit();
      if (isTooLarge || response.headersSent || response.writableEnded) return;
      response.shouldKeepAlive = shouldKeepAlive && keepsConnections();
      const send = (): void => {
        if (!response.headersSent) response.writeContinue();
      };
      // Of a response whose turn has not come Node would write it into the middle of the answer.
      if (response.socket === null) response.once('socket', send);
      else send();
    };
    server.emit('request', request, response);
    holdContinue(request)?.();
  });
}

/** Has a client wait for `100 Continue` until what is returned is called. Undefined where it waits for none. */
export function holdContinue(request: UndecidedMessage): (() => void) | undefined {
  const send = request[continueKey];
  if (send !== undefined) request[continueKey] = undefined;
  return send;
}

const continueKey = Symbol('continue');

type UndecidedMessage = IncomingMessage & { [continueKey]?: (() => void) | undefined };
