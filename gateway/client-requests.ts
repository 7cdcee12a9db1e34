import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { compileSignedIdentity } from './auth/signed-identity';
import { compileClientAddress } from './client-address';
import { ClientGone, ClientRequest, type ClientRequestOptions } from './client-request';
import { isProbe } from './health';
import type { Options } from './options';
import type { Logger } from './telemetry/logger';
import type { Metrics } from './telemetry/metrics';
import { compileHeaderRules } from './transports/headers';
import { LiveSet, outOfSet } from './transports/live-set';

export interface ClientRequestsOptions {
  readonly options: Options;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called after each one that has been served and has ended. */
  readonly onEnd: () => void;
}

/** The requests of clients that are not answered yet: each begins here, is measured, and has its line in the access log. */
export class ClientRequests {
  readonly #settings: ClientRequestsOptions;
  readonly #ofAll: ClientRequestOptions;
  readonly #onClose: (this: ServerResponse) => void;
  readonly #inFlight = new LiveSet<ClientRequest>();
  /** By connection: responses to requests that came before those before them were answered. */
  readonly #queued = new WeakMap<Socket, Set<ServerResponse>>();
  /** Since the start, to log some of them. */
  #wellAnswered = 0;
  #counted = 0;
  #served = 0;
  #working = 0;

  constructor(settings: ClientRequestsOptions) {
    this.#settings = settings;
    const { headers, privateLinks, timeouts, trustedProxies } = settings.options;
    this.#ofAll = {
      forward: compileHeaderRules(headers),
      signIdentity: compileSignedIdentity(privateLinks),
      timeout: timeouts.request,
      addressOf: compileClientAddress(trustedProxies),
      onSettle: ({ isServed }) => {
        if (isServed) this.#working--;
      },
    };
    const end = this.#end.bind(this);
    // One for all requests: a listener of its own for each costs more than what it does.
    this.#onClose = function () {
      end(this.req, this);
    };
  }

  get size(): number {
    return this.#inFlight.size;
  }

  /** How many of them are served: the others have not arrived whole, or wait for their turn. */
  get served(): number {
    return this.#served;
  }

  /** How many of those that are served are worked on: the others have their answer, which their clients have not read. */
  get working(): number {
    return this.#working;
  }

  /** How many of them are no probes of health. */
  get counted(): number {
    return this.#counted;
  }

  [Symbol.iterator](): Iterator<ClientRequest> {
    return this.#inFlight[Symbol.iterator]();
  }

  /** Their responses. */
  *responses(): Iterable<ServerResponse> {
    for (const { response } of this) yield response;
  }

  /**
   * Begins a request whose headers have come at `arrival`, before anything else is done for it. It ends with its
   * response, or when the client leaves.
   */
  begin(request: IncomingMessage & WithClient, response: ServerResponse, arrival: number): ClientRequest {
    const client = new ClientRequest(this.#ofAll, request, response, arrival);
    request[clientKey] = client;
    this.#inFlight.add(client);
    if (!isProbe(request.url!)) this.#counted++;
    response.on('close', this.#onClose);
    if (response.socket === null) this.#followQueued(client, response);
    return client;
  }

  /** Counts one that takes its turn among those that are served. */
  serve(client: ClientRequest): void {
    if (client.place === outOfSet) return;
    client.isServed = true;
    this.#served++;
    if (!client.isSettled) this.#working++;
  }

  /** Takes back that one is served. */
  suspend(client: ClientRequest): void {
    if (client.place === outOfSet) return;
    client.isServed = false;
    this.#served--;
    if (!client.isSettled) this.#working--;
  }

  /** Forgets one that is refused before it is served: of that neither the metrics nor the access log tell. */
  dismiss(client: ClientRequest): void {
    if (client.place === outOfSet) return;
    this.#inFlight.delete(client);
    this.#counted--;
    client.end();
  }

  /** A response whose turn on its connection has not come: when its client leaves, Node says so of the first one only. */
  #followQueued(client: ClientRequest, response: ServerResponse): void {
    const { socket } = response.req;
    let queue = this.#queued.get(socket);
    if (queue === undefined) {
      const created = new Set<ServerResponse>();
      this.#queued.set(socket, (queue = created));
      socket.once('close', () => {
        for (const each of created) this.#end(each.req, each);
      });
    }
    queue.add(response);
    client.onEnd(() => queue.delete(response));
  }

  #end(request: IncomingMessage, response: ServerResponse): void {
    const client = clientOf(request);
    if (client.place === outOfSet) return;
    this.#inFlight.delete(client);
    const answered = isAnswered(response);
    if (!answered) client.abort(new ClientGone());
    client.end();
    this.#record(client, request, response, answered);
    if (!client.isServed) return;
    this.#served--;
    this.#settings.onEnd();
  }

  #record(
    client: ClientRequest,
    request: IncomingMessage,
    response: ServerResponse,
    answered: boolean,
  ): void {
    const isForHealth = isProbe(request.url!);
    const { metrics, logger } = this.#settings;
    const status = answered ? response.statusCode : clientGone;
    const milliseconds = performance.now() - client.start;
    const method = request.method!;
    if (!isForHealth) {
      this.#counted--;
      metrics.requestDurations.record(milliseconds / 1000, method, status);
    }
    const level = isForHealth ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    if (status < 400 && !isForHealth && this.#wellAnswered++ % this.#settings.options.logging.sampling !== 0)
      return;
    logger.writeLine(level, factsOf(client, method, request.url!, status, milliseconds), 'request');
  }
}

/** As JSON. Request ids and names of GraphQL are of letters, digits and some signs. */
function factsOf(
  { id, trace, operation }: ClientRequest,
  method: string,
  url: string,
  status: number,
  milliseconds: number,
): string {
  const path = JSON.stringify(pathOf(url));
  const ms = Math.round(milliseconds * 10) / 10;
  let facts = `,"requestId":"${id}","traceId":"${trace.traceId}","method":${JSON.stringify(method)},"path":${path},"status":${status},"ms":${ms}`;
  if (operation === undefined) return facts;
  facts += `,"operationType":"${operation.type}"`;
  return operation.name === null ? facts : `${facts},"operation":"${operation.name}"`;
}

/** Of a stream of HTTP/2 that its client has reset, Node says that the response is finished, whatever was sent of it. */
const isAnswered = (response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>): boolean =>
  response.writableEnded && response.writableFinished && (response.stream?.rstCode ?? 0) === 0;

/** As nginx says it: the client closed the connection before it had the answer. */
const clientGone = 499;

const clientKey = Symbol('client');

interface WithClient {
  [clientKey]?: ClientRequest;
}

/** The client request that was begun with an HTTP request. */
export const clientOf = (request: IncomingMessage & WithClient): ClientRequest => request[clientKey]!;

/** The path of a URL without its query string. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
