import type * as OpenTelemetry from '@opentelemetry/api';
import { type Cause } from '../events/event';
import { traceIdIn } from './trace';

/** The kinds of OpenTelemetry. */
export type SpanKind = 'internal' | 'server' | 'client' | 'consumer';

export interface SpanOptions {
  /** @default 'internal' */
  readonly kind?: SpanKind;
  /** Its trace context names the parent. Without one, a trace begins. */
  readonly cause?: Pick<Cause, 'traceparent' | 'tracestate'> | undefined;
  /** What it belongs to besides. */
  readonly links?: readonly Pick<Cause, 'traceparent'>[];
  readonly attributes: OpenTelemetry.Attributes;
  /** When it began, in milliseconds since 1970. @default now */
  readonly start?: number;
}

/** Begins spans, of OpenTelemetry's SDK. There is none where nothing is exported. */
export class Tracer {
  readonly #api: typeof OpenTelemetry;
  readonly #tracer: OpenTelemetry.Tracer;

  constructor(api: typeof OpenTelemetry, tracer: OpenTelemetry.Tracer) {
    this.#api = api;
    this.#tracer = tracer;
  }

  /** Begins a span. Where its trace is not sampled, it records nothing and only hands the decision on. */
  begin(name: string, { kind = 'internal', cause = {}, links = [], attributes, start }: SpanOptions): Span {
    const { trace, ROOT_CONTEXT, SpanKind: kinds, createTraceState } = this.#api;
    const parent = spanContextOf(cause);
    const state = cause.tracestate === undefined ? undefined : createTraceState(cause.tracestate);
    const context = parent
      ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, ...(state && { traceState: state }) })
      : ROOT_CONTEXT;
    const options: OpenTelemetry.SpanOptions = {
      kind: kinds[kind.toUpperCase() as Uppercase<SpanKind>],
      attributes,
      links: links.flatMap((link) => {
        const linked = spanContextOf(link);
        return linked ? [{ context: linked }] : [];
      }),
      ...(start !== undefined && { startTime: start }),
    };
    return new Span(this.#tracer.startSpan(name, options, context), this.#api);
  }
}

/** What a subgraph does, from when to when. */
export class Span {
  readonly #span: OpenTelemetry.Span;
  readonly #failed: OpenTelemetry.SpanStatusCode;
  readonly traceId: string;
  readonly id: string;
  /** Whether it is exported. */
  readonly isRecording: boolean;
  /** For who is called within it. */
  readonly traceparent: string;
  readonly tracestate: string | undefined;

  constructor(span: OpenTelemetry.Span, { SpanStatusCode }: Pick<typeof OpenTelemetry, 'SpanStatusCode'>) {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    this.#span = span;
    this.#failed = SpanStatusCode.ERROR;
    this.traceId = traceId;
    this.id = spanId;
    this.isRecording = span.isRecording();
    this.traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
    this.tracestate = traceState?.serialize() || undefined;
  }

  /** The cause of what is done within it. */
  causing(correlationid: string): Cause {
    const { traceparent, tracestate } = this;
    return { correlationid, traceparent, ...(tracestate !== undefined && { tracestate }) };
  }

  set(attributes: OpenTelemetry.Attributes): void {
    this.#span.setAttributes(attributes);
  }

  /** Marks it as failed. @param type its `error.type`: one of few texts */
  fail(type: string): void {
    this.set({ 'error.type': type.slice(0, 100) });
    this.#span.setStatus({ code: this.#failed });
  }

  end(): void {
    this.#span.end();
  }
}

/** The `error.type` of an error: never its message, which may have values. */
export function errorTypeOf(error: unknown): string {
  const { code, cause, name } = Object(error) as Readonly<Record<string, unknown>>;
  // `fetch` has the code of a failed connection in the cause.
  const { code: inner } = Object(cause) as Readonly<Record<string, unknown>>;
  return [code, inner, name].find((type) => typeof type === 'string') ?? '_OTHER';
}

/** Ends the span, if there is one, as the action ends. */
export async function during<Result>(span: Span | undefined, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    span?.fail(errorTypeOf(error));
    throw error;
  } finally {
    span?.end();
  }
}

/** The span that a trace context names; undefined where it has none, or a broken one. */
function spanContextOf({ traceparent }: Pick<Cause, 'traceparent'>): OpenTelemetry.SpanContext | undefined {
  if (traceparent === undefined || traceIdIn(traceparent) === undefined) return undefined;
  const [, traceId, spanId, flags] = traceparent.split('-');
  return {
    ...{ traceId: traceId!, spanId: spanId!, isRemote: true },
    traceFlags: Number.parseInt(flags!, 16) & 1,
  };
}
