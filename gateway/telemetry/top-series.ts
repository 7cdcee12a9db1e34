/** How series by a name from outside are made, and given up. */
export interface SeriesByName<Series> {
  /** How many names have a series of their own. */
  readonly most: number;
  readonly open: (name: string) => Series;
  readonly close: (name: string) => void;
  /** The series of all other names, and its own name. */
  readonly others: Series;
  readonly othersName: string;
}

/**
 * Series by a name that clients, or subgraphs, choose: the most used names have their own, all others share one. Memory
 * is bounded, and so is the number of series that a database of metrics sees in a day, whatever names come: names get a
 * series of their own while there is room, and then two of them a minute at most.
 */
export class TopSeries<Series> {
  readonly #options: SeriesByName<Series>;
  readonly #named = new Map<string, Named<Series>>();
  /** How often names were used that have no series, since the last review. */
  #candidates = new Map<string, number>();
  #reviewed: number;

  constructor(options: SeriesByName<Series>, now: number = performance.now()) {
    this.#options = options;
    this.#reviewed = now;
  }

  /** The series to count in now: it must not be kept. */
  of(name: string): Series {
    const named = this.#named.get(name);
    if (named !== undefined) {
      named.uses++;
      return named.series;
    }
    return this.#ofUnnamed(name);
  }

  /** To be called before series are collected. Once a minute, names that are used more take the place of others. */
  review(now: number = performance.now()): void {
    if (now - this.#reviewed < pause) return;
    this.#reviewed = now;
    const rising = [...this.#candidates].sort(([, a], [, b]) => b - a).slice(0, mostChanges);
    const falling = [...this.#named].sort(([, a], [, b]) => a.uses - b.uses);
    this.#candidates = new Map();
    for (const [i, [name, uses]] of rising.entries()) {
      const [least, { uses: leastUses }] = falling[i]!;
      if (uses < fewestUses || uses <= 2 * leastUses) break;
      this.#named.delete(least);
      this.#options.close(least);
      this.#open(name, uses);
    }
    // What was used long ago weighs less and less.
    for (const named of this.#named.values()) named.uses = Math.floor(named.uses / 2);
  }

  #ofUnnamed(name: string): Series {
    const { most, othersName } = this.#options;
    if (name === othersName || name.length > longestName) return this.#options.others;
    if (this.#named.size < most) return this.#open(name, 1).series;
    const uses = this.#candidates.get(name);
    if (uses !== undefined) this.#candidates.set(name, uses + 1);
    else if (this.#candidates.size < 4 * most) this.#candidates.set(copyOf(name), 1);
    return this.#options.others;
  }

  #open(name: string, uses: number): Named<Series> {
    const own = copyOf(name);
    const named = { series: this.#options.open(own), uses };
    this.#named.set(own, named);
    return named;
  }
}

interface Named<Series> {
  readonly series: Series;
  uses: number;
}

/** A text that is part of a larger one, such as a document, keeps all of that in memory. */
const copyOf = (text: string): string => Buffer.from(text).toString();

/** Milliseconds. */
const pause = 60_000;
const mostChanges = 2;
/** A name that was hardly used is not worth a series. */
const fewestUses = 10;
const longestName = 200;
