import type { RequestHead } from '../../request/incoming-request';
import type { Options } from '../../options';
import { readTrace, type TraceContext } from '../trace-context';
import type { Span } from './span';
import { Trace, type TraceSource } from './trace';

export interface TracerOptions extends TraceSource {
  readonly newTraceId: () => string;
  /** Decides whether a trace is exported. @param parent of the client; undefined where it has sent none */
  readonly isSampled: (traceId: string, parent: ParentContext | undefined) => boolean;
  readonly keep: Options['telemetry']['traces']['keep'];
  /** The path of the endpoint. */
  readonly path: string;
}

/** The span of a client, in another process. */
export interface ParentContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** The trace of one request: of the client's, or one that begins with it. */
export interface OwnTrace extends TraceContext {
  /** The span of the request; undefined where none is recorded. */
  readonly span: Span | undefined;
}

/** Begins the traces of requests and events. */
export class Tracer {
  readonly #options: TracerOptions;
  readonly #keepsAny: boolean;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#keepsAny = options.keep.failed || options.keep.slowerThan !== undefined;
  }

  /** Begins the span of a request. @param start in milliseconds of `performance.now()` */
  begin({ method, headers }: RequestHead, start: number): OwnTrace {
    const { newTraceId, newSpanId, isSampled: decide } = this.#options;
    const sent = readTrace(single(headers['traceparent']), single(headers['tracestate']));
    const parent = sent && parentIn(sent);
    const id = parent?.traceId ?? newTraceId();
    const isSampled = decide(id, parent);
    if (!isSampled && !this.#keepsAny) {
      if (sent !== undefined && !parent!.isSampled) return { ...sent, span: undefined };
      const traceparent = `00-${id}-${parent?.spanId ?? newSpanId()}-00`;
      return { traceId: id, traceparent, tracestate: sent?.tracestate, span: undefined };
    }
    const trace = new Trace(this.#options, { id, isSampled, state: sent?.tracestate });
    const span = trace.begin({
      name: `${knownOf(method)} ${this.#options.path}`,
      ...{ kind: 'server', parentId: parent?.spanId, isParentRemote: true, start },
    });
    return contextOf(span);
  }

  /** Begins the trace of what a request causes later, such as the answer to an event. It is sampled as the request was. */
  beginCaused(cause: Span, name: string): Span {
    const trace = new Trace(this.#options, {
      ...{ id: this.#options.newTraceId(), isSampled: cause.trace.isSampled, state: undefined },
    });
    const start = performance.now();
    const span = trace.begin({ name, kind: 'consumer', parentId: undefined, start });
    span.link(cause);
    return span;
  }

  /** Ends the first span of a trace, and with it decides about a trace that was not sampled. */
  end(span: Span, hasFailed: boolean): void {
    const { failed, slowerThan = Infinity } = this.#options.keep;
    span.end();
    span.trace.decide((failed && hasFailed) || span.milliseconds >= slowerThan);
  }
}

/** The trace context of what is done within a span. */
const contextOf = (span: Span): OwnTrace => ({
  traceId: span.trace.id,
  traceparent: traceparentOf(span.trace, span.id),
  tracestate: span.trace.state,
  span,
});

/** A `traceparent` of version 00. */
export const traceparentOf = ({ id, isSampled }: Pick<Trace, 'id' | 'isSampled'>, spanId: string): string =>
  `00-${id}-${spanId}-0${isSampled ? 1 : 0}`;

/** The fields of a valid `traceparent`. */
function parentIn({ traceId, traceparent }: TraceContext): ParentContext {
  const flags = Number.parseInt(traceparent.slice(53, 55), 16);
  return { traceId, spanId: traceparent.slice(36, 52), isSampled: (flags & 1) === 1 };
}

/** A name for spans: clients may send any method. */
const knownOf = (method: string): string => (method === 'POST' || method === 'GET' ? method : 'HTTP');

const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.join(',');
