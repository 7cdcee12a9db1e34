import { type Walk, type WalkStep } from '../program';
import { type ResponsePosition } from './response-position';

/** The path of a fetch's objects in the response, as the plan writes it. */
export type ResponsePath = readonly (string | number)[];

/** A key of a path, and the types that an object must have for the path to go on from it. */
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

/** Compiles the way to a position that exists. Call after the response is laid out. */
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
  // Where no answer gives the type, only one type is possible.
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
