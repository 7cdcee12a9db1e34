/**
 * The positions that errors left unanswered. In a subgraph's answer a null at a non-null field propagates to its
 * parent, so the fields beside it are missing too, while other subgraphs may still answer their part of the object.
 * The missing fields are no further errors.
 */
import { type SubgraphCall } from '../run/call';
import { KIND, LIST, NULL, OBJECT, type Workspace } from '../json/tape';
import { type Shape } from '../compile/shape';

export type Path = readonly (string | number)[];

/** The first `length` elements of a path as a key of a map. */
export function pathKey(path: Path, length: number): string {
  return path.slice(0, length).join('\n');
}

/** The paths at which fetches answered null, or nothing, because of a known error. */
export class Losses {
  /** The calls by path and by the number of the fetch. */
  readonly #calls = new Map<string, Map<number, SubgraphCall>>();

  /** Notes that a call left a path unanswered for the fetch with this number. */
  add(path: Path, fetch: number, call: SubgraphCall): void {
    const key = pathKey(path, path.length);
    const calls = this.#calls.get(key);
    if (calls === undefined) this.#calls.set(key, new Map([[fetch, call]]));
    else if (!calls.has(fetch)) calls.set(fetch, call);
  }

  /** The call that left a path or a prefix of it unanswered, for one of these fetches, or for any if undefined. */
  at(path: Path, fetches: ReadonlySet<number> | undefined): SubgraphCall | undefined {
    for (let length = 0; length <= path.length; length++) {
      for (const [fetch, call] of this.#calls.get(pathKey(path, length)) ?? [])
        if (fetches === undefined || fetches.has(fetch)) return call;
    }
    return undefined;
  }
}

/**
 * The length of the prefix of a subgraph error's path that ends at the null that the error left in the answer;
 * undefined if the path meets no null. `record` is 0 where there is no answer.
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
      // A subgraph may send any number as an index.
      if (kind !== LIST || !Number.isInteger(step) || step < 0 || step >= tape[a]!) return undefined;
      at = a + 1 + 2 * step;
    }
    a = tape[at]!;
    kind = tape[at + 1]! & KIND;
    if (kind <= NULL) return i + 1;
  }
  return undefined;
}
