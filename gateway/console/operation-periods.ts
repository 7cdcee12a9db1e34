export interface OperationPeriodsOptions {
  /** How many numbers a row has. */
  readonly width: number;
  /** How many periods are kept at most. */
  readonly most: number;
  /** Bytes. */
  readonly memory: number;
  /** The number of the first period. */
  readonly now: number;
}

/** Rows that have counted something in a period that is over. */
interface ClosedPeriod {
  readonly number: number;
  readonly rows: Uint16Array;
  /** Of one row after another. */
  readonly counts: Uint8Array | Uint16Array | Uint32Array;
}

/** Counts by row, in periods that follow each other. What is over is kept as small as its numbers are. */
export class OperationPeriods {
  readonly #options: OperationPeriodsOptions;
  #number: number;
  #counts: Uint32Array;
  /** The oldest first. */
  readonly #closed: ClosedPeriod[] = [];
  #closedBytes = 0;
  readonly #row: { counts: Uint32Array; at: number };

  constructor(options: OperationPeriodsOptions) {
    this.#options = options;
    this.#number = options.now;
    this.#counts = new Uint32Array(fewestRows * options.width);
    this.#row = { counts: this.#counts, at: 0 };
  }

  /** That of the period that is counted. */
  get number(): number {
    return this.#number;
  }

  get oldest(): number {
    return this.#closed[0]?.number ?? this.#number;
  }

  get bytes(): number {
    return this.#counts.byteLength + this.#closedBytes;
  }

  /** Where a row is counted now. The caller must not keep it. */
  rowOf(index: number): { readonly counts: Uint32Array; readonly at: number } {
    const { width } = this.#options;
    const row = this.#row;
    row.at = index * width;
    if (row.at >= this.#counts.length) {
      const larger = new Uint32Array(Math.max(2 * this.#counts.length, row.at + width));
      larger.set(this.#counts);
      this.#counts = row.counts = larger;
    }
    return row;
  }

  /** Ends the period that is counted. @param number of the new one; where the clock was set back, the old ones are dropped */
  begin(number: number): void {
    if (number < this.#number) this.#drop(this.#closed.length);
    else this.#close();
    this.#counts.fill(0);
    this.#number = number;
    const { memory, most } = this.#options;
    while (this.#closed.length > 0 && (this.bytes > memory || this.oldest <= number - most)) this.#drop(1);
  }

  /** The sums of the rows that have counted something in the last periods. */
  sum(periods: number): Map<number, number[]> {
    const { width } = this.#options;
    const sums = new Map<number, number[]>();
    this.#forEach(periods, (index, counts, at) => {
      let sum = sums.get(index);
      if (sum === undefined) sums.set(index, (sum = new Array<number>(width).fill(0)));
      for (let i = 0; i < width; i++) sum[i]! += counts[at + i]!;
    });
    return sums;
  }

  /** One number of each row in each of the last steps, the newest last. */
  trend({ step, points, of }: Record<'step' | 'points' | 'of', number>): Map<number, number[]> {
    const trends = new Map<number, number[]>();
    const newest = Math.floor(this.#number / step);
    this.#forEach(step * points, (index, counts, at, number) => {
      let trend = trends.get(index);
      if (trend === undefined) trends.set(index, (trend = new Array<number>(points).fill(0)));
      const point = points - 1 - (newest - Math.floor(number / step));
      if (point >= 0) trend[point]! += counts[at + of]!;
    });
    return trends;
  }

  /** The rows that have counted something, and how much as their first number. */
  used(): Map<number, number> {
    const used = new Map<number, number>();
    this.#forEach(Infinity, (index, counts, at) => used.set(index, (used.get(index) ?? 0) + counts[at]!));
    return used;
  }

  /** Adds rows to another one. */
  join(joining: ReadonlySet<number>, target: number): void {
    const closed = this.#closed.splice(0);
    this.#closedBytes = 0;
    for (const { number, rows, counts } of closed) {
      const { width } = this.#options;
      const all = new Uint32Array(this.#counts.length);
      rows.forEach((row, i) => {
        const to = (joining.has(row) ? target : row) * width;
        for (let k = 0; k < width; k++) all[to + k]! += counts[i * width + k]!;
      });
      this.#keep(number, all);
    }
  }

  #close(): void {
    this.#keep(this.#number, this.#counts);
  }

  #keep(number: number, all: Uint32Array): void {
    const { width } = this.#options;
    const rows: number[] = [];
    let most = 0;
    for (let at = 0; at < all.length; at += width) {
      if (all[at] === 0) continue;
      rows.push(at / width);
      for (let k = 0; k < width; k++) most = Math.max(most, all[at + k]!);
    }
    if (rows.length === 0) return;
    const Counts = most < 2 ** 8 ? Uint8Array : most < 2 ** 16 ? Uint16Array : Uint32Array;
    const counts = new Counts(rows.length * width);
    rows.forEach((row, i) => counts.set(all.subarray(row * width, (row + 1) * width), i * width));
    const period = { number, rows: Uint16Array.from(rows), counts };
    this.#closed.push(period);
    this.#closedBytes += sizeOf(period);
  }

  #drop(count: number): void {
    for (const period of this.#closed.splice(0, count)) this.#closedBytes -= sizeOf(period);
  }

  /** The rows of the last periods. */
  #forEach(
    periods: number,
    read: (index: number, counts: ClosedPeriod['counts'], at: number, number: number) => void,
  ): void {
    const { width } = this.#options;
    for (const { number, rows, counts } of this.#closed)
      if (number > this.#number - periods)
        for (let i = 0; i < rows.length; i++) read(rows[i]!, counts, i * width, number);
    for (let at = 0; at < this.#counts.length; at += width)
      if (this.#counts[at] !== 0) read(at / width, this.#counts, at, this.#number);
  }
}

const fewestRows = 16;
/** Of a period besides its numbers, as measured. */
const periodBytes = 600;

const sizeOf = ({ rows, counts }: ClosedPeriod): number => periodBytes + rows.byteLength + counts.byteLength;
