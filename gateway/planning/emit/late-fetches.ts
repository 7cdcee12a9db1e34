/** Puts fetches that nothing waits for beside later ones of their subgraphs, with which they then share a request. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type StepCount } from '../budget';
import { remembered } from '../maps';
import { type FetchDraft } from './drafts';
import { type Position } from './positions';

/** Moves fetches of entities to later stages. No chain of fetches becomes longer. */
export function* startLate(fetches: readonly FetchDraft[], steps: StepCount): SlicedWork<void> {
  // The latest stages of fetches at each position, and of those at or below it: what may need each other.
  const [at, within] = [new Map<Position, number>(), new Map<Position, number>()];
  const subgraphs = new Map<number, Set<number>>();
  // A context may come from any object around.
  const withContexts: number[] = [];
  for (const { contexts, isOfEntities, position, stage, subgraph } of fetches) {
    if (steps.isSliceOver) yield;
    if (contexts.size > 0) withContexts.push(stage);
    at.set(position, Math.max(stage, at.get(position) ?? 0));
    for (const around of outwards(position)) within.set(around, Math.max(stage, within.get(around) ?? 0));
    const stages = remembered(subgraphs, subgraph, () => new Set());
    if (isOfEntities) stages.add(stage);
  }
  // The latest first: those before may then join them.
  for (const fetch of [...fetches].sort((one, other) => other.stage - one.stage)) {
    if (steps.isSliceOver) yield;
    const { isOfEntities, position, stage } = fetch;
    if (!isOfEntities || within.get(position)! > stage) continue;
    if ([...outwards(position)].some((around) => (at.get(around) ?? 0) > stage)) continue;
    const limit = Math.min(...withContexts.filter((each) => each > stage));
    const later = [...subgraphs.get(fetch.subgraph)!].filter((each) => each > stage && each < limit);
    if (later.length > 0) fetch.stage = Math.max(...later);
  }
}

/** A position, and those around it. */
function* outwards(from: Position): Iterable<Position> {
  for (let position: Position | undefined = from; position !== undefined; position = position.around)
    yield position;
}
