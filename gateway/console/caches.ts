import { setImmediate as turn } from 'node:timers/promises';
import type { TagWithoutValues } from '../cache/shown-tags';
import { operationTag } from '../cache/tags';
import type { HeldEntry, MemoryContents } from '../cache/stores/store';
import type { Options } from '../options';
import { storeKindOf } from '../options/cache';
import type { Metrics } from '../telemetry/metrics/metrics';
import type { CacheCounts } from '../telemetry/statistics/cache-statistics';
import type { NotedInvalidation } from '../telemetry/statistics/invalidation-log';
import { ownOperationTag } from './cache-reasons';
import type {
  CacheMemory,
  CachesView,
  EntityFigures,
  Held,
  HeldEntries,
  InvalidationKind,
  ResponseFigures,
  ShownInvalidation,
} from './caches-api';
import { joined } from './call-totals';
import { askSeldom } from './operators';

/** What a process has counted and holds, as plain data: it crosses processes, and adds up with that of others. */
export type CacheParts = CachesView;

/** The caches of the options in force. */
export interface CacheContents {
  readonly cache: Options['cache'];
  readonly memory: MemoryContents | undefined;
  /** How tags are shown, unless values are wanted. */
  readonly tagWithoutValues: TagWithoutValues;
}

export interface CacheFacts extends CacheContents {
  readonly metrics: Pick<Metrics, 'caches' | 'responseCache'>;
  /** When counting began, in Unix milliseconds. */
  readonly since: number;
  /** Whether tags are shown that have values of keys or arguments. */
  readonly values: boolean;
}

/**
 * Reads what a process has counted, and at most every ten seconds, while somebody looks, what of the caches is in its memory:
 * the {@link mostCounted} entries that were used last. A store that gateways share is not read.
 */
export function cacheReader(facts: () => CacheFacts): () => Promise<CacheParts> {
  const held = askSeldom(() => countHeld(facts()), { period: 10_000, patience: 1_000 });
  return async () => describeCaches(facts(), (await held()) ?? new HeldCounts(noTags));
}

const noTags = (): string => ownForm;

async function countHeld(facts: CacheFacts): Promise<HeldCounts> {
  const held = new HeldCounts(tagsShown(facts));
  for (const [i, entry] of mostRecent(facts.memory).entries()) {
    held.add(entry);
    // Requests are not to wait for all of them.
    if (i % countedAtOnce === countedAtOnce - 1) await turn();
  }
  return held;
}

function describeCaches(facts: CacheFacts, held: HeldCounts): CacheParts {
  const { cache, memory, metrics, since } = facts;
  const shown = tagsShown(facts);
  const { caches, responseCache } = metrics;
  const { hit, stale, coalesced, miss, pass } = responseCache;
  return limited({
    ...{ store: storeKindOf(cache), since, processes: 1 },
    ...(memory && { memory: memoryOf(memory, held.counted) }),
    responses: { hit, stale, coalesced, miss, pass, stored: caches.responses.stored, ...held.responses },
    entities: withUncounted(
      [...caches.entities].flatMap(([subgraph, byType]) =>
        Array.from(byType, ([type, counts]) => figuresOf(subgraph, type, counts, held.entities)),
      ),
      held.entities,
    ),
    operations: [...held.operations.values()],
    tags: [...held.tags.values()],
    otherTags: 0,
    invalidations: {
      counts: { ...caches.invalidations.counts },
      recent: caches.invalidations.last.map((each) => describeInvalidation(each, shown)),
    },
  });
}

/** The entries of the caches that were used last. */
function mostRecent(memory: MemoryContents | undefined): readonly HeldEntry[] {
  const found: HeldEntry[] = [];
  for (const entry of memory?.entries() ?? []) {
    if (isEntity(entry.key) || entry.key.startsWith('response:')) found.push(entry);
    if (found.length === mostCounted) break;
  }
  return found;
}

const memoryOf = ({ size, bytes, maxBytes }: MemoryContents, counted: number): CacheMemory => ({
  ...{ entries: size, bytes, maxBytes, counted },
});

function figuresOf(
  subgraph: string,
  type: string,
  { ages, misses, stored, refreshed, changed }: CacheCounts,
  held: ReadonlyMap<string, HeldType>,
): EntityFigures {
  const { fresh, ...stale } = ages;
  const { entries, bytes } = held.get(keyOf({ subgraph, type })) ?? nothing;
  return {
    ...{ subgraph, type, hit: fresh.count, miss: misses, stored, refreshed, changed, entries, bytes },
    stale: Object.values(stale).reduce((sum, { count }) => sum + count, 0),
  };
}

/** Adds those that are in memory and were not counted in this process, as other gateways have stored them. */
function withUncounted(counted: EntityFigures[], held: ReadonlyMap<string, HeldType>): EntityFigures[] {
  const known = new Set(counted.map(keyOf));
  const rest = [...held].filter(([key]) => !known.has(key)).map(([, each]) => each);
  const none = { hit: 0, stale: 0, miss: 0, stored: 0, refreshed: 0, changed: 0 };
  return [...counted, ...rest.map((each) => ({ ...none, ...each }))];
}

const keyOf = ({ subgraph, type }: Pick<EntityFigures, 'subgraph' | 'type'>): string =>
  `${subgraph}\n${type}`;

type HeldType = Held & Pick<EntityFigures, 'subgraph' | 'type'>;

const nothing: Held = { entries: 0, bytes: 0 };

/** Counts entries in memory, and their bytes. */
class HeldCounts {
  counted = 0;
  readonly responses = { entries: 0, bytes: 0 };
  readonly entities = new Map<string, HeldType>();
  readonly operations = new Map<string, HeldEntries>();
  /** As they are shown. */
  readonly tags = new Map<string, HeldEntries>();
  readonly #shown: (tag: string) => string;

