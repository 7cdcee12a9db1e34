import { type Draft, type DraftPath, type Entry } from './draft';
import {
  Code,
  type ForeignFile,
  type ForeignPath,
  type ForeignValue,
  isOneValue,
  leavesOf,
  memberOf,
  valueAt,
} from './foreign';
import type { Peer } from './peer';
import type { Match } from './table';

/** What a row knows of the key that it takes. */
export interface Position {
  /** What the stars of the row's key stand for. */
  readonly names: readonly string[];
  /** A value beside the key, or below what is beside it. */
  beside(...path: string[]): ForeignValue | undefined;
  /** A value anywhere in the file. */
  inFile(...path: string[]): ForeignValue | undefined;
  /**
   * Sets an option. A path such as `subgraphs.*.url` takes its stars from `names` in their order; `[*]` or `[NAME]` is an
   * item of a list.
   */
  set(path: string | DraftPath, value: unknown): undefined;
  /** Adds texts to a list that has each once. */
  add(path: string | DraftPath, ...texts: readonly string[]): undefined;
  /** Sets an option unless a key of the file does. */
  otherwise(path: string | DraftPath, value: unknown, reason: string): void;
  /** A further file to write beside the options. */
  write(file: string, text: string): void;
}

/** Collects what `otherwise` and `write` ask for while files are translated. */
export interface Results {
  readonly draft: Draft;
  readonly entries: Entry[];
  readonly otherwise: { readonly path: DraftPath; readonly value: unknown; readonly reason: string }[];
  readonly files: Map<string, string>;
}

/** Translates one file: each of its keys is an entry afterwards. */
export function translateFile({ table }: Peer, file: ForeignFile, results: Results): void {
  // Of a row for all that is below, once.
  const taken = new Map<string, Entry>();
  for (const path of leavesOf(file.value)) {
    const match = table.find(path);
    const value = valueAt(file.value, path) as ForeignValue;
    if (match === undefined) {
      const isEmpty = !isOneValue(value) || (Array.isArray(value) && value.length === 0);
      const entry = entryOf(file, path, undefined);
      if (isEmpty && table.knowsBelow(path)) Object.assign(entry, { becomes: 'same', note: 'It is empty.' });
      if (value instanceof Code) entry.note = 'Code decides it.';
      results.entries.push(entry);
      continue;
    }
    const entry = entryOf(file, path, match);
    results.entries.push(entry);
    const { row } = match;
    entry.guards = row.guards === true && value !== null && value !== false;
    if (row.take === undefined || value === null) {
      if (value === null) entry.note = 'It is null: the default counts.';
      continue;
    }
    const key = JSON.stringify(match.path);
    const first = taken.get(key);
    if (first === undefined) {
      taken.set(key, entry);
      take(match, valueAt(file.value, match.path) as ForeignValue, file, entry, results);
    } else Object.assign(entry, { becomes: first.becomes, to: first.to, note: first.note });
  }
}

const entryOf = ({ file, lineOf }: ForeignFile, path: ForeignPath, match: Match | undefined): Entry => ({
  ...{ file, path, line: lineOf(path), guards: false, isWritten: false },
  below: match !== undefined && match.path.length < path.length ? match.path : undefined,
  becomes: match?.row.becomes ?? 'unknown',
  to: match?.row.to ?? '',
  note: match?.row.note ?? '',
});

function take(match: Match, value: ForeignValue, file: ForeignFile, entry: Entry, results: Results): void {
  const { names, path, row } = match;
  const written: string[] = [];
  const set = (draftPath: DraftPath, each: unknown): void => {
    results.draft.set(draftPath, each, { entry });
    written.push(formatOption(draftPath));
    entry.isWritten = true;
  };
  const outcome = row.take!(value, {
    names,
    beside: (...keys) => keys.reduce(memberOf, valueAt(file.value, path.slice(0, -1))),
    inFile: (...keys) => valueAt(file.value, keys),
    set: (to, each) => {
      set(fill(to, names), each);
      return undefined;
    },
    add: (to, ...texts) => {
      for (const text of texts) set([...fill(to, names), `[${text}]`], text);
      return undefined;
    },
    otherwise: (to, each, reason) => results.otherwise.push({ path: fill(to, names), value: each, reason }),
    write: (name, text) => {
      results.files.set(name, text);
      written.push(name);
    },
  });
  if (outcome) Object.assign(entry, outcome);
  if (written.length > 0) entry.to = [...new Set(written)].map((option) => `\`${option}\``).join(', ');
}

/** `auth.oidc.[*].issuer` with the names that stars stand for. */
function fill(path: string | DraftPath, names: readonly string[]): DraftPath {
  if (typeof path !== 'string') return path;
  let next = 0;
  return path.split('.').map((key) => {
    if (key === '*') return names[next++]!;
    return key === '[*]' ? `[${names[next++]}]` : key;
  });
}

/** An option as people name it; the items of a list are one option. */
const formatOption = (path: DraftPath): string => {
  const keys = path.filter((key) => !key.startsWith('['));
  return keys.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join('.');
};
