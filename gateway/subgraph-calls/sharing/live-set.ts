/** A member of a `LiveSet`. */
export interface LiveSetMember {
  /** Its index in the set; `outOfSet` if it is in none. */
  indexInSet: number;
}

export const outOfSet = -1;

/**
 * A set of work in progress. It is no `Set`: with many insertions and deletions a `Set` replaces its table often, and
 * in V8 each old table refers to the next one. Once a table is in V8's old generation, everything in later tables
 * (here: requests, with their answers) survives minor collections until the next full one.
 */
export class LiveSet<Member extends LiveSetMember> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: Member): void {
    member.indexInSet = this.#members.push(member) - 1;
  }

  delete(member: Member): void {
    const { indexInSet: index } = member;
    if (this.#members[index] !== member) return;
    const last = this.#members.pop()!;
    member.indexInSet = outOfSet;
    if (last === member) return;
    this.#members[index] = last;
    last.indexInSet = index;
  }

  find(isIt: (member: Member) => boolean): Member | undefined {
    return this.#members.find(isIt);
  }

  /** Iterates over a snapshot, as members may leave meanwhile. */
  [Symbol.iterator](): Iterator<Member> {
    return [...this.#members].values();
  }
}

/** Work in progress that is looked for by a text. It is no `Map`: see `LiveSet`. */
export class LiveIndex<Member extends LiveSetMember> {
  /** Those that were needed: most subgraphs of most graphs have few calls. */
  readonly #buckets: (LiveSet<Member> | undefined)[] = Array.from({ length: 256 });

  /**
   * The set that holds all work of this text, and some of others. It is chosen by the last 24 characters: credentials
   * differ there.
   *
   * @param salt divides the work of one text; the same for equal work
   */
  at(text: string, salt = text.length): LiveSet<Member> {
    let hash = salt;
    for (let at = Math.max(0, text.length - 24); at < text.length; at++)
      hash = (hash * 31 + text.charCodeAt(at)) & 0xffff;
    return (this.#buckets[(hash ^ (hash >> 8)) & 0xff] ??= new LiveSet<Member>());
  }
}
