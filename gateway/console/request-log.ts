import type { Recorder } from '../telemetry/traces/trace';
import { Undecided } from '../telemetry/traces/trace';
import type { Span } from '../telemetry/traces/span';

export interface RequestLogOptions {
  /** The share of requests that are recorded, and of events of subscriptions. */
  readonly sampling: number;
  /** Bytes of what is recorded, estimated. */
  readonly memory: number;
  readonly values: boolean;
}

/**
 * The requests that were recorded last, each by the first span of its trace, and the events of subscriptions. They are kept as
 * they were recorded: what is shown of one is made when it is asked for.
 */
export class RequestLog implements Recorder, Iterable<Span> {
  readonly values: boolean;
  readonly inFlight = new Undecided(mostInFlight);
  readonly #sampling: number;
  readonly #memory: number;
  /** The oldest first, from `#first` on. */
  #records: ({ readonly first: Span; readonly bytes: number } | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  /** Texts of operations and of fetches, and how often records have each. Of equal ones a single one is kept. */
  readonly #documents = new Map<string, { readonly text: string; uses: number }>();
  readonly #listeners = new Set<(first: Span) => void>();

  constructor({ sampling, memory, values }: RequestLogOptions) {
    this.#sampling = sampling;
    this.#memory = memory;
    this.values = values;
  }

  readonly isChosen = (): boolean => this.#sampling === 1 || Math.random() < this.#sampling;

  readonly take = (first: Span): void => {
    this.#intern(first);
    first.trace.trim();
    const bytes = sizeOf(first);
    this.#records.push({ first, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#memory && this.#first < this.#records.length) this.#dropOldest();
    for (const listener of this.#listeners) listener(first);
  };

  /** Calls a function with each record from now on. */
  onTaken(listener: (first: Span) => void): void {
    this.#listeners.add(listener);
  }

  /** Bytes, estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#records.length - this.#first;
  }

  /** The newest first. */
  *[Symbol.iterator](): Iterator<Span> {
    for (let i = this.#records.length - 1; i >= this.#first; i--) yield this.#records[i]!.first;
  }

  #intern({ trace: { notes, spans } }: Span): void {
    if (notes !== undefined) notes.document = this.#kept(notes.document);
    for (const span of spans) if (span.document !== undefined) span.document = this.#kept(span.document);
  }

  #kept(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const known = this.#documents.get(text);
    if (known !== undefined) {
      known.uses++;
      return known.text;
    }
    this.#documents.set(text, { text, uses: 1 });
    this.#bytes += 2 * text.length + sizes.document;
    return text;
  }

  #release(text: string | undefined): void {
    const document = text === undefined ? undefined : this.#documents.get(text);
    if (document === undefined || --document.uses > 0) return;
    this.#documents.delete(document.text);
    this.#bytes -= 2 * document.text.length + sizes.document;
  }

  #dropOldest(): void {
    const { first, bytes } = this.#records[this.#first]!;
    this.#records[this.#first++] = undefined;
    this.#bytes -= bytes;
    this.#release(first.trace.notes?.document);
    for (const { document } of first.trace.spans) this.#release(document);
    // Copied seldom, so that each record is copied about once.
    if (this.#first > 1000 && this.#first > this.#records.length / 2) {
      this.#records = this.#records.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** Spans of requests in flight, about 25 MB: 64 operations with hundreds of calls each have so many. */
const mostInFlight = 50_000;

/** Bytes on the heap, as measured: test/unit/gateway/console/request-log.test.ts. */
const sizes = {
  record: 700,
  span: 250,
  attribute: 12,
  link: 140,
  event: 210,
  null: 400,
  tag: 80,
  document: 120,
};

function sizeOf({ trace: { spans, notes } }: Span): number {
  let bytes = sizes.record;
  for (const { own, links, events } of spans)
    bytes +=
      sizes.span + own.length * sizes.attribute + links.length * sizes.link + events.length * sizes.event;
  bytes += (notes?.nulls?.length ?? 0) * sizes.null + (notes?.cached?.tags.length ?? 0) * sizes.tag;
  return notes?.variables === undefined ? bytes : bytes + sizeOfValues(notes.variables);
}

/** Variables are bounded by the body of a request. */
function sizeOfValues(value: unknown): number {
  return 2 * ((JSON.stringify(value) as string | undefined) ?? '').length + 200;
}
