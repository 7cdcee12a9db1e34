/** The options that are being written, with what each comes from. */
import type { Becomes } from './table';
import type { ForeignPath } from './foreign';

/** What became of one key of a file: a line of the report. */
export interface Entry {
  readonly file: string;
  readonly path: ForeignPath;
  readonly line: number | undefined;
  /** Whether it keeps somebody out there. */
  guards: boolean;
  becomes: Becomes | 'unknown';
  /** The options that were written, such as `subgraphs.products.url`; or those that its row names. */
  to: string;
  note: string;
  /** The key that its row stands for with all that is below, if it does. */
  readonly below: ForeignPath | undefined;
  /** Whether options were written for it. */
  isWritten: boolean;
}

/** What an option comes from: a key, or a default of the other gateway. */
export type Origin = { readonly entry: Entry } | { readonly reason: string };

/** `[NAME]` is an item of a list that is known by a name while the list grows. */
export type DraftPath = readonly string[];

export type DraftNode =
  | { readonly kind: 'map' | 'list'; readonly members: Members }
  | { readonly kind: 'value'; value: unknown; readonly origins: Origin[] };

export class Draft {
  readonly root: DraftNode & { readonly kind: 'map' | 'list' } = { kind: 'map', members: new Map() };

  /** Sets an option. What is set later counts. */
  set(path: DraftPath, value: unknown, origin: Origin): void {
    const last = path.at(-1)!;
    const parent = this.#parentOf(path);
    const found = parent.members.get(last);
    if (found?.kind !== 'value') parent.members.set(last, { kind: 'value', value, origins: [origin] });
    else {
      found.value = value;
      found.origins.push(origin);
    }
  }

  has(path: DraftPath): boolean {
    return this.find(path) !== undefined;
  }

  find(path: DraftPath): DraftNode | undefined {
    let node: DraftNode | undefined = this.root;
    for (const key of path) node = node?.kind === 'value' ? undefined : node?.members.get(key);
    return node;
  }

  /**
   * The paths of options as they are read, in the words of `set`: each as far as there is something. All at once, as positions
   * in lists change with what is removed.
   */
  locate(paths: readonly (readonly PropertyKey[])[]): DraftPath[] {
    const inLists = new Map<Members, string[]>();
    const inLowerCase = new Map<Members, Map<string, string>>();
    const wordIn = ({ kind, members }: DraftNode & { readonly members: Members }, key: PropertyKey) => {
      if (kind === 'list') return from(inLists, members, () => [...members.keys()])[Number(key)];
      const word = String(key);
      if (members.has(word)) return word;
      // Names of headers are in lower case in what is wrong.
      const names = () => new Map([...members.keys()].map((name) => [name.toLowerCase(), name]));
      return from(inLowerCase, members, names).get(word);
    };
    return paths.map((path) => {
      const words: string[] = [];
      let node: DraftNode | undefined = this.root;
      for (const key of path) {
        const word: string | undefined =
          node === undefined || node.kind === 'value' ? undefined : wordIn(node, key);
        if (word === undefined || node === undefined || node.kind === 'value') break;
        words.push(word);
        node = node.members.get(word);
      }
      return words;
    });
  }

  #parentOf(path: DraftPath): { readonly members: Map<string, DraftNode> } {
    let node = this.root;
    for (const [i, key] of path.slice(0, -1).entries()) {
      let next = node.members.get(key);
      if (next === undefined || next.kind === 'value') {
        next = { kind: path[i + 1]!.startsWith('[') ? 'list' : 'map', members: new Map() };
        node.members.set(key, next);
      }
      node = next;
    }
    return node;
  }

  /** The options as they are read. */
  value(): unknown {
    return valueOf(this.root);
  }

  /** The keys that an option, or all options below it, come from. */
  entriesAt(path: DraftPath): Entry[] {
    const node = path.length === 0 ? undefined : this.find(path);
    const origins = node === undefined ? [] : originsOf(node);
    return origins.flatMap((origin) => ('entry' in origin ? [origin.entry] : []));
  }

  /** Takes an option away, and the maps that then hold nothing. */
  remove(path: DraftPath): void {
    if (path.length === 0) return;
    const parent = this.find(path.slice(0, -1));
    if (parent === undefined || parent.kind === 'value' || !parent.members.delete(path.at(-1)!)) return;
    if (parent.members.size === 0) this.remove(path.slice(0, -1));
  }
}

type Members = Map<string, DraftNode>;

/** The value of a key, which is made when it is first wanted. */
function from<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

const valueOf = (node: DraftNode): unknown => {
  if (node.kind === 'value') return node.value;
  if (node.kind === 'list') return Array.from(node.members.values(), valueOf);
  return Object.fromEntries(Array.from(node.members, ([key, member]) => [key, valueOf(member)]));
};

const originsOf = (node: DraftNode): Origin[] =>
  node.kind === 'value' ? node.origins : [...node.members.values()].flatMap(originsOf);
