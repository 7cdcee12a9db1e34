import { compileSignedIdentity } from '../auth/signed-identity';
import {
  goneClient,
  IncomingRequest,
  type IncomingRequestOptions,
  type RequestHead,
} from './incoming-request';
import { isProbe, pathOf } from '../http/paths';
import type { Options } from '../options';
import type { Sink } from './sink';
import { compileAccessLine, type DescribeRequest } from '../telemetry/access-line';
import type { Logger } from '../telemetry/logger';
import type { Metrics } from '../telemetry/metrics/metrics';
import { type EndRequestSpan, isFailure, requestSpansOf } from '../telemetry/traces/request-span';
import type { Span } from '../telemetry/traces/span';
import type { Tracer } from '../telemetry/traces/tracer';
import { compileCallHeaders, headerRulesOf } from '../subgraph-calls/header-rules';
import { LiveSet, outOfSet } from '../subgraph-calls/sharing/live-set';

export interface RequestsInFlightOptions {
  readonly options: Options;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** The client requests that are not answered yet. Each begins here, is measured, and gets a line in the access log. */
export class RequestsInFlight {
  readonly #settings: RequestsInFlightOptions;
  readonly #ofAll: IncomingRequestOptions;
  readonly #describe: DescribeRequest;
  readonly #endSpan: EndRequestSpan | undefined;
  readonly #inFlight = new LiveSet<IncomingRequest>();
  /** Successful requests since the start: the access log has only a sample of them. */
  #wellAnswered = 0;
  #admitted = 0;
  #working = 0;
  /** Called after each admitted request that has ended. */
  onEnd = (): void => undefined;

  constructor(settings: RequestsInFlightOptions) {
    this.#settings = settings;
    const { logging, mode, privateLinks, telemetry, timeouts, tls } = settings.options;
    const { tracer } = settings;
    this.#describe = compileAccessLine(logging);
    this.#endSpan = tracer && requestSpansOf(tracer, tls === undefined ? 'http' : 'https');
    this.#ofAll = {
      forwardIn: compileForward(settings.options),
      signIdentity: compileSignedIdentity(privateLinks),
      timeout: timeouts.request,
      reportsTimes: mode === 'development',
      datadog: telemetry.traces.datadog,
      onSettle: ({ isAdmitted }) => {
        if (isAdmitted) this.#working--;
      },
    };
  }

  get size(): number {
    return this.#inFlight.size;
  }

  /** How many of them are admitted: the others are still arriving, or wait for a slot. */
  get admitted(): number {
    return this.#admitted;
  }

  /** How many of the admitted are worked on: the others have answers that their clients have not read yet. */
  get working(): number {
    return this.#working;
  }

  [Symbol.iterator](): Iterator<IncomingRequest> {
    return this.#inFlight[Symbol.iterator]();
  }

  /**
   * Begins a request whose head has come at `start`, before anything else is done for it. It ends with `end`.
   *
   * @param address of its client: an IP address
   * @param timeout milliseconds; left out: `timeouts.request`
   */
  begin(head: RequestHead, address: string, sink: Sink, start: number, timeout?: number): IncomingRequest {
    const request = new IncomingRequest(this.#ofAll, head, address, sink, start, timeout);
    const { tracer } = this.#settings;
    const route = tracer && this.#routeOf(head);
    if (route !== undefined) request.ownTrace = tracer!.begin(head, route, start);
    this.#inFlight.add(request);
    return request;
  }

  /** Counts a request as admitted. */
  admit(request: IncomingRequest): void {
    if (request.indexInSet === outOfSet) return;
    request.isAdmitted = true;
    this.#admitted++;
    if (!request.isSettled) this.#working++;
  }

  /** Takes back the admission of a request until more of its body has arrived. */
  suspend(request: IncomingRequest): void {
    if (request.indexInSet === outOfSet) return;
    request.isAdmitted = false;
    this.#admitted--;
    if (!request.isSettled) this.#working--;
  }

  /** Forgets a request that is refused before it is admitted. It appears neither in the metrics nor in the access log. */
  dismiss(request: IncomingRequest): void {
    if (request.indexInSet === outOfSet) return;
    this.#inFlight.delete(request);
    request.end();
  }

  /** Ends a request whose client has the answer, or has left. @param status undefined without an answer */
  end(request: IncomingRequest, status: number | undefined): void {
    if (request.indexInSet === outOfSet) return;
    this.#inFlight.delete(request);
    if (status === undefined) request.abort(goneClient);
    request.end();
    // First, as it is known then whether the trace is exported.
    const span = request.span ?? this.#lateSpan(request, status);
    if (span !== undefined) this.#endSpan!(span, request, this.#routeOf(request.head)!, status);
    this.#record(request, status);
    if (!request.isAdmitted) return;
    this.#admitted--;
    this.onEnd();
  }

  /** The span of a request that was not traced, but is recorded as it has failed, was refused or was slow. */
  #lateSpan(request: IncomingRequest, status: number | undefined): Span | undefined {
    const { tracer } = this.#settings;
    const { head, start, ownTrace } = request;
    if (tracer === undefined || !isFailure(tracer.recorder, request, status)) return undefined;
    const route = this.#routeOf(head);
    return route === undefined ? undefined : tracer.beginLate(head, route, start, ownTrace?.traceId);
  }

  /** The path of the endpoint, or of the tools of agents, that a request is sent to; undefined for one to any other path. */
  #routeOf({ url }: RequestHead): string | undefined {
    const { path, mcp } = this.#settings.options;
    if (url === path) return path;
    const own = pathOf(url);
    if (own === path) return path;
    return own === mcp?.path ? own : undefined;
  }

  #record(request: IncomingRequest, answered: number | undefined): void {
    const { url } = request.head;
    const isForHealth = isProbe(url);
    const { metrics, logger, options } = this.#settings;
    const status = answered ?? clientGone;
    const milliseconds = performance.now() - request.start;
    if (!isForHealth)
      metrics.requests.record(request, this.#routeOf(request.head), answered, milliseconds / 1000);
    const level = isForHealth ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    const isWell = status < 400 && request.errorsLeftOut === 0 && !isForHealth;
    if (isWell && this.#wellAnswered++ % options.logging.sampling !== 0) return;
    logger.writeLine(level, this.#describe(request, status, milliseconds), 'request');
  }
}

/** Graphs may have other subgraphs by name, with rules of their own. */
function compileForward(options: Options): IncomingRequestOptions['forwardIn'] {
  const all = compileCallHeaders(headerRulesOf(options));
  const own = new Map(
    Object.entries(options.graphs?.of ?? {}).map(([graph, { subgraphs }]) => {
      const merged = { ...options, subgraphs: { ...options.subgraphs, ...subgraphs } };
      return [graph, subgraphs === undefined ? all : compileCallHeaders(headerRulesOf(merged))] as const;
    }),
  );
  return (graph) => (graph === undefined ? undefined : own.get(graph)) ?? all;
}

/** The client closed the connection before it had the answer (nginx's status). */
const clientGone = 499;
