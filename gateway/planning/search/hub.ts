/** One object position: the ways to each field of its objects. */
import { mapIn } from '../maps';
import { type Selection } from '../selections';
import { type IndexedType, isInterfaceObject } from '../supergraph-index';
import { cover, resolvedBy } from './cover';
import { entriesOf, type KeyEntry } from './entries';
import { type ObjectItem, type Plan } from './plans';
import { type Search } from './search';
import { contextsAfter, type ReadyContexts, type PlanSource, type SourceList } from './sources';

/** A way to a field. */
export interface Option {
  /** Equal for ways into one subgraph in one stage. */
  readonly id: string;
  /** Undefined where the sources answer the field. */
  readonly entry: KeyEntry | undefined;
  /** The stage in which the subgraph is entered; 0 for the sources. */
  readonly stage: number;
  readonly plan: Plan;
  /** The stage by which the field is known. */
  readonly end: number;
  readonly requires: Selection | undefined;
  readonly isWhole: boolean;
}

export class Hub {
  /** The contexts of what is below these objects. */
  contexts: ReadyContexts;
  #entries: ReadonlyMap<number, KeyEntry> | undefined;
  /** Of one object type, fields under different aliases have the same ways. */
  readonly #options = new Map<ObjectItem | string, readonly Option[]>();
  readonly #optionsBelow = new Map<Selection, Map<string, readonly Option[]>>();
  #mixedSources: { readonly end: number; readonly sources: SourceList } | undefined;

  constructor(
    readonly search: Search,
    readonly type: IndexedType,
    readonly sources: SourceList,
    /** Whether it is a root type, whose fields are requested from all subgraphs at once. */
    readonly isRoot = false,
  ) {
    this.contexts = sources.contexts;
  }

  /** Sets them where the objects set contexts, too: ways that were found before do not know of these. */
  setContexts(contexts: ReadyContexts): void {
    this.contexts = contexts;
    this.#options.clear();
    this.#optionsBelow.clear();
    this.#mixedSources = undefined;
  }

