/** What each key of another gateway becomes: rows that are both looked up and printed in docs/coming-from.md. */
import type { Position } from './translate';
import type { ForeignPath, ForeignValue } from './foreign';

/** `same`: taken over. `different`: taken over, but it does not do quite the same. `none`: no option does that. */
export type Becomes = 'same' | 'different' | 'none';

/** Why one value is not taken over as its row has it. */
export interface Outcome {
  readonly becomes: Becomes;
  readonly note: string;
}

/** Writes options. What it returns counts instead of the row. */
export type Take = Taking | ((value: ForeignValue, at: Position) => void);
export type Taking = (value: ForeignValue, at: Position) => Outcome | undefined;

export interface Row {
  /**
   * The path of the key. `*` is any name or any item of a list; a last `**` is whatever stands below. Of several paths the
   * first is documented, the others are those of other versions.
   */
  readonly key: string | readonly string[];
  readonly becomes: Becomes;
  /** The options, as the documentation names them in Markdown. Empty if there are none. */
  readonly to: string;
  /** How it differs, or what to do instead. Empty if there is nothing to say. */
  readonly note: string;
  /** Whether it keeps somebody out, so that what is not taken over is reported first. @default false */
  readonly guards?: boolean;
  readonly take?: Take | undefined;
}

export const pathsOf = ({ key }: Row): readonly string[] => (typeof key === 'string' ? [key] : key);

type Key = Row['key'];

/** Taken over. Without `take`, another row takes it, or what it asks for is always so. */
export const same = (key: Key, to: string, take?: Take, note = ''): Row => ({
  ...{ key, becomes: 'same', to, note, take },
});

export const different = (key: Key, to: string, note: string, take?: Take): Row => ({
  ...{ key, becomes: 'different', to, note, take },
});

export const none = (key: Key, note: string): Row => ({
  ...{ key, becomes: 'none', to: '', note },
});

/** Marks rows that keep somebody out, but for those that `aside` has marked before. */
export const guards = (...rows: readonly Row[]): Row[] => rows.map((row) => ({ guards: true, ...row }));

/** Marks a row that only says how, such as how often keys are fetched. */
export const aside = (row: Row): Row => ({ ...row, guards: false });

/** A row with what the stars of its key stand for. */
export interface Match {
  readonly row: Row;
  readonly names: readonly string[];
  /** The part of the path that the row names; shorter than the path for a row with `**`. */
  readonly path: ForeignPath;
}

interface Branch {
  readonly names: Map<string, Branch>;
  row?: Row;
  /** Of `**`. */
  below?: Row;
}

/** Finds the rows of keys, in a time that depends on the length of a path and not on that of the table. */
export class Table {
  readonly #root: Branch = { names: new Map() };

  constructor(readonly rows: readonly Row[]) {
    for (const row of rows) for (const path of pathsOf(row)) this.#add(path.split('.'), row);
  }

  #add(path: readonly string[], row: Row): void {
    let branch = this.#root;
    for (const key of path) {
      if (key === '**') {
        branch.below = row;
        return;
      }
      let next = branch.names.get(key);
      if (next === undefined) branch.names.set(key, (next = { names: new Map() }));
      branch = next;
    }
    branch.row = row;
  }

  /** The row for this very key, else the nearest one for all that is below. A name counts before a star. */
  find(path: ForeignPath): Match | undefined {
    return match(this.#root, path, 0, []);
  }

  /** Whether rows are for keys below this one. */
  knowsBelow(path: ForeignPath): boolean {
    let branches = [this.#root];
    for (const key of path)
      branches = branches.flatMap(({ names }) =>
        [names.get(key), names.get('*')].filter((each) => each !== undefined),
      );
    return branches.some(({ names, below }) => names.size > 0 || below !== undefined);
  }
}

function match(
  branch: Branch,
  path: ForeignPath,
  depth: number,
  names: readonly string[],
): Match | undefined {
  if (depth === path.length) {
    const row = branch.row ?? branch.below;
    return row && { row, names, path };
  }
  const key = path[depth]!;
  const named = branch.names.get(key);
  const found = named && match(named, path, depth + 1, names);
  if (found !== undefined) return found;
  const star = branch.names.get('*');
  const starred = star && match(star, path, depth + 1, [...names, key]);
  if (starred !== undefined) return starred;
  return branch.below && { row: branch.below, names, path: path.slice(0, depth) };
}
