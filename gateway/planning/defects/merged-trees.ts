import { type OpPathTree, PathTree } from '@apollo/query-graphs';

/**
 * Keeps all selections when two path trees are merged.
 *
 * The planner represents paths through the graph as trees. A selection that one subgraph can answer completely is in
 * the `localSelections` of a node. If one of two merged trees ends in a node, `PathTree.merge` takes the other tree and
 * loses the `localSelections`. This happens to a mutation with several fields in one subgraph, and to selections of
 * `@requires`: `mutation { n m { ... on Note { text } ... on Named { label } } }` returns null for the text of a note,
 * without an error.
 *
 * No change of the operation or the supergraph avoids this, so the method itself is wrapped.
 *
 * Upstream: no issue found. https://github.com/apollographql/router/pull/10182 reports it for the planner's port to
 * Rust.
 */
export function keepLocalSelections(): void {
  const trees: { merge: Merge } = PathTree.prototype;
  if (trees.merge === mergeWhole) return;
  ({ merge } = trees);
  trees.merge = mergeWhole;
}

type Merge = (this: OpPathTree, other: OpPathTree) => OpPathTree;

/** The original method. */
let merge: Merge;

function mergeWhole(this: OpPathTree, other: OpPathTree): OpPathTree {
  const merged = merge.call(this, other);
  if (merged !== this && merged !== other) return merged;
  const localSelections = [...new Set([...(this.localSelections ?? []), ...(other.localSelections ?? [])])];
  if (localSelections.length === (merged.localSelections?.length ?? 0)) return merged;
  // The constructor of `PathTree` is private.
  return Object.assign(Object.create(PathTree.prototype) as OpPathTree, merged, { localSelections });
}
