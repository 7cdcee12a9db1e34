import { KIND, LIST, OBJECT, VISITED, type Workspace } from '../json/tape';
import { locate, typeOf } from '../compile/response-position';
import { type Walk } from '../program';

interface MergedResponse {
  readonly workspace: Workspace;
  readonly rootPair: number;
  walks: number;
  /** The records from the root to the current object of a walk. */
  readonly ancestors: number[];
}

/**
 * Calls `visit` for the objects at the end of the walk, in the order of the response, with the index of the pair that
 * refers to the object, and the records from the root to it. A record on the way that stands at several positions is
 * passed only once per depth.
 */
export function walk(
  run: MergedResponse,
  to: Walk,
  visit: (at: number, ancestors: readonly number[]) => void,
): void {
  const { workspace, ancestors, rootPair } = run;
  if (to.steps.length > 0 || to.types !== undefined) walkSteps(run, to, visit);
  else if ((workspace.tape[rootPair + 1]! & KIND) === OBJECT) {
    ancestors[0] = workspace.tape[rootPair]!;
    visit(rootPair, ancestors);
  }
}

/** Apart from `walk`, as its functions cost memory, which a walk to the root does not need. */
function walkSteps(
  run: MergedResponse,
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

/** Depths of a walk that a record marks in its own `VISITED` word: one bit each, below the number of the walk. */
const markedDepths = 12;

/** Like `walk`, but visits every position of a record, with its path. */
export function walkPositions(
  run: Pick<MergedResponse, 'workspace' | 'rootPair'>,
  { steps, types, typed: endTypes }: Walk,
  visit: (record: number, path: (string | number)[]) => boolean,
): void {
  const { workspace } = run;
  const path: (string | number)[] = [];
  go(run.rootPair, 0);

  /** Returns false when the visitor stops the walk. */
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
