/** One object position: the ways to each field of its objects. */
import { mapIn } from '../maps';
import { type Selection } from '../selections/selection';
import { type IndexedType, isInterfaceObject } from '../supergraph-index/supergraph-index';
import { cover } from './cover';
import { entriesOf, type Entry } from './entries';
import { leavesLeft, type ObjectItem, type Plan } from './plans';
import { type Search } from './search';
import { contextsAfter, type ReadyContexts, type Source, type Sources } from './sources';

/** A way to a field. */
export interface Option {
  /** Equal for ways into one subgraph in one stage. */
  readonly id: string;
  /** Undefined where the sources answer the field. */
  readonly entry: Entry | undefined;
  /** The stage in which the subgraph is entered; 0 for the sources. */
  readonly stage: number;
  readonly plan: Plan;
  /** The stage by which the field is known. */
  readonly end: number;
  readonly requires: Selection | undefined;
  readonly isWhole: boolean;
}

export class Hub {
  #contexts: ReadyContexts;
  #entries: ReadonlyMap<number, Entry> | undefined;
  readonly #options = new Map<ObjectItem | Selection | string, Map<string, readonly Option[]>>();

  constructor(
    readonly search: Search,
    readonly type: IndexedType,
    readonly sources: Sources,
    /** Whether it is a root type, whose fields are requested from all subgraphs at once. */
    readonly isRoot = false,
  ) {
    this.#contexts = sources.contexts;
  }

  /** The contexts of what is below these objects. */
  get contexts(): ReadyContexts {
    return this.#contexts;
  }

  /** Sets them where the objects set contexts, too: ways that were found before do not know of these. */
  setContexts(contexts: ReadyContexts): void {
    this.#contexts = contexts;
    this.#options.clear();
  }

