import type { Span } from '../telemetry/traces/span';

/** A recorded request. */
interface RequestRecord {
  readonly first: Span;
  /** Records of all rings are numbered in their order. */
  readonly number: number;
}

interface StoredRecord extends RequestRecord {
  readonly bytes: number;
}

/**
 * Recorded requests within a bound of memory. Where there are too many, the oldest of the kind that has the most bytes makes
 * room, so that one kind cannot displace the others.
 */
export class RecordRing implements Iterable<RequestRecord> {
  readonly #memory: number;
  readonly #kinds = new Map<string, RecordQueue>();
  #bytes = 0;
  /** Texts of operations and of fetches, and how often records have each. Of equal ones a single one is kept. */
  readonly #documents = new Map<string, { readonly text: string; uses: number }>();

  /** @param memory bytes, estimated */
  constructor(memory: number) {
    this.#memory = memory;
  }

  /** Bytes, estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    let size = 0;
    for (const queue of this.#kinds.values()) size += queue.size;
    return size;
  }

  /** @param kind where there are more than {@link mostKinds}, the others are one */
  add(first: Span, number: number, kind: string): void {
    this.#intern(first);
    first.trace.trim();
    const record = { first, number, bytes: sizeOf(first) };
    this.#queueOf(kind).push(record);
    this.#bytes += record.bytes;
    while (this.#bytes > this.#memory && this.#dropOldest());
  }

  /** The newest first. */
  *[Symbol.iterator](): Iterator<RequestRecord> {
    const queues = [...this.#kinds.values()].map((queue) => queue.newestFirst());
    yield* newestFirst(queues);
  }

  #queueOf(kind: string): RecordQueue {
    const name = this.#kinds.has(kind) || this.#kinds.size < mostKinds ? kind : others;
    let queue = this.#kinds.get(name);
    if (queue === undefined) this.#kinds.set(name, (queue = new RecordQueue()));
    return queue;
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

  /** @returns whether there was one */
  #dropOldest(): boolean {
    let [largest, name]: [RecordQueue | undefined, string] = [undefined, ''];
    for (const [kind, queue] of this.#kinds)
      if (largest === undefined || queue.bytes > largest.bytes) [largest, name] = [queue, kind];
    if (largest === undefined) return false;
    const { first, bytes } = largest.shift();
    if (largest.size === 0) this.#kinds.delete(name);
    this.#bytes -= bytes;
    this.#release(first.trace.notes?.document);
    for (const { document } of first.trace.spans) this.#release(document);
    return true;
  }
}

/** The records of several lists together. Each has the newest first. */
export function* newestFirst(lists: readonly Iterator<RequestRecord>[]): Generator<RequestRecord> {
  const heads = lists.map((list) => ({ list, head: list.next() }));
  for (;;) {
    let newest: (typeof heads)[number] | undefined;
    for (const each of heads)
      if (
        each.head.done !== true &&
        (newest === undefined || each.head.value.number > valueOf(newest).number)
      )
        newest = each;
    if (newest === undefined) return;
    yield valueOf(newest);
    newest.head = newest.list.next();
  }
}

const valueOf = ({ head }: { readonly head: IteratorResult<RequestRecord> }): RequestRecord =>
  head.value as RequestRecord;

/** The records of one kind, the oldest first. */
class RecordQueue {
  bytes = 0;
  #records: (StoredRecord | undefined)[] = [];
  /** Of the oldest. */
  #first = 0;

  get size(): number {
    return this.#records.length - this.#first;
  }

  push(record: StoredRecord): void {
    this.#records.push(record);
    this.bytes += record.bytes;
  }

  shift(): StoredRecord {
    const record = this.#records[this.#first]!;
    this.#records[this.#first++] = undefined;
    this.bytes -= record.bytes;
    // Copied seldom, so that each record is copied about once.
    if (this.#first > 1000 && this.#first > this.#records.length / 2) {
      this.#records = this.#records.slice(this.#first);
      this.#first = 0;
    }
    return record;
  }

  *newestFirst(): Generator<RequestRecord> {
    for (let i = this.#records.length - 1; i >= this.#first; i--) yield this.#records[i]!;
  }
}

/** Subgraphs choose codes, too. */
const mostKinds = 32;
const others = '';

/** Bytes on the heap, as measured: test/unit/gateway/console/request-log.test.ts. */
const sizes = {
  record: 700,
  span: 250,
  attribute: 12,
  link: 140,
  event: 210,
  null: 400,
  tag: 80,
  refusal: 200,
  document: 120,
};

function sizeOf({ trace: { spans, notes } }: Span): number {
  let bytes = sizes.record;
  for (const { own, links, events } of spans)
    bytes +=
      sizes.span + own.length * sizes.attribute + links.length * sizes.link + events.length * sizes.event;
  bytes += (notes?.nulls?.length ?? 0) * sizes.null + (notes?.cached?.tags.length ?? 0) * sizes.tag;
  for (const { message, coordinate = '' } of notes?.refusals ?? [])
    bytes += sizes.refusal + message.length + coordinate.length;
  return notes?.variables === undefined ? bytes : bytes + sizeOfValues(notes.variables);
}

/** Variables are bounded by the body of a request. */
function sizeOfValues(value: unknown): number {
  return 2 * ((JSON.stringify(value) as string | undefined) ?? '').length + 200;
}
