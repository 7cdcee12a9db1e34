/**
 * Bounds an `LRUCache` to so many entries. Its own option `max` takes the room for all of them in advance, which costs a
 * millisecond and a megabyte with each supergraph.
 */
export const atMost = (
  count: number,
): { readonly maxSize: number; readonly sizeCalculation: () => number } => ({
  maxSize: count,
  sizeCalculation: () => 1,
});
