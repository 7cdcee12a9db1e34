import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admit } from '../auth/authentication';
import type { ClientRequest } from '../client-request';
import { giveLeaveAfter } from '../continue';
import { hasTooLargeHeaders } from '../header-limits';
import type { Rates } from '../limits/rates';
import { WholeRequest } from './whole-messages';

/** Answers a request or hands it on to the routes. */
export type Front = (
  client: ClientRequest,
  request: IncomingMessage,
  response: ServerResponse,
  route: Route,
) => void;

type Route = (request: IncomingMessage, response: ServerResponse) => void;

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
  /** For who waits for leave to send a body; undefined like `admit`. */
  readonly admitByHeaders: Admit | undefined;
  /** Undefined when no rate is configured. */
  readonly rates: Rates | undefined;
  readonly answerers: readonly Answerer[];
}

/**
 * What a request meets first: operations that are known are answered here, at a third of what the way through the
 * routes and Apollo Server costs. Everything unusual is left to the routes, with its body unread.
 */
export function createFront({
  path,
  bodyLimit,
  isOpen,
  admit,
  admitByHeaders,
  rates,
  answerers,
}: FrontOptions): Front {
  const pathOfGet = `${path}?`;

  const isAnswered = (arrival: Arrival, isAdmitted: boolean): boolean => {
    if (rates?.refuse(arrival.client) !== undefined || !isAdmitted) return false;
    for (const answers of answerers) {
      if (!answers(arrival)) continue;
      letGo(arrival.request);
      return true;
    }
    return false;
  };

  function meet(arrival: Arrival, route: Route): void {
    const { client, request, response, body } = arrival;
    // The routes say why somebody is refused.
    const admitted = admit === undefined || admit(client, factsOf(client, request, body));
    if (typeof admitted !== 'boolean') {
      hold(request);
      void admitted.then((isAdmitted) => {
        if (isAnswered(arrival, isAdmitted)) return;
        giveBack(request, body);
        route(request, response);
      });
    } else if (!isAnswered(arrival, admitted)) {
      hold(request);
      giveBack(request, body);
      route(request, response);
    }
  }

  return (client, request, response, route) => {
    const isUsual = !hasTooLargeHeaders(request) && isOpen();
    if (isUsual && request.method === 'GET' && request.url!.startsWith(pathOfGet) && !hasBody(request)) {
      meet({ client, request, response, body: noBody }, route);
      return;
    }
    const size = isUsual && request.url === path && request.method === 'POST' ? jsonSize(request) : 0;
    const leaveToRoutes = (): void => {
      giveBack(request, noBody);
      route(request, response);
    };
    const take = (): void =>
      takeBody(request, size, (body) => meet({ client, request, response, body }, route));
    if (size === 0 || size > bodyLimit) leaveToRoutes();
    else if (admitByHeaders === undefined || request.headers.expect === undefined) take();
    else {
      const admitted = admitByHeaders(client, factsOf(client, request, noBody));
      const goOn = (isAdmitted: boolean): void => (isAdmitted ? take() : leaveToRoutes());
      if (typeof admitted === 'boolean') goOn(admitted);
      else {
        hold(request);
        giveLeaveAfter(request, admitted.then(goOn));
      }
    }
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

/** Calls `take` as soon as all of a body has arrived. A client that leaves before has no answer to get. */
function takeBody(request: IncomingMessage, size: number, take: (body: Buffer) => void): void {
  if (request instanceof WholeRequest) {
    request.takeBody(size, take);
    return;
  }
  // HTTP/2 has streams only.
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

/** Keeps what comes of a request, and that it has ended, until its body is taken or given back, or it is let go. */
function hold(request: IncomingMessage): void {
  if (request instanceof WholeRequest) request.hold();
  else request.pause();
}

/** Lets others read what was taken. */
function giveBack(request: IncomingMessage, body: Buffer): void {
  if (request instanceof WholeRequest) request.handOn();
  else if (body.length > 0) request.unshift(body);
}

function letGo(request: IncomingMessage): void {
  if (request instanceof WholeRequest) request.forget();
  else request.resume();
}
