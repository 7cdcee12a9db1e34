/** Chooses, among the ways to the fields of an object, those that together end earliest and need the fewest calls. */
import { cheapestOf } from '../maps';
import { type CallBits } from './calls';
import { type Hub, type Option } from './hub';
import { type ObjectItem } from './plans';

/** A field, and where it is among those of its object. */
export interface OrderedItem {
  readonly item: ObjectItem;
  readonly at: number;
}

/** Fields, by the ways to each of them. */
export type Work = ReadonlyMap<readonly Option[], readonly OrderedItem[]>;

export interface ChosenField extends OrderedItem {
  readonly option: Option;
}

/** Calls, and sources that are used. */
interface Expense {
  readonly calls: CallBits;
  readonly used: Set<number>;
}

export class Assignment {
  /** The stage by which all is known. */
  readonly end: number;
  /** For what is chosen. */
  readonly spent: Expense = { calls: [], used: new Set() };
  readonly #hub: Hub;
  readonly #chosen: ChosenField[] = [];
  readonly #open: (readonly [ways: readonly Option[], items: readonly OrderedItem[]])[] = [];

  constructor(hub: Hub, work: Work) {
    this.#hub = hub;
    this.end = 0;
    for (const ways of work.keys()) {
      const earliest = ways.reduce((least, { end }) => Math.min(least, end), Infinity);
      this.end = Math.max(this.end, earliest);
    }
    for (const [options, items] of work) {
      const inTime = options.filter(({ end }) => end <= this.end);
      const free = inTime.length === 1 ? inTime[0] : inTime.find((option) => this.#isFree(option));
      if (free === undefined) this.#open.push([inTime, items]);
      else {
        if (free.entry !== undefined) hub.search.needed.add(free.entry.subgraph);
        this.#take(items, free);
      }
    }
  }

  choose(): readonly ChosenField[] {
    if (this.#open.length > 0) {
      const allowed = this.#bestSubgraphs();
      for (const [options, items] of this.#open) {
        const option = this.#cheapest(options, allowed)!;
        if (option.entry !== undefined) this.#hub.search.preferred.add(option.entry.subgraph);
        this.#take(items, option);
      }
    }
    return this.#chosen;
  }

  /** Counts a way. @default with those that are chosen */
  apply({ entry, stage, plan }: Option, { calls, used }: Expense = this.spent): void {
    const { search, entries, sources } = this.#hub;
    if (entry !== undefined) search.callSets.add(calls, stage - 1, entry.subgraph);
    else
      for (const subgraph of plan.uses)
        if (sources.has(subgraph)) used.add(subgraph);
        else search.callSets.add(calls, entries.get(subgraph)!.stage - 1, subgraph);
    search.callSets.addAll(calls, plan.calls, stage);
  }

  /** Whether a way costs nothing: at the first source. */
  #isFree({ entry, plan }: Option): boolean {
    if (this.#hub.isRoot || entry !== undefined || plan.depth > 0) return false;
    return plan.uses.length === 1 && plan.uses[0] === this.#hub.sources.list[0]!.subgraph;
  }

  #take(items: readonly OrderedItem[], option: Option): void {
    for (const { item, at } of items) this.#chosen.push({ item, at, option });
    this.apply(option);
  }

  #price({ calls, used }: Expense): number {
    return (this.#hub.search.callSets.price(calls) + used.size) * perCall;
  }

  #cheapest(ways: readonly Option[], allowed: ReadonlySet<string>, spent = this.spent): Option | undefined {
    const possible = ways.filter(({ id }) => allowed.has(id));
    if (possible.length < 2) return possible[0];
    return cheapestOf(possible, (option) => {
      const { entry, stage, plan } = option;
      const more = copyOf(spent);
      this.apply(option, more);
      const keyFields = entry?.key?.selection.length ?? 0;
      const rest = stage * perStage + keyFields * perKeyField + plan.size * perField;
      return this.#price(more) + plan.visits * perVisit + rest;
    });
  }

  /** The ids of the ways that may be taken: those into subgraphs that are entered anyway, and of others the best set. */
  #bestSubgraphs(): ReadonlySet<string> {
    const free = new Set(this.#chosen.map(({ option }) => option.id));
    const options = this.#open.flatMap(([ways]) => ways);
    for (const { id, entry } of options) if (entry === undefined && !this.#hub.isRoot) free.add(id);
    const others = new Set(options.map(({ id }) => id).filter((id) => !free.has(id)));
    const sets = this.#candidates([...others], free).map((some) => new Set([...free, ...some]));
    this.#hub.search.steps.take((sets.length * this.#open.length) >> 4);
    return cheapestOf(sets, (allowed) => this.#priceWith(allowed))!;
  }

  /** Sets of ways to try: all, where these are few; else those that a greedy cover takes. */
  #candidates(ids: readonly string[], free: ReadonlySet<string>): readonly (readonly string[])[] {
    if (ids.length > mostForAll || this.#open.length << ids.length > mostPrices)
      return [[], this.#greedyCover(ids, free)];
    const sets: string[][] = [];
    for (let set = 0; set < 1 << ids.length; set++) sets.push(ids.filter((_, i) => (set & (1 << i)) !== 0));
    return sets;
  }

  #greedyCover(ids: readonly string[], free: ReadonlySet<string>): readonly string[] {
    const taken: string[] = [];
    let open = this.#open.filter(([options]) => !options.some(({ id }) => free.has(id)));
    while (open.length > 0) {
      const next = cheapestOf(ids, (id) => {
        let count = 0;
        for (const [options, items] of open)
          if (options.some((option) => option.id === id)) count += items.length;
        return count === 0 ? Infinity : -count;
      });
      if (next === undefined) break;
      taken.push(next);
      open = open.filter(([options]) => !options.some(({ id }) => id === next));
    }
    return taken;
  }

  /** The price of the cheapest ways among the allowed ones; infinite where a field has none. */
  #priceWith(allowed: ReadonlySet<string>): number {
    const spent = copyOf(this.spent);
    const entered = new Set<string>();
    for (const { option } of this.#chosen) if (option.entry !== undefined) entered.add(option.id);
    let visits = 0;
    let size = 0;
    for (const [options, items] of this.#open) {
      const option = this.#cheapest(options, allowed, spent);
      if (option === undefined) return Infinity;
      size += option.plan.size * items.length;
      visits += option.plan.visits * items.length;
      if (option.entry !== undefined) entered.add(option.id);
      this.apply(option, spent);
    }
    return this.#price(spent) + (visits + entered.size) * perVisit + size * perField;
  }
}

/** Prices, each so much higher than the next that usual plans are compared by one after the other. */
const perCall = 1000;
const perVisit = 1;
const perStage = 0.1;
const perKeyField = 0.01;
const perField = 1e-5;

/** Most ways of which all sets are tried, if fields times sets are no more than `mostPrices`. */
const mostForAll = 5;
const mostPrices = 4000;

const copyOf = ({ calls, used }: Expense): Expense => ({ calls: [...calls], used: new Set(used) });
