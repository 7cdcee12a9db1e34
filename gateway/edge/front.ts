import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admit } from '../auth/authentication';
import type { ClientRequest } from '../client-request';
import { holdLeave } from '../continue';
import { hasTooLargeHeaders } from '../header-limits';
import type { Places } from '../limits/places';
import type { Rates } from '../limits/rates';
import { refuseRepeatedCredentials } from '../repeated-credentials';
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
  readonly places: Pick<Places, 'take' | 'giveBack'>;
}

/**
 * What a request meets first: operations that are known are answered here, at a third of what the way through the
 * routes and Apollo Server costs. Everything unusual is left to the routes, with its body unread.
 *
 * A body is waited for before the request has a place: whoever sends no more of it takes none from others.
 */
export function createFront({
  path,
  bodyLimit,
  isOpen,
  admit,
  admitByHeaders,
  rates,
  answerers,
  places,
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
    // The routes say what is wrong with its headers.
    const isUsual =
      !hasTooLargeHeaders(request) && refuseRepeatedCredentials(request) === undefined && isOpen();
    const isPost = isUsual && request.method === 'POST' && request.url === path;
    const size = isPost ? jsonSize(request) : 0;
    const isTaken = size > 0 && size <= bodyLimit;
    const meetWith = (body: Buffer): void =>
      places.take(client, () => meet({ client, request, response, body }, route));
    const mustAskFirst = isPost && admitByHeaders !== undefined && request.headers.expect !== undefined;
    if (isTaken && !mustAskFirst) {
      takeBody(request, size, meetWith);
      return;
    }
    if (request instanceof WholeRequest) request.hold();
    if (isUsual && request.method === 'GET' && request.url!.startsWith(pathOfGet) && !hasBody(request)) {
      meetWith(noBody);
      return;
    }
    const giveLeave = holdLeave(request);
    const leaveToRoutes = (): void => {
      giveBack(request, noBody);
      route(request, response);
      giveLeave();
    };
    if (!mustAskFirst) {
      places.take(client, leaveToRoutes);
      return;
    }
    const goOn = (isAdmitted: boolean): void => {
      if (!isAdmitted || !isTaken) {
        leaveToRoutes();
        return;
      }
      places.giveBack(client);
      giveLeave();
      takeBody(request, size, meetWith);
    };
    places.take(client, () => {
      const admitted = admitByHeaders(client, factsOf(client, request, noBody));
      if (typeof admitted === 'boolean') goOn(admitted);
      else void admitted.then(goOn);
    });
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
    request.pause();
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
