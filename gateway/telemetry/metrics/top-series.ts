/** How series by name are created and removed. */
export interface SeriesByName<Series> {
  /** The most names with a series of their own. */
  readonly most: number;
  readonly open: (name: string) => Series;
  readonly close: (name: string) => void;
  /** The series of all other names. */
  readonly others: Series;
  readonly othersName: string;
}

/**
 * Series by a name that clients or subgraphs choose. The most used names have a series of their own; all others share
 * one. This bounds the memory, and the number of series per day in a metrics database. Names get a series while there
 * is room; after that at most two names per minute.
 */
export class TopSeries<Series> {
  readonly #options: SeriesByName<Series>;
  readonly #named = new Map<string, NamedSeries<Series>>();
  /** The uses of names without a series, since the last review. */
  #candidates = new Map<string, number>();
  #reviewed: number;

  constructor(options: SeriesByName<Series>, now: number = performance.now()) {
    this.#options = options;
    this.#reviewed = now;
  }

  /** The current series of a name. The caller must not keep it. */
  of(name: string): Series {
    const named = this.#named.get(name);
    if (named !== undefined) {
      named.uses++;
      return named.series;
    }
    return this.#ofUnnamed(name);
  }

  /** Called before series are collected. Once a minute, more used names replace others. */
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
    // Older uses count less.
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

  #open(name: string, uses: number): NamedSeries<Series> {
    const own = copyOf(name);
    const named = { series: this.#options.open(own), uses };
    this.#named.set(own, named);
    return named;
  }
}

/** The series of one metric by a name: the 100 most used names have their own. */
export function topSeriesOf<Attributes, Series>(
  metric: { of(attributes: Attributes): Series; remove(attributes: Attributes): void },
  othersName: string,
  attributesOf: (name: string) => Attributes,
): TopSeries<Series> {
  return new TopSeries({
    most: 100,
    open: (name) => metric.of(attributesOf(name)),
    close: (name) => metric.remove(attributesOf(name)),
    othersName,
    get others() {
      return metric.of(attributesOf(othersName));
    },
  });
}

interface NamedSeries<Series> {
  readonly series: Series;
  uses: number;
}

/** A copy of a text, as a substring would keep its whole document in memory. */
const copyOf = (text: string): string => Buffer.from(text).toString();

/** Milliseconds between two replacements. */
const pause = 60_000;
const mostChanges = 2;
/** The fewest uses for which a name gets a series. */
const fewestUses = 10;
const longestName = 200;
