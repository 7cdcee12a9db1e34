import { type OpPathTree, PathTree } from '@apollo/query-graphs';

/**
 * Keeps all that is selected where two ways through the graph become one.
 *
 * The planner draws the ways as trees. What a subgraph answers whole hangs on a node as its `localSelections`; where
 * trees meet in a node at which one of them ends, `PathTree.merge` takes the other as it is, and forgets these. Plans
 * are made of such trees where a mutation has several fields in one subgraph, and for what `@requires` selects:
 * `mutation { n m { ... on Note { text } ... on Named { label } } }` answers null for the text of a note, without an
 * error.
 *
 * No operation nor supergraph can be written so that this does not happen, hence the method itself is wrapped.
 *
 * Upstream: no issue found. https://github.com/apollographql/router/pull/10182 tells it of the planner's port to Rust.
 */
export function keepLocalSelections(): void {
  const trees: { merge: Merge } = PathTree.prototype;
  if (trees.merge === mergeWhole) return;
  ({ merge } = trees);
  trees.merge = mergeWhole;
}

type Merge = (this: OpPathTree, other: OpPathTree) => OpPathTree;

/** As it was. */
let merge: Merge;

function mergeWhole(this: OpPathTree, other: OpPathTree): OpPathTree {
  const merged = merge.call(this, other);
  if (merged !== this && merged !== other) return merged;
  const localSelections = [...new Set([...(this.localSelections ?? []), ...(other.localSelections ?? [])])];
  if (localSelections.length === (merged.localSelections?.length ?? 0)) return merged;
  // Its constructor is private.
  return Object.assign(Object.create(PathTree.prototype) as OpPathTree, merged, { localSelections });
}
