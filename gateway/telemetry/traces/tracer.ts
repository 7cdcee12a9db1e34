import type { RequestHead } from '../../request/incoming-request';
import type { Options } from '../../options';
import { type ParentContext, parentIn, readTrace, type TraceContext } from '../trace-context';
import type { Span } from './span';
import { type Recorder, Trace, type TraceIdentity, type TraceSource, type TracingHeaders } from './trace';
import { readDatadog } from './datadog';
import { readXRay, xRayTraceId } from './x-ray';

export interface TracerOptions extends TraceSource {
  /** 32 random hexadecimal digits. */
  readonly newTraceId: () => string;
  /** Decides whether a trace is exported. @param parent of the client; undefined where it has sent none */
  readonly isSampled: (traceId: string, parent: ParentContext | undefined) => boolean;
  readonly keep: Options['telemetry']['traces']['keep'];
  /** Whether X-Ray's header counts, too, and trace ids are as X-Ray takes them. */
  readonly xRay: boolean;
  /** Whether Datadog's headers count, too. */
  readonly datadog: boolean;
}

/** The trace of one request: of the client's, or one that begins with it. */
export interface OwnTrace extends Pick<TraceContext, 'traceId'> {
  /** The span of the request; undefined where none is recorded. */
  readonly span: Span | undefined;
  /** The headers of calls that belong to no other span, for the request with this id. */
  readonly headersFor: (requestId: string) => TracingHeaders;
  /** Whether it is only for the console: it is in no header and no log line. */
  readonly isLocal: boolean;
}

/** Begins the traces of requests and events. */
export class Tracer {
  readonly #options: TracerOptions;
  readonly #keepsAny: boolean;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#keepsAny = options.keep.failed || options.keep.slowerThan !== undefined;
  }

  /**
   * Begins the span of a request. Undefined where it has no trace but that of its client.
   *
   * @param route the path that it was sent to
   * @param start in milliseconds of `performance.now()`
   */
  begin({ method, headers }: RequestHead, route: string, start: number): OwnTrace | undefined {
    const { isSampled: decide, recorder, isLocal = false } = this.#options;
    const isChosen = recorder?.isChosen() === true;
    if (isLocal && !isChosen) return undefined;
    const parent = this.#parentIn(headers);
    const id = parent?.traceId ?? this.#newTraceId();
    const isSampled = decide(id, parent);
    if (!isSampled && !this.#keepsAny && !isChosen) {
      return new TracePassedOn(this.#options, { id, isSampled }, parent?.spanId);
    }
    const isCollected = recorder !== undefined;
    const trace = new Trace(this.#options, { id, isSampled }, isCollected);
    if (trace.notes !== undefined) trace.notes.isChosen = isChosen || isSampled;
    const remote = parent?.spanId === undefined ? undefined : { id: parent.spanId };
    return new TraceOfSpan(trace.begin(nameFor(method, route), 'server', start, remote));
  }

  /**
   * Begins the trace of what a request causes later, such as the answer to an event. It is exported as the request is, and
   * the console chooses it apart. Undefined where neither does.
   *
   * @param cause the span of the request; undefined where none is recorded
   */
  beginCaused(cause: Span | undefined, name: string): Span | undefined {
    const { recorder, isLocal = false } = this.#options;
    const isChosen = recorder?.isChosen() === true;
    if ((isLocal || cause === undefined) && !isChosen) return undefined;
    const isCollected = isChosen || (recorder !== undefined && this.#keepsAny);
    const isSampled = cause?.trace.isSampled === true;
    const identity = { id: this.#newTraceId(), isSampled };
    const trace = new Trace(this.#options, identity, isCollected);
    if (trace.notes !== undefined) trace.notes.isChosen = isChosen;
    const span = trace.begin(name, 'consumer', performance.now(), undefined);
    if (cause !== undefined) span.link(cause);
    return span;
  }

  /**
   * Begins the span of a request that is over and was not traced. Only the console gets it.
   *
   * @param traceId of the request. @default that of its client, or a new one
   */
  beginLate(
    { method, headers }: RequestHead,
    route: string,
    start: number,
    traceId: string | undefined,
  ): Span {
    const sent = readTrace(single(headers['traceparent']), undefined);
    const parent = sent && parentIn(sent);
    const id = traceId ?? parent?.traceId ?? this.#newTraceId();
    const trace = new Trace(this.#options, { id, isSampled: false }, true);
    trace.notes!.isLate = true;
    const remote = parent?.spanId === undefined ? undefined : { id: parent.spanId };
    return trace.begin(nameFor(method, route), 'server', start, remote);
  }

  /** What is recorded for the console; undefined where nothing is. */
  get recorder(): Recorder | undefined {
    return this.#options.recorder;
  }

  /** Ends the first span of a trace, and with it decides whether a trace that was not chosen before is kept. */
  end(span: Span, hasFailed: boolean): void {
    const { failed, slowerThan = Infinity } = this.#options.keep;
    const { trace } = span;
    span.end();
    const { notes } = trace;
    const isLate = notes?.isLate === true;
    const isKept = !isLate && ((failed && hasFailed) || span.milliseconds >= slowerThan);
    trace.decide(isKept);
    trace.close();
    if (notes !== undefined && (isKept || notes.isChosen === true || notes.isFailure === true))
      this.#options.recorder!.take(span);
  }

  #parentIn(headers: RequestHead['headers']): ParentContext | undefined {
    const { xRay, datadog } = this.#options;
    const sent = readTrace(single(headers['traceparent']), undefined);
    if (sent !== undefined) return parentIn(sent);
    const parent = datadog ? readDatadog(headers) : undefined;
    return parent ?? (xRay ? readXRay(single(headers['x-amzn-trace-id'])) : undefined);
  }

  #newTraceId(): string {
    const random = this.#options.newTraceId();
    return this.#options.xRay ? xRayTraceId(random) : random;
  }
}

/** A name for the span of a request: clients may send any method. */
const nameFor = (method: string, route: string): string =>
  `${method === 'POST' || method === 'GET' ? method : 'HTTP'} ${route}`;

/** The trace of a request without a span: that of its client, or one that only subgraphs know. */
class TracePassedOn implements OwnTrace {
  readonly span = undefined;
  readonly isLocal = false;
  readonly #source: TraceSource;
  readonly #identity: TraceIdentity;
  #spanId: string | undefined;

  /** @param spanId of the client. @default one is made when headers are read */
  constructor(source: TraceSource, identity: TraceIdentity, spanId: string | undefined) {
    this.#source = source;
    this.#identity = identity;
    this.#spanId = spanId;
  }

  get traceId(): string {
    return this.#identity.id;
  }

  headersFor(requestId: string): TracingHeaders {
    return this.#source.writeHeaders(this.#identity, (this.#spanId ??= this.#source.newSpanId()), requestId);
  }
}

/** The trace of a request whose span is recorded. Its headers are written only where they are read. */
class TraceOfSpan implements OwnTrace {
  readonly traceId: string;
  readonly span: Span;

  constructor(span: Span) {
    this.traceId = span.trace.id;
    this.span = span;
  }

  headersFor(requestId: string): TracingHeaders {
    return this.span.headersFor(requestId);
  }

  get isLocal(): boolean {
    return this.span.trace.source.isLocal === true;
  }
}

const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.join(',');
