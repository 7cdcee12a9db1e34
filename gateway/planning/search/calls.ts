/**
 * For each stage from 1 on, the subgraphs that are called in it, as bits: calls of one stage to one subgraph are one request.
 * Stage 0 is the fetch that answers the objects.
 */
export type CallBits = number[];

/** Counts and joins calls to so many subgraphs. */
export class CallSets {
  readonly #words: number;

  constructor(
    subgraphs: number,
    readonly avoided: number | undefined,
  ) {
    this.#words = Math.ceil(subgraphs / 32);
  }

  add(calls: CallBits, stage: number, subgraph: number): void {
    const at = stage * this.#words + (subgraph >> 5);
    while (calls.length <= at) calls.push(0);
    calls[at]! |= 1 << (subgraph & 31);
  }

  /** Adds calls that begin so many stages later. */
  addAll(calls: CallBits, others: readonly number[], stages: number): void {
    const offset = stages * this.#words;
    while (calls.length < others.length + offset) calls.push(0);
    for (let i = 0; i < others.length; i++) calls[i + offset]! |= others[i]!;
  }

  count(calls: readonly number[]): number {
    let count = 0;
    for (let word of calls) for (; word !== 0; word &= word - 1) count++;
    return count;
  }

  /** Their number, with a bit more for each of the subgraph that is avoided. */
  price(calls: readonly number[]): number {
    let price = this.count(calls);
    if (this.avoided === undefined) return price;
    const bit = 1 << (this.avoided & 31);
    for (let at = this.avoided >> 5; at < calls.length; at += this.#words)
      if ((calls[at]! & bit) !== 0) price += 0.1;
    return price;
  }
}
