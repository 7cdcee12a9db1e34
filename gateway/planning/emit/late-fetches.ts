/** Puts fetches that nothing waits for beside later ones of their subgraphs, with which they then share a request. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type Steps } from '../budget';
import { remembered } from '../maps';
import { type FetchDraft } from './drafts';

/** Moves fetches of entities to later stages. No chain of fetches becomes longer. */
export function* startLate(fetches: readonly FetchDraft[], steps: Steps): SlicedWork<void> {
  // The latest stages of fetches at each path, and of those at or below it: what may need each other.
  const [at, within] = [new Map<string, number>(), new Map<string, number>()];
  const subgraphs = new Map<number, Set<number>>();
  for (const { isOfEntities, path, stage, subgraph } of fetches) {
    if (steps.isSliceOver) yield;
    const prefixes = prefixesOf(path);
    for (const prefix of prefixes) within.set(prefix, Math.max(stage, within.get(prefix) ?? 0));
    at.set(prefixes.at(-1)!, Math.max(stage, at.get(prefixes.at(-1)!) ?? 0));
    const stages = remembered(subgraphs, subgraph, () => new Set());
    if (isOfEntities) stages.add(stage);
  }
  // The latest first: those before may then join them.
  for (const fetch of [...fetches].sort((one, other) => other.stage - one.stage)) {
    if (steps.isSliceOver) yield;
    if (!fetch.isOfEntities) continue;
    const prefixes = prefixesOf(fetch.path);
    if (within.get(prefixes.at(-1)!)! > fetch.stage) continue;
    if (prefixes.some((prefix) => (at.get(prefix) ?? 0) > fetch.stage)) continue;
    const later = [...subgraphs.get(fetch.subgraph)!].filter((stage) => stage > fetch.stage);
    if (later.length > 0) fetch.stage = Math.max(...later);
  }
}

/** A path and the paths around it, as texts, without types. */
function prefixesOf(path: readonly string[]): string[] {
  const prefixes = [''];
  for (const element of path) prefixes.push(`${prefixes.at(-1)!}.${element.split('|', 1)[0]!}`);
  return prefixes;
}
