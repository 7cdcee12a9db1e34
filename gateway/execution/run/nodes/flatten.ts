import { KIND, LIST, OBJECT, VISITED } from '../../json/tape';
import { type Access, locate, type Place, typeOf, type TypeSource } from '../../compile/merge';
import { type Run } from '../run';

/** The way from the root of the merged response to the objects that a fetch is about. */
export interface Walk {
  readonly steps: readonly WalkStep[];
  /** Types that the objects at its end must have; undefined: any. */
  readonly types: Uint8Array | undefined;
  readonly typed: TypeSource;
}

interface WalkStep {
  /** Types that an object must have for the walk to go on from it; undefined: any. */
  readonly types: Uint8Array | undefined;
  readonly key: string;
  readonly access: Access;
  readonly typed: TypeSource;
}

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

/**
 * Calls `visit` for each object at the end of the walk, in the order of the response, with the index of the pair
 * that refers to it, and the records on the way to it. Of a record that stands in several places only the first is
 * visited, though a record that stands within itself is passed at each depth.
 */
export function walk(
  run: Run,
  { steps, types, typed: endTypes }: Walk,
  visit: (at: number, ancestors: readonly number[]) => void,
): void {
  const mark = ++run.walks << markedDepths;
  const deeper = steps.length > markedDepths ? new Set<number>() : undefined;
  const { workspace, ancestors } = run;
  go(run.rootPair, 0);

  function wasHere(record: number, depth: number): boolean {
    if (depth >= markedDepths) {
      const key = record * (steps.length + 1) + depth;
      return deeper!.has(key) || (deeper!.add(key), false);
    }
    const { tape } = workspace;
    const bit = 1 << depth;
    let visited = tape[record + VISITED]!;
    if (visited >> markedDepths !== mark >> markedDepths) visited = mark;
    tape[record + VISITED] = visited | bit;
    return (visited & bit) !== 0;
  }

  function go(at: number, depth: number): void {
    let { tape } = workspace;
    const kind = tape[at + 1]! & KIND;
    if (kind === OBJECT) {
      const record = tape[at]!;
      ancestors[depth] = record;
      if (depth === steps.length) {
        if (types === undefined || types[typeOf(workspace, record, endTypes)] === 1) visit(at, ancestors);
        return;
      }
      if (wasHere(record, depth)) return;
      const step = steps[depth]!;
      if (step.types !== undefined && step.types[typeOf(workspace, record, step.typed)] !== 1) return;
      go(locate(workspace, record, step.access), depth + 1);
    } else if (kind === LIST) {
      const list = tape[at]!;
      const count = tape[list]!;
      for (let i = 0; i < count; i++) {
        go(list + 1 + 2 * i, depth);
        tape = workspace.tape;
      }
    }
  }
}

/** How many depths of a walk are told apart in a record itself: a bit for each, below the number of the walk. */
const markedDepths = 12;

/** Like `walk`, but visits each place, also of a record that stands in several, and says its path. */
export function walkPlaces(
  run: Run,
  { steps, types, typed: endTypes }: Walk,
  visit: (record: number, path: (string | number)[]) => boolean,
): void {
  const { workspace } = run;
  const path: (string | number)[] = [];
  go(run.rootPair, 0);

  /** False when the visitor has seen enough. */
  function go(at: number, depth: number): boolean {
    const { tape } = workspace;
    const kind = tape[at + 1]! & KIND;
    if (kind === OBJECT) {
      const record = tape[at]!;
      if (depth === steps.length) {
        return types !== undefined && types[typeOf(workspace, record, endTypes)] !== 1
          ? true
          : visit(record, [...path]);
      }
      const step = steps[depth]!;
      if (step.types !== undefined && step.types[typeOf(workspace, record, step.typed)] !== 1) return true;
      path.push(step.key);
      const goesOn = go(locate(workspace, record, step.access), depth + 1);
      path.pop();
      return goesOn;
    }
    if (kind === LIST) {
      const list = tape[at]!;
      for (let i = 0; i < tape[list]!; i++) {
        path.push(i);
        const goesOn = go(list + 1 + 2 * i, depth);
        path.pop();
        if (!goesOn) return false;
      }
    }
    return true;
  }
}
