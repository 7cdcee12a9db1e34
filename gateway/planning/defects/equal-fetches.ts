import { MultiMap } from '@apollo/federation-internals';

/**
 * Merges fetches that have the same inputs, without making one of them depend on itself.
 *
 * At the end the planner merges the fetches of a subgraph that have the same inputs at the same path. One of them may
 * depend on another through fetches in between. Then the merged fetch depends on itself, and the planner follows that
 * cycle until it runs out of memory; or it loses the dependencies of later fetches on those in between. Both happen
 * with an `@interfaceObject`: the type of an object and the fields of a `@requires` may be fetched from the same
 * subgraph by the same key.
 *
 * This fix first moves the dependencies on the fetches in between from the later fetch to the fetches that follow it.
 *
 * No change of the operation or the supergraph avoids this, so the method itself is wrapped. Its class is not exported;
 * the prototype is taken from the first fetch that the planner collects for merging.
 *
 * Upstream: https://github.com/apollographql/router/pull/5797 fixes the cycle in the planner's port to Rust, and
 * https://github.com/apollographql/router/pull/10182 describes the lost dependencies there.
 */
export function mergeEqualFetchesInOrder(): void {
  if (isWrapped) return;
  isWrapped = true;
  const maps: { add: Add } = MultiMap.prototype;
  const { add } = maps;
  maps.add = function (key, value) {
    if (isFetch(value)) {
      maps.add = add;
      wrapMerge(Object.getPrototypeOf(value) as Fetch);
    }
    return add.call(this, key, value);
  };
}

let isWrapped = false;

type Add = (this: MultiMap<unknown, unknown>, key: unknown, value: unknown) => MultiMap<unknown, unknown>;

/** The members of the planner's fetch that are used here. */
interface Fetch {
  mergeInWithAllDependencies: (this: Fetch, other: Fetch) => void;
  isDescendantOf(other: Fetch): boolean;
  children(): readonly Fetch[];
  parentGroups(): readonly Fetch[];
  addParent(parent: { readonly group: Fetch }): void;
  removeChild(child: Fetch): void;
}

const isFetch = (value: unknown): value is Fetch =>
  typeof value === 'object' && value !== null && 'mergeInWithAllDependencies' in value;

function wrapMerge(fetches: Fetch): void {
  const { mergeInWithAllDependencies } = fetches;
  fetches.mergeInWithAllDependencies = function (other) {
    if (other.isDescendantOf(this)) letFollowersWait(this, other);
    else if (this.isDescendantOf(other)) letFollowersWait(other, this);
    mergeInWithAllDependencies.call(this, other);
  };
}

/** Moves dependencies of the later fetch, on the earlier one and on those in between, to the fetches that follow it. */
function letFollowersWait(earlier: Fetch, later: Fetch): void {
  const between = later.parentGroups().filter((one) => one === earlier || one.isDescendantOf(earlier));
  for (const one of between) {
    for (const follower of later.children()) follower.addParent({ group: one });
    one.removeChild(later);
  }
}
