import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admit } from '../auth/authentication';
import type { ClientRequest } from '../client-request';
import type { Rates } from '../limits/rates';

/** Answers a request or hands it on to the routes. */
export type Front = (
  client: ClientRequest,
  request: IncomingMessage,
  response: ServerResponse,
  route: (request: IncomingMessage, response: ServerResponse) => void,
) => void;

/** A request whose body has arrived, that of a GET being empty, and whose sender is known: see `client.identity`. */
export interface Arrival {
  readonly client: ClientRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

/** Answers a request, or does nothing and says false. */
export type Answerer = (arrival: Arrival) => boolean;

export interface FrontOptions {
  /** The path of the endpoint. */
  readonly path: string;
  /** Bytes. */
  readonly bodyLimit: number;
  /** Whether the gateway takes requests; what comes while it starts or stops is left to the routes. */
  readonly isOpen: () => boolean;
  /** Undefined when no mode of authentication is configured. */
  readonly admit: Admit | undefined;
  /** Undefined when no rate is configured. */
  readonly rates: Rates | undefined;
  readonly answerers: readonly Answerer[];
}

/**
 * What a request meets first: operations that are known are answered here, at a third of what the way through the
 * routes and Apollo Server costs. Everything unusual is left to the routes, with its body unread.
 */
export function createFront({ path, bodyLimit, isOpen, admit, rates, answerers }: FrontOptions): Front {
  return (client, request, response, route) => {
    const isUsual = request.rawHeaders.length <= 2 * maxHeaders && isOpen();
    const meet = (body: Buffer): void => {
      const isAnswered = (admitted: boolean): boolean =>
        rates?.refuse(client, response) === undefined &&
        admitted &&
        answerers.some((answers) => answers({ client, request, response, body }));
      // The routes say why somebody is refused.
      const handOn = (): void => {
        if (body.length > 0) request.unshift(body);
        route(request, response);
      };
      const admitted = admit === undefined || admit(client, factsOf(client, request, body));
      // What is answered at once is never paused: that costs two turns of the stream.
      if (typeof admitted !== 'boolean') {
        request.pause();
        void admitted.then((isAdmitted) => (isAnswered(isAdmitted) ? request.resume() : handOn()));
      } else if (!isAnswered(admitted)) {
        request.pause();
        handOn();
      }
    };
    if (isUsual && request.method === 'GET' && request.url!.startsWith(`${path}?`) && !hasBody(request)) {
      meet(noBody);
      return;
    }
    const size = isUsual && request.url === path && request.method === 'POST' ? jsonSize(request) : 0;
    if (size === 0 || size > bodyLimit) route(request, response);
    else readBody(request, size, meet);
  };
}

const noBody = Buffer.alloc(0);

const factsOf = ({ id: requestId }: ClientRequest, request: IncomingMessage, body: Buffer) => {
  const { method, url, headers } = request;
  return { requestId, method: method!, url: url!, headers, body };
};

/** RFC 9112, section 6. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

/** Node reads more of them, but cuts them silently at a number of its own. */
export const maxHeaders = 100;

/** The length of a JSON body that says its length and is as it was written; otherwise 0. */
function jsonSize({ headers }: IncomingMessage): number {
  if (headers['content-encoding'] !== undefined || !jsonTypes.has(headers['content-type'])) return 0;
  // Node's parser has checked that it is a number.
  return Number(headers['content-length'] ?? 0);
}

const jsonTypes = new Set<string | undefined>([
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-8',
  'application/json;charset=UTF-8',
  'application/json; charset=UTF-8',
]);

/**
 * Calls `take` when all of a body has arrived, before the request says that it has ended: if `take` pauses it at once and
 * puts the body back, others can read it. A client that leaves before has no answer to get.
 */
function readBody(request: IncomingMessage, size: number, take: (body: Buffer) => void): void {
  let pieces: Buffer[] | undefined;
  let arrived = 0;
  request.on('data', onData);

  function onData(piece: Buffer): void {
    arrived += piece.length;
    if (arrived < size) {
      (pieces ??= []).push(piece);
      return;
    }
    request.off('data', onData);
    take(pieces === undefined ? piece : Buffer.concat([...pieces, piece]));
  }
}
