import { compileSignedIdentity } from '../auth/signed-identity';
import {
  ClientGone,
  IncomingRequest,
  type IncomingRequestOptions,
  type RequestHead,
} from './incoming-request';
import { isProbe, pathOf } from '../http/paths';
import type { Options } from '../options';
import type { Sink } from './sink';
import type { Logger } from '../telemetry/logger';
import type { Metrics } from '../telemetry/metrics';
import { compileHeaderRules } from '../subgraph-calls/headers';
import { LiveSet, outOfSet } from '../subgraph-calls/live-set';

export interface RequestsInFlightOptions {
  readonly options: Options;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called after each one that has been served and has ended. */
  readonly onEnd: () => void;
}

/** The requests of clients that are not answered yet: each begins here, is measured, and has its line in the access log. */
export class RequestsInFlight {
  readonly #settings: RequestsInFlightOptions;
  readonly #ofAll: IncomingRequestOptions;
  readonly #inFlight = new LiveSet<IncomingRequest>();
  /** Since the start, to log some of them. */
  #wellAnswered = 0;
  #counted = 0;
  #served = 0;
  #working = 0;

  constructor(settings: RequestsInFlightOptions) {
    this.#settings = settings;
    const { headers, privateLinks, timeouts } = settings.options;
    this.#ofAll = {
      forward: compileHeaderRules(headers),
      signIdentity: compileSignedIdentity(privateLinks),
      timeout: timeouts.request,
      onSettle: ({ hasSlot }) => {
        if (hasSlot) this.#working--;
      },
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

  [Symbol.iterator](): Iterator<IncomingRequest> {
    return this.#inFlight[Symbol.iterator]();
  }

  /**
   * Begins a request whose head has come at `start`, before anything else is done for it. It ends with `end`.
   *
   * @param address of its client: an IP address
   */
  begin(head: RequestHead, address: string, sink: Sink, start: number): IncomingRequest {
    const request = new IncomingRequest(this.#ofAll, head, address, sink, start);
    this.#inFlight.add(request);
    if (!isProbe(head.url)) this.#counted++;
    return request;
  }

  /** Counts one that takes its turn among those that are served. */
  serve(request: IncomingRequest): void {
    if (request.place === outOfSet) return;
    request.hasSlot = true;
    this.#served++;
    if (!request.isSettled) this.#working++;
  }

  /** Takes back that one is served. */
  suspend(request: IncomingRequest): void {
    if (request.place === outOfSet) return;
    request.hasSlot = false;
    this.#served--;
    if (!request.isSettled) this.#working--;
  }

  /** Forgets one that is refused before it is served: of that neither the metrics nor the access log tell. */
  dismiss(request: IncomingRequest): void {
    if (request.place === outOfSet) return;
    this.#inFlight.delete(request);
    this.#counted--;
    request.end();
  }

  /**
   * Ends a request whose answer its client has, or whose client has left.
   *
   * @param status of the answer; undefined when there is none
   */
  end(request: IncomingRequest, status: number | undefined): void {
    if (request.place === outOfSet) return;
    this.#inFlight.delete(request);
    if (status === undefined) request.abort(new ClientGone());
    request.end();
    this.#record(request, status ?? clientGone);
    if (!request.hasSlot) return;
    this.#served--;
    this.#settings.onEnd();
  }

  #record(request: IncomingRequest, status: number): void {
    const { method, url } = request.head;
    const isForHealth = isProbe(url);
    const { metrics, logger } = this.#settings;
    const milliseconds = performance.now() - request.start;
    if (!isForHealth) {
      this.#counted--;
      metrics.requestDurations.record(milliseconds / 1000, method, status);
    }
    const level = isForHealth ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    const isWell = status < 400 && request.errorsLeftOut === 0 && !isForHealth;
    if (isWell && this.#wellAnswered++ % this.#settings.options.logging.sampling !== 0) return;
    logger.writeLine(level, factsOf(request, status, milliseconds), 'request');
  }
}

/** As JSON. Request ids and names of GraphQL are of letters, digits and some signs. */
function factsOf(
  { id, trace, operation, errorsLeftOut, head: { method, url } }: IncomingRequest,
  status: number,
  milliseconds: number,
): string {
  const path = JSON.stringify(pathOf(url));
  const ms = Math.round(milliseconds * 10) / 10;
  let facts = `,"requestId":"${id}","traceId":"${trace.traceId}","method":${JSON.stringify(method)},"path":${path},"status":${status},"ms":${ms}`;
  if (operation === undefined) return facts;
  facts += `,"operationType":"${operation.type}"`;
  if (errorsLeftOut > 0) facts += `,"errorsLeftOut":${errorsLeftOut}`;
  return operation.name === null ? facts : `${facts},"operation":"${operation.name}"`;
}

/** As nginx says it: the client closed the connection before it had the answer. */
const clientGone = 499;
