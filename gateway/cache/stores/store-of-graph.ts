import type { CacheEntry, Store } from './store';

/**
 * The part of a store that one graph has: no other graph finds its entries. Tags are those of all graphs, so that an
 * invalidation reaches the entries of each graph, also of one that is not open here.
 *
 * Closing it does not close the store.
 */
export function storeOfGraph(store: Store, graph: string): Store {
  // Names of graphs have no spaces, so no key of one graph begins as a key of another one.
  const own = (key: string): string => `${graph} ${key}`;
  return {
    get: (keys) => store.get(keys.map(own)),
    set: (entries, clock) =>
      store.set(
        new Map(Array.from(entries, ([key, entry]): [string, CacheEntry] => [own(key), entry])),
        clock,
      ),
    invalidate: (tags) => store.invalidate(tags),
    close: () => Promise.resolve(),
    memory: store.memory,
    ...(store.peek !== undefined && { peek: (key: string) => store.peek!(own(key)) }),
  };
}
