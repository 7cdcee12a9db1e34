import { wordsIn } from './random-ids';
import type { TraceNotes } from './trace-notes';
import { type SpanKind, type Parent, Span } from './span';

/** What traces are made by. */
export interface TraceSource {
  /** 16 random hexadecimal digits. */
  readonly newSpanId: () => string;
  /** Takes a span to export. */
  readonly take: (span: Span) => void;
  readonly undecided: UndecidedSpans;
  /** Counts a span that is dropped. */
  readonly drop: () => void;
  /** Writes the headers for who is called, the request id among them. */
  readonly writeHeaders: (trace: TraceIdentity, spanId: string, requestId: string) => TracingHeaders;
  /** Whether nothing is exported: then its traces are in no header to a subgraph and no log line. @default false */
  readonly isLocal?: boolean;
  /** @default undefined: the console records nothing */
  readonly recorder?: Recorder | undefined;
}

/** What records whole traces for the console. */
export interface Recorder {
  /** Whether the values of variables are recorded, too. */
  readonly values: boolean;
  /** The spans of what is in flight. */
  readonly inFlight: UndecidedSpans;
  /** Whether one that begins is recorded, even if it is not exported. */
  readonly isChosen: () => boolean;
  /** Whether failed, refused and slow requests are recorded, and the milliseconds from which on one is slow. */
  readonly failures: { readonly enabled: boolean; readonly slowerThan: number };
  /** Takes a trace that is over, by its first span. */
  readonly take: (first: Span) => void;
}

/** Headers by which calls are correlated. */
export type TracingHeaders = Readonly<Record<string, string>>;

export interface TraceIdentity {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Whether it is exported whatever happens. The headers to others have it, and they record their spans, too. */
  readonly isSampled: boolean;
}

/** The spans of one client request, or of one event of a subscription. */
export class Trace {
  readonly id: string;
  readonly isSampled: boolean;
  readonly source: TraceSource;
  /** What the console shows of it besides its spans; undefined where it does not. */
  readonly notes: TraceNotes | undefined;
  #idWords: readonly number[] | undefined;
  #spans: Span[] = none;
  #isOver = false;
  #epoch: number | undefined;
  #count = 0;
  #isExported: boolean;
  /** The spans that wait for the decision; undefined when it is taken. */
  #waiting: Span[] | undefined;
  #waitingSize = 0;

  /** @param isCollected whether the console may show it: then it keeps its spans */
  constructor(source: TraceSource, { id, isSampled }: TraceIdentity, isCollected = false) {
    this.source = source;
    this.id = id;
    this.isSampled = isSampled;
    this.#isExported = isSampled;
    this.#waiting = isSampled || source.isLocal === true ? undefined : [];
    if (isCollected) {
      this.notes = {};
      this.#spans = [];
    }
  }

  /** Its id, as numbers of 32 bits. */
  get idWords(): readonly number[] {
    return (this.#idWords ??= wordsIn(this.id));
  }

  /** Whether its spans are exported. What was not sampled may still be when its first span ends. */
  get isExported(): boolean {
    return this.#isExported;
  }

  /** Begins its first span. @param start in milliseconds of `performance.now()` */
  begin(name: string, kind: SpanKind, start: number, parent: Parent | undefined): Span {
    return new Span(this, name, kind, start, parent);
  }

  /** Takes a span that has ended. */
  take(span: Span): void {
    if (++this.#count > mostSpans) {
      this.source.drop();
      return;
    }
    if (this.notes !== undefined && !this.#isOver) this.#collect(span);
    if (this.#isExported) this.source.take(span);
    else if (this.#waiting !== undefined) {
      if (this.source.undecided.isFull) this.source.drop();
      else {
        const size = 1 + span.links.length + span.events.length;
        this.source.undecided.size += size;
        this.#waitingSize += size;
        this.#waiting.push(span);
      }
    }
  }

  /** Decides about a trace that was not sampled. Spans that end later have the same fate. */
  decide(isKept: boolean): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#isExported = isKept;
    this.source.undecided.size -= this.#waitingSize;
    if (isKept) for (const span of waiting) this.source.take(span);
  }

  #collect(span: Span): void {
    const { inFlight } = this.source.recorder!;
    if (inFlight.isFull) return;
    inFlight.size++;
    this.#spans.push(span);
  }

  /** Collects no more spans. To be called once, after its first span has ended. */
  close(): void {
    this.#isOver = true;
    if (this.notes !== undefined) this.source.recorder!.inFlight.size -= this.#spans.length;
  }

  /** Its spans, for the console. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** Gives back the memory that lists keep in reserve. To be called when it is closed. */
  trim(): void {
    this.#spans = this.#spans.slice();
    for (const span of this.#spans) span.trim();
  }

  /** Unix milliseconds, with fractions. @param at in milliseconds of `performance.now()` */
  timeOf(at: number): number {
    return (this.#epoch ??= epochNow()) + at;
  }
}

const none: never[] = [];

/** The spans of all requests in flight about which is not decided yet, counted: whether they are exported, or recorded. */
export class UndecidedSpans {
  /** How many spans, links and events they are. */
  size = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.size >= this.#most;
  }
}

/** Of one trace: an operation may make thousands of calls. */
const mostSpans = 1000;

let epoch = performance.timeOrigin;

/** The time at 0 of `performance.now()`, in Unix milliseconds. It follows the system's clock, which may be set. */
function epochNow(): number {
  const now = Date.now() - performance.now();
  if (Math.abs(now - epoch) > 5) epoch = now;
  return epoch;
}
