/** A member of a `LiveSet`: it comes and goes with a request. */
export interface Live {
  /** Its index in the set; `outOfSet` outside of one. */
  indexInSet: number;
}

export const outOfSet = -1;

/**
 * A set of work in progress. Not a `Set`: with many insertions and deletions it outgrows its table again and again, and V8
 * has each old table refer to the next one. Once a table is in the old generation, everything that passed through later
 * tables (here: requests, with their answers) outlives the collections of young garbage, until the next full one.
 */
export class LiveSet<Member extends Live> {
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

  /** Iterates over a snapshot: members may leave meanwhile. */
  [Symbol.iterator](): Iterator<Member> {
    return [...this.#members].values();
  }
}
