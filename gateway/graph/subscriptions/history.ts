import type { OperationResult } from '../../cache/responses/response-cache';

/** Bytes of all histories of a process. */
export interface HistoryBytes {
  bytes: number;
}

/** Answers since the position where an execution began, for clients that come back. Short: they come together. */
export class History {
  readonly #all: HistoryBytes;
  #start: string;
  /** The number of the first answer among the events of its execution. */
  #first = 0;
  #answers: OperationResult[] = [];
  #bytes = 0;
  /** The number after the event that has the position. */
  readonly #after = new Map<string, number>();
  readonly #positions: string[] = [];
  readonly #since = performance.now();

  constructor(start: string, all: HistoryBytes) {
    this.#start = start;
    this.#all = all;
  }

  get end(): number {
    return this.#first + this.#answers.length;
  }

  /** Whether it is too old, or too large together with others. */
  get isOver(): boolean {
    return performance.now() - this.#since > longest || this.#all.bytes > mostOfAll;
  }

  add(answered: OperationResult, position: string): void {
    this.#answers.push(answered);
    this.#positions.push(position);
    this.#after.set(position, this.end);
    this.#count(answered.body.length + overhead);
    while (this.#bytes > most) {
      this.#start = this.#positions.shift()!;
      this.#after.delete(this.#start);
      this.#count(-this.#answers.shift()!.body.length - overhead);
      this.#first++;
    }
  }

  /** The number of the first answer after a position; undefined for one that is not known. */
  numberAfter(position: string): number | undefined {
    return position === this.#start ? this.#first : this.#after.get(position);
  }

  /** Undefined for one that is dropped. */
  at(number: number): OperationResult | undefined {
    return this.#answers[number - this.#first];
  }

  /** Counts its answers as if the next one had this number. */
  renumber(end: number): void {
    const change = end - this.end;
    this.#first += change;
    for (const [position, number] of this.#after) this.#after.set(position, number + change);
  }

  clear(): void {
    this.#answers = [];
    this.#after.clear();
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#all.bytes += bytes;
  }
}

/** Milliseconds. */
const longest = 30_000;
/** Bytes of one. */
const most = 4 * 1024 * 1024;
const mostOfAll = 64 * 1024 * 1024;
/** Bytes of an answer beside its body. */
const overhead = 300;
