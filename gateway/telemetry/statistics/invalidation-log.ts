/** What has caused an invalidation: `gateway/console/caches-api.ts` has the kinds. */
export interface InvalidationCause {
  readonly kind: 'operator' | 'mutation' | 'answer' | 'event' | 'program';
  /** The address of the operator, the subgraph, or the source of events. */
  readonly by?: string | undefined;
  /** The name of the client's operation, or the type of the event; the log keeps its first 256 characters. */
  readonly because?: string | undefined;
  /** The id of the client's request. */
  readonly request?: string | undefined;
}

export interface NotedInvalidation {
  /** Unix milliseconds. */
  readonly at: number;
  readonly cause: InvalidationCause;
  /** The first ones, and how many more there are. */
  readonly tags: readonly string[];
  readonly more: number;
  /** Whether nobody finds any of its entries any more; undefined until that is known. */
  isConfirmed: boolean | undefined;
}

/** Counts the invalidations that a process has caused, and keeps the last ones. */
export class InvalidationLog {
  readonly counts: Record<InvalidationCause['kind'], number> = {
    ...{ operator: 0, mutation: 0, answer: 0, event: 0, program: 0 },
  };
  /** A ring. */
  readonly #last: NotedInvalidation[] = [];
  #next = 0;

  /** @param done settles when it is known whether they are dropped */
  note(cause: InvalidationCause, tags: readonly string[], done: Promise<void>): void {
    this.counts[cause.kind]++;
    const noted: NotedInvalidation = {
      ...{ at: Date.now(), isConfirmed: undefined },
      cause: { ...cause, because: cause.because && beginningOf(cause.because) },
      tags: tags.slice(0, mostTags).map(beginningOf),
      more: Math.max(0, tags.length - mostTags),
    };
    this.#last[this.#next] = noted;
    this.#next = (this.#next + 1) % mostKept;
    done.then(
      () => (noted.isConfirmed = true),
      () => (noted.isConfirmed = false),
    );
  }

  /** The newest first. */
  get last(): readonly NotedInvalidation[] {
    return [...this.#last.slice(this.#next), ...this.#last.slice(0, this.#next)].reverse();
  }
}

/** A copy of the beginning, as a part of a document would keep all of it: clients choose names and values in tags. */
const beginningOf = (text: string): string => Buffer.from(text.slice(0, longestText)).toString();

const mostKept = 50;
const mostTags = 5;
/** Characters of a name or tag. */
const longestText = 256;
