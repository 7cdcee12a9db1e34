/**
 * What errors took with them. A subgraph that may not leave a field null leaves what is around it null, and so does not
 * answer the fields beside it either; others may still answer their part of the same object. What is missing of it then
 * is no other fault.
 */
import { type Call } from '../run/call';
import { KIND, LIST, NULL, OBJECT, type Workspace } from '../json/tape';
import { type Shape } from '../compile/shape';

export type Path = readonly (string | number)[];

/** The beginning of a path as a key of a map. */
export function pathKey(path: Path, length: number): string {
  return path.slice(0, length).join('\n');
}

/** Where fetches answered null, or nothing, because of an error that is known. */
export class Losses {
  /** By path and by the number of the fetch. */
  readonly #calls = new Map<string, Map<number, Call>>();

  /** Says that a call left out all that a fetch, by its number, was to answer at a path. */
  add(path: Path, fetch: number, call: Call): void {
    const key = pathKey(path, path.length);
    const calls = this.#calls.get(key);
    if (calls === undefined) this.#calls.set(key, new Map([[fetch, call]]));
    else if (!calls.has(fetch)) calls.set(fetch, call);
  }

  /** The call by which one of the fetches, or any, has left out what stands at a path, or something around it. */
  at(path: Path, fetches: ReadonlySet<number> | undefined): Call | undefined {
    for (let length = 0; length <= path.length; length++) {
      for (const [fetch, call] of this.#calls.get(pathKey(path, length)) ?? [])
        if (fetches === undefined || fetches.has(fetch)) return call;
    }
    return undefined;
  }
}

/**
 * How much of the path of an error, as the subgraph names it, leads to the null that the error left in what was
 * answered; undefined if it leads to none. `record` is 0 where nothing was.
 */
export function lengthToNull(
  { tape }: Workspace,
  record: number,
  shape: Shape,
  path: Path,
): number | undefined {
  if (record === 0) return 0;
  let a = record;
  let kind = OBJECT;
  let below: Shape | null | undefined = shape;
  for (const [i, step] of path.entries()) {
    let at: number;
    if (typeof step === 'string') {
      const field: number = kind === OBJECT ? (below?.indexOf(step) ?? -1) : -1;
      if (field === -1) return undefined;
      at = a + below!.slots[field]!;
      below = below!.children[field];
    } else {
      // What a subgraph says need not be an index.
      if (kind !== LIST || !Number.isInteger(step) || step < 0 || step >= tape[a]!) return undefined;
      at = a + 1 + 2 * step;
    }
    a = tape[at]!;
    kind = tape[at + 1]! & KIND;
    if (kind <= NULL) return i + 1;
  }
  return undefined;
}