  constructor(shown: (tag: string) => string) {
    this.#shown = shown;
  }

  add({ key, tags, bytes }: HeldEntry): void {
    const own = isEntity(key) ? undefined : ownOperationTag(tags);
    if (isEntity(key)) {
      const subgraph = nameIn(tags, 'subgraph:') ?? '';
      const type = typeOf(key, tags);
      const row = keyOf({ subgraph, type });
      let counts = this.entities.get(row);
      if (counts === undefined) this.entities.set(row, (counts = { subgraph, type, entries: 0, bytes: 0 }));
      addTo(counts, bytes);
    } else {
      addTo(this.responses, bytes);
      if (own !== undefined) count(this.operations, own.slice(operationTag('').length), bytes);
    }
    const shown = tags.map((tag) => (tag === own ? tag : this.#shown(tag)));
    for (const tag of new Set(shown)) count(this.tags, tag, bytes);
    this.counted++;
  }
}

const isEntity = (key: string): boolean => key.startsWith('entity:');

/** The name of the first tag of a kind. */
const nameIn = (tags: readonly string[], prefix: string): string | undefined =>
  tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);

function count(counts: Map<string, HeldEntries>, name: string, bytes: number): void {
  let row = counts.get(name);
  if (row === undefined) counts.set(name, (row = { name, entries: 0, bytes: 0 }));
  addTo(row, bytes);
}

function addTo(row: { entries: number; bytes: number }, bytes: number): void {
  row.entries++;
  row.bytes += bytes;
}

/** The type of an entity: its key ends with the representation, unless that is long. */
const typeOf = (key: string, tags: readonly string[]): string =>
  /\{"__typename":"(\w+)"/.exec(key)?.[1] ?? nameIn(tags, 'type:') ?? 'other';

/** How tags are shown: values of keys and arguments are left out, unless they are wanted. */
const tagsShown =
  ({ values, tagWithoutValues }: Pick<CacheFacts, 'values' | 'tagWithoutValues'>) =>
  (tag: string): string =>
    values ? tag : (tagWithoutValues(tag) ?? ownForm);

/** Of `@cacheTag`, or of a response header: anything may stand in it. */
const ownForm = 'of the subgraphs’ own form';

function describeInvalidation(
  { at, cause, tags, more, isConfirmed }: NotedInvalidation,
  shown: (tag: string) => string,
): ShownInvalidation {
  const { kind, by, because, request } = cause;
  return {
    ...{ at, kind, more },
    ...(by !== undefined && { by }),
    ...(because !== undefined && { because }),
    ...(request !== undefined && { request }),
    ...(isConfirmed !== undefined && { isConfirmed }),
    tags: [...new Set(tags.map(shown))],
  };
}

/** The same, noted to be what this gateway has. */
export const cachesOf = (gateway: string, { invalidations, ...parts }: CacheParts): CacheParts => ({
  ...parts,
  invalidations: { ...invalidations, recent: invalidations.recent.map((each) => ({ ...each, gateway })) },
});

/** What several processes, or gateways, have together. There is one at least. */
export function mergeCaches(parts: readonly CacheParts[]): CacheParts {
  const [first, ...others] = parts;
  return limited(others.reduce(addCaches, first!));
}

function addCaches(one: CacheParts, other: CacheParts): CacheParts {
  const memory =
    one.memory && other.memory ? addNumbers(one.memory, other.memory) : (one.memory ?? other.memory);
  const { counts, recent } = one.invalidations;
  return {
    store: one.store,
    since: Math.min(one.since, other.since),
    processes: one.processes + other.processes,
    ...(memory && { memory }),
    responses: addNumbers<ResponseFigures>(one.responses, other.responses),
    entities: joined([...one.entities, ...other.entities], keyOf, addNumbers),
    operations: joined([...one.operations, ...other.operations], ({ name }) => name, addNumbers),
    tags: joined([...one.tags, ...other.tags], ({ name }) => name, addNumbers),
    otherTags: one.otherTags + other.otherTags,
    invalidations: {
      counts: addNumbers<Record<InvalidationKind, number>>(counts, other.invalidations.counts),
      recent: [...recent, ...other.invalidations.recent].sort((a, b) => b.at - a.at),
    },
  };
}

/** Adds the numbers of two rows; what is text is that of the first. */
const addNumbers = <Row extends object>(one: Row, other: Row): Row =>
  Object.fromEntries(
    Object.entries(one).map(([name, value]) => [
      name,
      typeof value === 'number' ? value + Number((other as Record<string, unknown>)[name]) : value,
    ]),
  ) as Row;

/** Those with the most alone, in their order. */
function limited(parts: CacheParts): CacheParts {
  const { entities, operations, tags, invalidations } = parts;
  const looked = ({ hit, stale, miss, entries }: EntityFigures): number => hit + stale + miss + entries;
  const most = (rows: readonly HeldEntries[]): HeldEntries[] =>
    [...rows].sort((a, b) => b.entries - a.entries).slice(0, mostRows);
  return {
    ...parts,
    entities: [...entities].sort((a, b) => looked(b) - looked(a)).slice(0, mostTypes),
    operations: most(operations),
    tags: most(tags),
    otherTags: parts.otherTags + Math.max(0, tags.length - mostRows),
    invalidations: { ...invalidations, recent: invalidations.recent.slice(0, mostRows) },
  };
}

const mostCounted = 5_000;
const countedAtOnce = 500;
const mostTypes = 100;
const mostRows = 50;
