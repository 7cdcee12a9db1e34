/** Puts fetches that nothing waits for yet beside later ones of their subgraphs, with which they then share a request. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type StepCount } from '../budget';
import { remembered } from '../maps';
import { type FetchDraft } from './drafts';
import { type Position } from './positions';

/** Moves fetches of entities to later stages. No chain of fetches becomes longer. */
export function* startLate(fetches: readonly FetchDraft[], steps: StepCount): SlicedWork<void> {
  // The stages of fetches at each position, and of those at or below it: what may need each other.
  const [at, within] = [new Map<Position, Set<number>>(), new Map<Position, Set<number>>()];
  const subgraphs = new Map<number, Set<number>>();
  for (const { isOfEntities, position, stage, subgraph } of fetches) {
    if (steps.isSliceOver) yield;
    remembered(at, position, () => new Set()).add(stage);
    for (const around of outwards(position)) remembered(within, around, () => new Set()).add(stage);
    const stages = remembered(subgraphs, subgraph, () => new Set());
    if (isOfEntities) stages.add(stage);
  }
  // The latest first: those before may then join them.
  for (const fetch of [...fetches].sort((one, other) => other.stage - one.stage)) {
    if (steps.isSliceOver) yield;
    const { isOfEntities, position, stage } = fetch;
    if (!isOfEntities) continue;
    let needed = firstAfter(stage, within.get(position));
    for (const around of outwards(position)) needed = Math.min(needed, firstAfter(stage, at.get(around)));
    for (const later of subgraphs.get(fetch.subgraph)!)
      if (later < needed) fetch.stage = Math.max(fetch.stage, later);
  }
}

const firstAfter = (stage: number, stages: Iterable<number> = []): number =>
  Math.min(...[...stages].filter((each) => each > stage));

/** A position, and those around it. */
function* outwards(from: Position): Iterable<Position> {
  for (let position: Position | undefined = from; position !== undefined; position = position.around)
    yield position;
}
