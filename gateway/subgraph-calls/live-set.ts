/** Something that comes and goes with a request. */
export interface Live {
  /** Where it stands in its set; `outOfSet` outside of one. */
  place: number;
}

export const outOfSet = -1;

/**
 * What is being done at the moment. Not a `Set`: one that many come to and leave outgrows its table again and again,
 * and V8 has each old table refer to the next one. Once a table is old, everything that passed through those after it
 * (here: requests, with their answers) outlives the collections of young garbage, until the next full one.
 */
export class LiveSet<Member extends Live> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: Member): void {
    member.place = this.#members.push(member) - 1;
  }

  delete(member: Member): void {
    const { place } = member;
    if (this.#members[place] !== member) return;
    const last = this.#members.pop()!;
    member.place = outOfSet;
    if (last === member) return;
    this.#members[place] = last;
    last.place = place;
  }

  find(isIt: (member: Member) => boolean): Member | undefined {
    return this.#members.find(isIt);
  }

  /** All that are there now; they may leave meanwhile. */
  [Symbol.iterator](): Iterator<Member> {
    return [...this.#members].values();
  }
}
