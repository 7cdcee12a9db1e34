/** The ways from an object into other subgraphs, by keys. */
import { remembered } from '../maps';
import { type Selection } from '../selections';
import { type IndexedKey, type IndexedType, knownAs } from '../supergraph-index';
import { cover } from './cover';
import { type Problem, type Search } from './search';
import { type SourceList } from './sources';

/** A way into a subgraph. */
export interface KeyEntry {
  readonly subgraph: number;
  /** The first stage in which its key is known. */
  readonly stage: number;
  /** As what the subgraph knows the object. */
  readonly as: IndexedType;
  /** Undefined at the query type, which needs none. */
  readonly key: IndexedKey | undefined;
  readonly cost: number;
  /** The subgraph as the only source. */
  readonly alone: SourceList;
}

/** The ways that were found for objects of a type. */
export interface FoundEntries {
  readonly owner: Problem | undefined;
  readonly entries: Map<number, KeyEntry>;
  isComplete: boolean;
}

/**
 * The subgraphs that objects of a type can be fetched from, each by its cheapest key among the earliest.
 *
 * Dijkstra's algorithm, as Knuth generalised it: a key may need fields of several subgraphs that were entered before.
 */
export function entriesOf(
  search: Search,
  type: IndexedType,
  sources: SourceList,
): ReadonlyMap<number, KeyEntry> {
  const known = sources.entries;
  if (known?.isComplete === true) return known.entries;
  if (known !== undefined && known.owner !== search.current) {
    // Requested within the search for a key: those found so far count. If more are found, what used these is solved again.
    sources.isReadEarly = true;
    return known.entries;
  }
  const found: FoundEntries = { owner: search.current, entries: new Map(), isComplete: false };
  sources.entries = found;
  if (type.name === search.index.roots.query)
    for (const subgraph of type.joins.keys())
      found.entries.set(subgraph, {
        ...{ subgraph, stage: sources.list[0]!.stage + 1, as: type, key: undefined, cost: 0 },
        alone: aloneIn(search, subgraph, type),
      });
  else enter(search, type, sources, found.entries);
  found.isComplete = true;
  return found.entries;
}

function enter(search: Search, type: IndexedType, sources: SourceList, entries: Map<number, KeyEntry>): void {
  const candidates = remembered(search.candidates, type, () => candidatesOf(search, type));
  if (candidates.length === 0) return;
  // Those that hold the object, each alone.
  const holders = sources.list.map((source) => search.sourceLists.of([source]));
  const last = sources.list.at(-1)!.stage;
  let isWaiting = true;
  for (let stage = 1; isWaiting && stage < mostStages; stage++) {
    isWaiting = stage <= last;
    let hasFound = false;
    const known = holders.filter(({ list }) => list[0]!.stage < stage);
    for (const { subgraph, as, key, alone } of candidates) {
      const before = entries.get(subgraph);
      if (before !== undefined && before.stage < stage) continue;
      const cost = costOf(search, key.selection, type, known, sources, stage - 1);
      if (cost === Infinity) isWaiting = true;
      if (cost === undefined || (before?.cost ?? Infinity) <= cost) continue;
      entries.set(subgraph, { subgraph, stage, as, key, cost, alone });
      hasFound = true;
    }
    if (hasFound) isWaiting = true;
    if (hasFound && sources.isReadEarly) search.sourceLists.forget();
    // All are found, and none can be found in an earlier stage.
    if (candidates.every(({ subgraph }) => entries.has(subgraph))) return;
    for (const { subgraph, stage: from, as } of entries.values())
      if (from === stage && !sources.has(subgraph))
        holders.push(search.sourceLists.of([{ subgraph, stage, as, provided: undefined }]));
  }
}

const aloneIn = (search: Search, subgraph: number, as: IndexedType): SourceList =>
  search.sourceLists.of([{ subgraph, stage: 0, as, provided: undefined }]);

const mostStages = 20;

export interface KeyCandidate extends Pick<KeyEntry, 'subgraph' | 'as' | 'alone'> {
  readonly key: IndexedKey;
}

function candidatesOf(search: Search, type: IndexedType): KeyCandidate[] {
  const candidates: KeyCandidate[] = [];
  for (const [subgraph, as] of knownAs(search.index, type))
    for (const key of as.joins.get(subgraph)!.keys)
      if (key.isResolvable) candidates.push({ subgraph, as, key, alone: aloneIn(search, subgraph, as) });
  return candidates;
}

/** What it costs that holders of the object supply a key by the end of a stage: infinite if later, undefined if never. */
function costOf(
  search: Search,
  key: Selection,
  type: IndexedType,
  holders: readonly SourceList[],
  sources: SourceList,
  stage: number,
): number | undefined {
  let total = 0;
  // A key may be the type alone.
  if (holders.length === 0) return undefined;
  for (const field of search.flattening.fieldsOf(key, type.name)) {
    if (field.name === '__typename') continue;
    let cheapest: number | undefined;
    const by = (holder: SourceList): void => {
      const plan = cover(search, field, holder);
      if (plan === null || plan.left !== undefined) return;
      const entered = plan.uses.filter((subgraph) => !sources.has(subgraph)).length;
      const own = plan.size + entered * costOfEntering;
      cheapest = Math.min(cheapest ?? Infinity, plan.depth > stage ? Infinity : own);
    };
    holders.forEach(by);
    if (cheapest === undefined && field.selection !== undefined && holders.length > 1)
      by(search.sourceLists.of(holders.map(({ list }) => list[0]!)));
    if (cheapest === undefined) return undefined;
    total += cheapest;
  }
  return total;
}

/** In fields. */
const costOfEntering = 10;
