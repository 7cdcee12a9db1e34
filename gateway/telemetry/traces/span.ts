import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Trace } from './trace';

export type Kind = 'internal' | 'server' | 'client' | 'consumer';

type Value = string | number | boolean | readonly string[];

export interface SpanOptions {
  readonly name: string;
  readonly kind: Kind;
  /** Of the parent; undefined for the root of a trace. */
  readonly parentId: string | undefined;
  /** Whether the parent is a span of another process. */
  readonly isParentRemote?: boolean;
  /** In milliseconds of `performance.now()`. */
  readonly start: number;
}

/**
 * What was done for a request, from when to when. Lighter than the span of OpenTelemetry's SDK, which takes the decision to
 * export a span when it begins: here it is taken when the request ends. The SDK's processor takes it as one of its own.
 */
export class Span implements ReadableSpan {
  readonly id: string;
  readonly trace: Trace;
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes = {};
  readonly parentSpanContext?: SpanContext;
  /** How many calls were sent under it. */
  sends = 0;
  /** In milliseconds of `performance.now()`. */
  readonly start: number;
  #end: number | undefined;
  #hasFailed = false;
  #links: Link[] | undefined;
  #events: ReadableSpan['events'] | undefined;
  droppedLinksCount = 0;
  droppedEventsCount = 0;

  constructor(trace: Trace, id: string, { name, kind, parentId, isParentRemote, start }: SpanOptions) {
    this.trace = trace;
    this.id = id;
    this.name = name;
    this.kind = trace.source.kinds[kind];
    if (parentId !== undefined)
      this.parentSpanContext = {
        traceId: trace.id,
        spanId: parentId,
        traceFlags: 1,
        isRemote: isParentRemote === true,
      };
    this.start = start;
  }

  /** Begins a span within this one. @param start in milliseconds of `performance.now()`. @default now */
  child(name: string, kind: Kind = 'internal', start = performance.now()): Span {
    return this.trace.begin({ name, kind, parentId: this.id, start });
  }

  /** Sets an attribute. An undefined value sets nothing. */
  set(name: string, value: Value | undefined): void {
    if (value !== undefined) this.attributes[name] = value as string;
  }

  /** Marks it as failed. @param error its `error.type`: a code or a status, of few values */
  fail(error: string | undefined): void {
    this.#hasFailed = true;
    this.set('error.type', error);
  }

  /** Notes that something belongs to it that is in another trace, or elsewhere in this one. */
  link({ trace, id }: Span): void {
    this.#links ??= [];
    if (this.#links.length === mostLinks) this.droppedLinksCount++;
    else
      this.#links.push({ context: { traceId: trace.id, spanId: id, traceFlags: trace.isSampled ? 1 : 0 } });
  }

  addEvent(name: string, attributes: Attributes): void {
    this.#events ??= [];
    if (this.#events.length === mostEvents) this.droppedEventsCount++;
    else this.#events.push({ name, attributes, time: this.trace.timeOf(performance.now()) });
  }

  /** Ends it. A second call has no effect. */
  end(): void {
    if (this.#end !== undefined) return;
    this.#end = Math.max(performance.now(), this.start);
    this.trace.take(this);
  }

  /** The headers for who is called on behalf of it. */
  get headers(): Readonly<Record<string, string>> {
    return this.trace.headersFor(this.id);
  }

  /** Milliseconds since it began, or that it took. */
  get milliseconds(): number {
    return (this.#end ?? performance.now()) - this.start;
  }

  // What OpenTelemetry's processor and exporter read:

  spanContext(): SpanContext {
    return { traceId: this.trace.id, spanId: this.id, traceFlags: 1 };
  }

  get startTime(): HrTime {
    return this.trace.timeOf(this.start);
  }

  get endTime(): HrTime {
    return this.trace.timeOf(this.#end ?? this.start);
  }

  get duration(): HrTime {
    return hrTimeOf((this.#end ?? this.start) - this.start);
  }

  get status(): SpanStatus {
    const { unset, error } = this.trace.source.statuses;
    return this.#hasFailed ? error : unset;
  }

  get links(): Link[] {
    return this.#links ?? [];
  }

  get events(): ReadableSpan['events'] {
    return this.#events ?? [];
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  get resource(): ReadableSpan['resource'] {
    return this.trace.source.resource;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return this.trace.source.scope;
  }

  readonly droppedAttributesCount = 0;
}

/** The limits of OpenTelemetry's SDK. */
const mostLinks = 128;
/** Of one span. Each is small. */
const mostEvents = 32;

/** @param milliseconds with fractions */
export function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.trunc(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}

/** Settles as the promise does, and ends the span then. @param span undefined where nothing is traced */
export function endWith<Result>(span: Span | undefined, promise: Promise<Result>): Promise<Result> {
  if (span === undefined) return promise;
  return promise.then(
    (result) => {
      span.end();
      return result;
    },
    (error: unknown) => {
      span.fail(errorTypeOf(error));
      span.end();
      throw error;
    },
  );
}

/** The `error.type` of an error: its code if it has one, and never its message, which may quote what a client sent. */
export function errorTypeOf(error: unknown): string {
  if (error === null || typeof error !== 'object') return '_OTHER';
  const { extensions, failure, errors, name } = error as {
    readonly extensions?: { readonly code?: unknown };
    readonly failure?: unknown;
    readonly errors?: readonly unknown[];
    readonly name?: unknown;
  };
  for (const known of [failure, extensions?.code]) if (typeof known === 'string') return known.slice(0, 100);
  if (Array.isArray(errors) && errors.length > 0) return errorTypeOf(errors[0]);
  return typeof name === 'string' ? name : '_OTHER';
}
