/** Puts fetches that nothing waits for beside later ones of their subgraphs, with which they then share a request. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type Steps } from '../budget';
import { remembered } from '../maps';
import { type FetchDraft } from './drafts';

/** Moves fetches of entities to later stages. No chain of fetches becomes longer. */
export function* startLate(fetches: readonly FetchDraft[], steps: Steps): SlicedWork<void> {
  const stages = new PathStages();
  const subgraphs = new Map<number, Set<number>>();
  for (const { isOfEntities, path, stage, subgraph } of fetches) {
    if (steps.isSliceOver) yield;
    stages.add(path, stage);
    const own = remembered(subgraphs, subgraph, () => new Set());
    if (isOfEntities) own.add(stage);
  }
  // The latest first: those before may then join them.
  for (const fetch of [...fetches].sort((one, other) => other.stage - one.stage)) {
    if (steps.isSliceOver) yield;
    if (!fetch.isOfEntities || stages.hasLater(fetch.path, fetch.stage)) continue;
    const later = [...subgraphs.get(fetch.subgraph)!].filter((stage) => stage > fetch.stage);
    if (later.length > 0) fetch.stage = Math.max(...later);
  }
}

/** A path of the response, without types. */
interface PathNode {
  readonly around: PathNode | undefined;
  readonly below: Map<string, PathNode>;
  /** The latest stage of fetches there, and of those there or below. */
  at: number;
  within: number;
}

/** The latest stages of fetches by path: those at, around and below a path may need each other. */
class PathStages {
  readonly #root: PathNode = { around: undefined, below: new Map(), at: 0, within: 0 };
  readonly #known = new Map<readonly string[], PathNode>();

  add(path: readonly string[], stage: number): void {
    const node = this.#nodeOf(path);
    node.at = Math.max(node.at, stage);
    for (let at: PathNode | undefined = node; at !== undefined; at = at.around)
      at.within = Math.max(at.within, stage);
  }

  hasLater(path: readonly string[], stage: number): boolean {
    const node = this.#nodeOf(path);
    if (node.within > stage) return true;
    for (let at: PathNode | undefined = node; at !== undefined; at = at.around)
      if (at.at > stage) return true;
    return false;
  }

  #nodeOf(path: readonly string[]): PathNode {
    return remembered(this.#known, path, () => {
      let node = this.#root;
      for (const element of path) {
        const around = node;
        const key = element.includes('|') ? element.split('|', 1)[0]! : element;
        node = remembered(node.below, key, () => ({ around, below: new Map(), at: 0, within: 0 }));
      }
      return node;
    });
  }
}