  get entries(): ReadonlyMap<number, Entry> {
    return (this.#entries ??= this.isRoot ? noEntries : entriesOf(this.search, this.type, this.sources));
  }

  isSource(subgraph: number): boolean {
    return this.sources.list.some((source) => source.subgraph === subgraph);
  }

  /** All ways to a field. While they are looked for there are none: no requirement can need itself. */
  optionsFor(item: ObjectItem): readonly Option[] {
    const [known, name] = this.#optionsOf(item);
    let options = known.get(name);
    if (options === undefined) {
      known.set(name, noOptions);
      known.set(name, (options = this.#find(item)));
    }
    return options;
  }

  /** The stage by which all of a selection is known; undefined where a part of it never is. */
  knownAfter(selection: Selection): number | undefined {
    let stage = 0;
    for (const field of this.search.flattening.fieldsOf(selection, this.type.name)) {
      if (field.name === '__typename') continue;
      let earliest: number | undefined;
      for (const { plan, end } of this.optionsFor(field))
        if (plan.left === undefined && (earliest === undefined || end < earliest)) earliest = end;
      if (earliest === undefined) return undefined;
      stage = Math.max(stage, earliest);
    }
    return stage;
  }

  #find(item: ObjectItem): readonly Option[] {
    const { search, sources } = this;
    const singles: { readonly source: Source; readonly plan: Plan }[] = [];
    for (const source of sources.list) {
      const plan = cover(search, item, this.#alone(source));
      if (plan !== null) singles.push({ source, plan });
    }
    const atOnce = singles.filter(({ plan }) => plan.left === undefined && plan.depth === 0);
    const known = atOnce.map(({ source, plan }) => ofSources(`s${source.subgraph}`, plan));
    // At the root they are calls: a longer way through calls that are made anyway may be cheaper.
    if (atOnce.length > 0 && !this.isRoot) return known;
    const options = singles.map(({ source, plan }) => ofSources(`s${source.subgraph}`, plan));
    if (singles.length > 1 && item.selection !== undefined) {
      singles.sort((one, other) =>
        search.isBetter(one.plan, other.plan) ? -1 : search.isBetter(other.plan, one.plan) ? 1 : 0,
      );
      const together = cover(
        search,
        item,
        search.sources.of(
          singles.map(({ source }) => source),
          this.contexts,
        ),
      );
      if (together !== null && together.uses.length > 1) options.push(ofSources('all', together));
    }
    if (this.isRoot) return options;
    for (const entry of this.entries.values()) this.#enter(item, entry, options);
    const mixed = this.#mixed(item, options);
    return mixed === undefined ? options : [...options, mixed];
  }

  /** Where the ways to a field are kept. Of one object type, fields under different aliases have the same. */
  #optionsOf(item: ObjectItem): [Map<string, readonly Option[]>, name: string] {
    if (this.type.kind !== 'object' || item.kind === 'bundle') return [mapIn(this.#options, item), ''];
    return [mapIn(this.#options, item.selection ?? item.name), item.name];
  }

  #alone(source: Source): Sources {
    if (this.sources.list.length === 1 && this.contexts === this.sources.contexts) return this.sources;
    return this.search.sources.of([source], this.contexts);
  }

  /** Adds the way by a key of another subgraph, or of a source where the field requires something. */
  #enter(item: ObjectItem, entry: Entry, options: Option[]): void {
    const { search, contexts } = this;
    const { subgraph, as } = entry;
    const isSelf = as.kind === 'object' || isInterfaceObject(as, subgraph);
    const join = item.kind === 'field' && isSelf ? as.fields.get(item.name)?.joins.get(subgraph) : undefined;
    if (item.kind === 'field' && isSelf && join === undefined && item.name !== '__typename') return;
    const ready = contexts.size > 0 && this.#usesContexts(item) ? Math.max(...contexts.values()) : 0;
    if (this.isSource(subgraph) && join?.requires === undefined && ready === 0) return;
    let { stage } = entry;
    if (join?.requires !== undefined) {
      const known = this.knownAfter(join.requires);
      if (known === undefined) return;
      stage = Math.max(stage, known + 1);
    }
    const isWhole = item.kind === 'bundle' || (item.name !== '__typename' && !isSelf);
    const add = (at: number): void => {
      const sources =
        contexts.size === 0 ? entry.alone : search.sources.of(entry.alone.list, contextsAfter(contexts, at));
      const plan = cover(search, item, sources, isSelf);
      if (plan === null) return;
      const [id, end] = [`${subgraph}@${at}`, at + plan.depth];
      options.push({ id, entry, stage: at, plan, end, requires: join?.requires, isWhole });
    };
    add(stage);
    if (ready > stage) add(ready);
  }

  #usesContexts(item: ObjectItem): boolean {
    const { flattening } = this.search;
    const selection = item.kind === 'bundle' ? item.selection : flattening.only(item);
    return flattening.contextArgumentsIn(selection).length > 0;
  }

  /** The way through the sources and entered subgraphs together, where that ends earlier than all others. */
  #mixed(item: ObjectItem, options: readonly Option[]): Option | undefined {
    const { search, sources } = this;
    if (item.kind === 'bundle' || item.selection === undefined) return undefined;
    let earliest = Infinity;
    for (const { plan, end } of options) if (plan.left === undefined) earliest = Math.min(earliest, end);
    const all = [...sources.list];
    for (const { subgraph, stage, as, key } of this.entries.values())
      if (key !== undefined && stage < earliest && as.kind === 'object' && !this.isSource(subgraph))
        all.push({ subgraph, stage, as, provided: undefined });
    if (all.length === sources.list.length || all.length < 2) return undefined;
    const plan = cover(search, item, search.sources.of(all, this.contexts));
    if (plan === null || plan.uses.length < 2 || plan.depth >= earliest) return undefined;
    return ofSources('mixed', plan);
  }
}

function ofSources(id: string, plan: Plan): Option {
  const [entry, requires] = [undefined, undefined];
  return { id, entry, stage: 0, plan, end: plan.depth, requires, isWhole: false };
}

const noEntries: ReadonlyMap<number, Entry> = new Map();
const noOptions: readonly Option[] = [];

/** Of some ways, the one that leaves least, and ends earliest. */
export function leavingLeast(options: readonly Option[]): Option {
  return options.reduce((best, option) => {
    const [left, least] = [leavesLeft(option.plan), leavesLeft(best.plan)];
    return left < least || (left === least && option.end < best.end) ? option : best;
  });
}