  get entries(): ReadonlyMap<number, KeyEntry> {
    return (this.#entries ??= this.isRoot ? noEntries : entriesOf(this.search, this.type, this.sources));
  }

  optionsFor(item: ObjectItem): readonly Option[] {
    if (this.type.kind !== 'object' || item.kind === 'bundle')
      return this.#remembered(this.#options, item, item);
    if (item.selection === undefined) return this.#remembered(this.#options, item.name, item);
    return this.#remembered(mapIn(this.#optionsBelow, item.selection), item.name, item);
  }

  /** All ways to a field. While they are looked for there are none: no requirement can need itself. */
  #remembered<Key>(known: Map<Key, readonly Option[]>, key: Key, item: ObjectItem): readonly Option[] {
    let options = known.get(key);
    if (options === undefined) {
      known.set(key, noOptions);
      known.set(key, (options = this.#find(item)));
    }
    return options;
  }

  /** The stage by which all of a selection is known; infinite where a part of it never is. */
  knownAfter(selection: Selection): number {
    let stage = 0;
    for (const field of this.search.flattening.fieldsOf(selection, this.type.name))
      if (field.name !== '__typename') stage = Math.max(stage, earliestEnd(this.optionsFor(field)));
    return stage;
  }

  #find(item: ObjectItem): readonly Option[] {
    const { search, sources } = this;
    const singles: { readonly source: PlanSource; readonly plan: Plan }[] = [];
    const options: Option[] = [];
    const atOnce: Option[] = [];
    const isOnly = sources.list.length === 1 && this.contexts === sources.contexts;
    for (const source of sources.list) {
      const plan = cover(search, item, isOnly ? sources : search.sourceLists.of([source], this.contexts));
      if (plan === null) continue;
      const option = ofSources(`s${source.subgraph}`, plan);
      singles.push({ source, plan });
      options.push(option);
      if (plan.left === undefined && plan.depth === 0) atOnce.push(option);
    }
    // At the root they are calls: a longer way through calls that are made anyway may be cheaper.
    if (atOnce.length > 0 && !this.isRoot) return atOnce;
    if (singles.length > 1 && item.selection !== undefined) {
      singles.sort((one, other) => search.compare(one.plan, other.plan));
      const all = singles.map(({ source }) => source);
      const together = cover(search, item, search.sourceLists.of(all, this.contexts));
      if (together !== null && together.uses.length > 1) options.push(ofSources('all', together));
    }
    if (this.isRoot) return options;
    this.entries.forEach((entry) => this.#enter(item, entry, options));
    const mixed = this.#mixed(item, options);
    if (mixed !== undefined) options.push(mixed);
    return options;
  }

  /** Adds the way by a key of another subgraph, or of a source where the field requires something. */
  #enter(item: ObjectItem, entry: KeyEntry, options: Option[]): void {
    const { contexts } = this;
    const { subgraph, as } = entry;
    const isSelf = as.kind === 'object' || isInterfaceObject(as, subgraph);
    const join = item.kind === 'field' && isSelf ? as.fields.get(item.name)?.joins.get(subgraph) : undefined;
    if (item.kind === 'field' && isSelf && join === undefined && item.name !== '__typename') return;
    const ready = contexts.size > 0 && this.#usesContexts(item) ? Math.max(...contexts.values()) : 0;
    const requires = join?.requires;
    if (requires === undefined && ready === 0 && this.sources.has(subgraph)) return;
    let { stage } = entry;
    if (requires !== undefined) {
      const known = this.knownAfter(requires);
      if (known === Infinity) return;
      stage = Math.max(stage, known + 1);
    }
    for (const at of ready > stage ? [stage, ready] : [stage]) {
      const plan = cover(this.search, item, this.#entered(entry, at), isSelf);
      if (plan === null) continue;
      const isWhole = item.kind === 'bundle' || (item.name !== '__typename' && !isSelf);
      const end = at + plan.depth;
      options.push({ id: `${subgraph}@${at}`, entry, stage: at, plan, end, requires, isWhole });
    }
  }

  #entered({ alone }: KeyEntry, stage: number): SourceList {
    if (this.contexts.size === 0) return alone;
    return this.search.sourceLists.of(alone.list, contextsAfter(this.contexts, stage));
  }

  #usesContexts(item: ObjectItem): boolean {
    const { flattening } = this.search;
    const selection = item.kind === 'bundle' ? item.selection : flattening.listOf([item]);
    return flattening.contextArgumentsIn(selection).length > 0;
  }

  /** The way through the sources and entered subgraphs together, where that ends earlier than all others. */
  #mixed(item: ObjectItem, options: readonly Option[]): Option | undefined {
    const { search, sources } = this;
    if (item.kind === 'bundle' || item.selection === undefined) return undefined;
    const earliest = earliestEnd(options);
    if (this.#mixedSources?.end !== earliest)
      this.#mixedSources = { end: earliest, sources: this.#enteredBefore(earliest) };
    const { sources: all } = this.#mixedSources;
    if (all.list.length === sources.list.length) return undefined;
    let able = 0;
    for (const source of all.list) if (resolvedBy(search, source, item.name) !== undefined) able++;
    if (able < 2) return undefined;
    const plan = cover(search, item, all);
    if (plan === null || plan.uses.length < 2 || plan.depth >= earliest) return undefined;
    return ofSources('mixed', plan);
  }

  /** The sources, and the subgraphs that are entered before a stage. */
  #enteredBefore(end: number): SourceList {
    const all = [...this.sources.list];
    for (const { subgraph, stage, as, key } of this.entries.values())
      if (key !== undefined && stage < end && as.kind === 'object' && !this.sources.has(subgraph))
        all.push({ subgraph, stage, as, provided: undefined });
    return this.search.sourceLists.of(all, this.contexts);
  }
}

function ofSources(id: string, plan: Plan): Option {
  const [entry, requires] = [undefined, undefined];
  return { id, entry, stage: 0, plan, end: plan.depth, requires, isWhole: false };
}

const noEntries: ReadonlyMap<number, KeyEntry> = new Map();
const noOptions: readonly Option[] = [];

/** The earliest stage by which one of some ways has answered all. */
function earliestEnd(options: readonly Option[]): number {
  let earliest = Infinity;
  for (const { plan, end } of options) if (plan.left === undefined) earliest = Math.min(earliest, end);
  return earliest;
}
