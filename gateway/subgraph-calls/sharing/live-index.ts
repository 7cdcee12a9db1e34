import { type LiveSetMember, LiveSet } from './live-set';

/** Work in progress that is looked for by a text. It is no `Map`: see `LiveSet`. */
export class LiveIndex<Member extends LiveSetMember> {
  readonly #buckets = Array.from({ length: 256 }, () => new LiveSet<Member>());

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
    return this.#buckets[(hash ^ (hash >> 8)) & 0xff]!;
  }
}
