/** Puts fetches that nothing waits for beside later ones of their subgraphs, with which they then share a request. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type Steps } from '../budget';
import { remembered } from '../maps';
import { type FetchDraft } from './drafts';

/** Moves fetches of entities to later stages. No chain of fetches becomes longer. */
export function* startLate(fetches: readonly FetchDraft[], steps: Steps): SlicedWork<void> {
  const paths = new LatestStages();
  const subgraphs = new Map<number, Set<number>>();
  for (const { isOfEntities, path, stage, subgraph } of fetches) {
    if (steps.isSliceOver) yield;
    paths.add(path, stage);
    const stages = remembered(subgraphs, subgraph, () => new Set());
    if (isOfEntities) stages.add(stage);
  }
  // The latest first: those before may then join them.
  for (const fetch of [...fetches].sort((one, other) => other.stage - one.stage)) {
    if (steps.isSliceOver) yield;
    if (!fetch.isOfEntities || paths.latestAt(fetch.path) > fetch.stage) continue;
    const later = [...subgraphs.get(fetch.subgraph)!].filter((stage) => stage > fetch.stage);
    if (later.length > 0) fetch.stage = Math.max(...later);
  }
}

/** In which stage fetches at or below a path are made, and at the paths around it: what may need each other. */
class LatestStages {
  readonly #within = new Map<string, number>();
  readonly #at = new Map<string, number>();

  add(path: readonly string[], stage: number): void {
    const prefixes = prefixesOf(path);
    for (const prefix of prefixes) this.#within.set(prefix, Math.max(stage, this.#within.get(prefix) ?? 0));
    const whole = prefixes.at(-1)!;
    this.#at.set(whole, Math.max(stage, this.#at.get(whole) ?? 0));
  }

  latestAt(path: readonly string[]): number {
    const prefixes = prefixesOf(path);
    const around = prefixes.map((prefix) => this.#at.get(prefix) ?? 0);
    return Math.max(this.#within.get(prefixes.at(-1)!) ?? 0, ...around);
  }
}

/** A path and the paths around it, as texts, without types. */
function prefixesOf(path: readonly string[]): string[] {
  const prefixes = [''];
  for (const element of path) prefixes.push(`${prefixes.at(-1)!}.${element.split('|', 1)[0]!}`);
  return prefixes;
}
