import { MultiMap } from '@apollo/federation-internals';

/**
 * Merges fetches that have the same inputs without letting one of them wait for itself.
 *
 * In the end the planner merges the fetches of a subgraph that have the same inputs at the same place of the response.
 * One of them may come after another, with fetches between them. Merged, the earlier one is then behind itself, and the
 * planner goes round in that circle until its memory is used up; or it forgets that what follows the later one also needs
 * what is fetched in between. Both happen where subgraphs know an interface as an `@interfaceObject`: what tells the type
 * of an object and what a `@requires` needs may be asked of the same subgraph, by the same key.
 *
 * Here the later one first no longer waits for what is in between; whatever follows it does.
 *
 * No operation nor supergraph can be written so that this does not happen, hence the method itself is wrapped. Its class
 * is not exported: the first fetch that is collected to be merged tells it.
 *
 * Upstream: https://github.com/apollographql/router/pull/5797 mends the circle in the planner's port to Rust, and
 * https://github.com/apollographql/router/pull/10182 tells what is forgotten there.
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

/** What is used of a fetch while a plan is made. */
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

/** Lets what follows the later one of two fetches wait for what is between these, which the later one no longer does. */
function letFollowersWait(earlier: Fetch, later: Fetch): void {
  const between = later.parentGroups().filter((one) => one === earlier || one.isDescendantOf(earlier));
  for (const one of between) {
    for (const follower of later.children()) follower.addParent({ group: one });
    one.removeChild(later);
  }
}
