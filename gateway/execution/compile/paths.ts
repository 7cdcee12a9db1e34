import { type Walk, type WalkStep } from '../program';
import { type ResponsePosition } from './merge';

/** Where in the response the objects stand that a fetch is about, as a plan says it. */
export type ResponsePath = readonly (string | number)[];

/** A path split into keys, each with the types that may be passed before it is followed. */
interface PathStep {
  readonly key: string;
  types: string[] | undefined;
}

/** The position to which a path leads; undefined if no fetch answers it. */
export function positionAt(root: ResponsePosition, path: ResponsePath): ResponsePosition | undefined {
  let position: ResponsePosition | undefined = root;
  for (const { key } of pathSteps(path).steps) position = position?.fields.get(key)?.child;
  return position;
}

/** The way to a place that there is; to be called when everything is known that contributes to the response. */
export function compileWalk(root: ResponsePosition, path: ResponsePath): Walk {
  const { steps, last } = pathSteps(path);
  const compiled: WalkStep[] = [];
  let position = root;
  for (const { key, types } of steps) {
    const access = position.access(key)!;
    compiled.push({ key, access, types: typeSet(position, types), typed: position.typeSource() });
    position = position.fields.get(key)!.child!;
  }
  return { steps: compiled, types: typeSet(position, last), typed: position.typeSource() };
}

function typeSet({ types }: ResponsePosition, names: string[] | undefined): Uint8Array | undefined {
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
