import { type Walk, type WalkStep } from '../program';
import { type Place } from './merge';

/** Where in the response the objects stand that a fetch is about, as a plan says it. */
export type ResponsePath = readonly (string | number)[];

/** A path split into keys, each with the types that may be passed before it is followed. */
interface PathStep {
  readonly key: string;
  types: string[] | undefined;
}

/** The place to which a path leads; undefined if no fetch answers it. */
export function placeAt(root: Place, path: ResponsePath): Place | undefined {
  let place: Place | undefined = root;
  for (const { key } of pathSteps(path).steps) place = place?.fields.get(key)?.child;
  return place;
}

/** The way to a place that there is; to be called when everything is known that contributes to the response. */
export function compileWalk(root: Place, path: ResponsePath): Walk {
  const { steps, last } = pathSteps(path);
  const compiled: WalkStep[] = [];
  let place = root;
  for (const { key, types } of steps) {
    const access = place.access(key)!;
    compiled.push({ key, access, types: typeSet(place, types), typed: place.typeSource() });
    place = place.fields.get(key)!.child!;
  }
  return { steps: compiled, types: typeSet(place, last), typed: place.typeSource() };
}

function typeSet({ types }: Place, names: string[] | undefined): Uint8Array | undefined {
  if (names === undefined) return undefined;
  const set = new Uint8Array(types.size);
  // A type that is not said is the only one that is possible.
  set[0] = 1;
  for (const name of names) types.matching(name).forEach((holds, id) => holds === 1 && (set[id] = 1));
  return set;
}

export function pathSteps(path: ResponsePath): { steps: PathStep[]; last: string[] | undefined } {
  const steps: PathStep[] = [];
  let types: string[] | undefined;
  for (const element of path) {
    const [key, condition] = String(element).split('|', 2) as [string, string?];
    if (key !== '' && key !== '@') {
      steps.push({ key, types });
      types = undefined;
    }
    if (condition !== undefined) types = condition.slice(1, -1).split(',');
  }
  return { steps, last: types };
}
