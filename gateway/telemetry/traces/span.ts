import { wordsIn } from './random-ids';
import type { Trace, TracingHeaders } from './trace';

export type SpanKind = 'internal' | 'server' | 'client' | 'consumer';

export type SpanValue = string | number | boolean | readonly string[];

export type Attributes = Readonly<Record<string, SpanValue>>;

/** The span in whose time another one is. */
export type Parent =
  | Span
  /** In another process. */
  | { readonly id: string };

/** Another span that a span belongs to. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

export interface SpanEvent {
  readonly name: string;
  readonly attributes: Attributes;
  /** In milliseconds of `performance.now()`. */
  readonly at: number;
}

/**
 * What was done for a request, from when to when: a plain record, since each request has a dozen of them. What OpenTelemetry
 * needs is made of it when it is exported. Unlike that of OpenTelemetry's SDK it is recorded before it is known whether it
 * is exported.
 */
export class Span {
  readonly trace: Trace;
  readonly name: string;
  readonly kind: SpanKind;
  /** Undefined for the root of a trace. */
  readonly parent: Parent | undefined;
  /** How often calls under it were sent again. */
  resends = 0;
  /** What the last call under it sent: the same again is a retry, and no further call of a source. */
  lastSent: object | undefined;
  /** In milliseconds of `performance.now()`. */
  readonly start: number;
  /** What it has in common with other spans. None of its own has one of these names. Set it once. */
  shared: Attributes = none;
  hasFailed = false;
  /** Of a fetch: its operation. Not exported, as it may have literals of the client. */
  document: string | undefined;
  droppedLinks = 0;
  droppedEvents = 0;
  #id: string | undefined;
  #idWords: readonly number[] | undefined;
  #end: number | undefined;
  /** Names, each with its value after it. */
  #own: SpanValue[] | undefined;
  #links: SpanLink[] | undefined;
  #events: SpanEvent[] | undefined;

  constructor(trace: Trace, name: string, kind: SpanKind, start: number, parent: Parent | undefined) {
    this.trace = trace;
    this.name = name;
    this.kind = kind;
    this.start = start;
    this.parent = parent;
  }

  /** 16 hexadecimal digits. Made when it is first read, as most spans are not exported. */
  get id(): string {
    return (this.#id ??= this.trace.source.newSpanId());
  }

  /** The same, as numbers of 32 bits: its children are written with it, too. */
  get idWords(): readonly number[] {
    return (this.#idWords ??= wordsIn(this.id));
  }

  /** The same, where it may be exported; undefined where only the console knows it. */
  get loggedId(): string | undefined {
    return this.trace.source.isLocal === true ? undefined : this.id;
  }

  /** Begins a span within this one. @param start in milliseconds of `performance.now()`. @default now */
  child(name: string, kind: SpanKind = 'internal', start = performance.now()): Span {
    return new Span(this.trace, name, kind, start, this);
  }

  /** Sets an attribute. An undefined value sets nothing. */
  set(name: string, value: SpanValue | undefined): void {
    if (value === undefined) return;
    const own = (this.#own ??= []);
    for (let i = 0; i < own.length; i += 2)
      if (own[i] === name) {
        own[i + 1] = value;
        return;
      }
    own.push(name, value);
  }

  /** Marks it as failed. @param error its `error.type`: a code or a status, of few values */
  fail(error: string | undefined): void {
    this.hasFailed = true;
    this.set('error.type', error);
  }

  /** Notes that something belongs to it that is in another trace, or elsewhere in this one. */
  link({ trace, id }: Span): void {
    const link = { traceId: trace.id, spanId: id, isSampled: trace.isSampled };
    if (this.#links === undefined) this.#links = [link];
    else if (this.#links.length === mostLinks) this.droppedLinks++;
    else this.#links.push(link);
  }

  addEvent(name: string, attributes: Attributes): void {
    const event = { name, attributes, at: performance.now() };
    if (this.#events === undefined) this.#events = [event];
    else if (this.#events.length === mostEvents) this.droppedEvents++;
    else this.#events.push(event);
  }

  /** Ends it. A second call has no effect. */
  end(): void {
    if (this.#end !== undefined) return;
    this.#end = Math.max(performance.now(), this.start);
    this.lastSent = undefined;
    this.trace.take(this);
  }

  /** Gives back the memory that lists keep in reserve, as it gets no more attributes. */
  trim(): void {
    this.#own = this.#own?.slice();
  }

  /** The headers for who is called on behalf of it, for a client request with this id. */
  headersFor(requestId: string): TracingHeaders {
    const { trace } = this;
    return trace.source.writeHeaders(trace, this.id, requestId);
  }

  /** Milliseconds since it began, or that it took. */
  get milliseconds(): number {
    return (this.#end ?? performance.now()) - this.start;
  }

  /** Its own attributes, without those that it shares: names, each with its value after it. */
  get own(): readonly SpanValue[] {
    return this.#own ?? nothing;
  }

  /** All its attributes. */
  get attributes(): Attributes {
    const attributes: Record<string, SpanValue> = { ...this.shared };
    for (let i = 0; i < this.own.length; i += 2) attributes[this.own[i] as string] = this.own[i + 1]!;
    return attributes;
  }

  get links(): readonly SpanLink[] {
    return this.#links ?? nothing;
  }

  get events(): readonly SpanEvent[] {
    return this.#events ?? nothing;
  }
}

const none: Attributes = {};
const nothing: readonly never[] = [];

/** The limits of OpenTelemetry's SDK. */
const mostLinks = 128;
/** Of one span. Each is small. */
const mostEvents = 32;

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
