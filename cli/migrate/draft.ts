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
  | { readonly kind: 'map' | 'list'; readonly members: Map<string, DraftNode> }
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

  /** The path of an option as it is read, in the words of `set`. Undefined if there is nothing around it. */
  pathOf(path: readonly PropertyKey[]): DraftPath | undefined {
    const words: string[] = [];
    let node: DraftNode | undefined = this.root;
    for (const key of path) {
      if (node === undefined || node.kind === 'value') return undefined;
      const word: string = node.kind === 'list' ? ([...node.members.keys()][Number(key)] ?? '') : String(key);
      words.push(word);
      node = node.members.get(word);
    }
    return words;
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

  /** The keys that an option comes from that the options refuse, or the nearest one around it that is there. */
  entriesAt(path: readonly PropertyKey[]): Entry[] {
    const way = this.#wayTo(path);
    const [parent, name] = way.at(-1) ?? [];
    const node = name === undefined ? undefined : parent!.members.get(name);
    const origins = node === undefined ? [] : originsOf(node);
    return origins.flatMap((origin) => ('entry' in origin ? [origin.entry] : []));
  }

  /** Takes an option away, or the nearest one around it that is there, and the maps that then hold nothing. */
  remove(path: readonly PropertyKey[]): void {
    for (const [parent, name] of this.#wayTo(path).reverse()) {
      parent.members.delete(name);
      if (parent.members.size > 0) break;
    }
  }

  #wayTo(path: readonly PropertyKey[]): [{ readonly members: Map<string, DraftNode> }, string][] {
    const way: [{ readonly members: Map<string, DraftNode> }, string][] = [];
    let node: DraftNode = this.root;
    for (const key of path) {
      if (node.kind === 'value') break;
      const members: Map<string, DraftNode> = node.members;
      // Names of headers are in lower case in what is wrong.
      const name: string | undefined =
        node.kind === 'list'
          ? [...members.keys()][Number(key)]
          : [...members.keys()].find((each) => each === key || each.toLowerCase() === key);
      if (name === undefined) break;
      way.push([node, name]);
      node = members.get(name)!;
    }
    return way;
  }
}

const valueOf = (node: DraftNode): unknown => {
  if (node.kind === 'value') return node.value;
  if (node.kind === 'list') return Array.from(node.members.values(), valueOf);
  return Object.fromEntries(Array.from(node.members, ([key, member]) => [key, valueOf(member)]));
};

const originsOf = (node: DraftNode): Origin[] =>
  node.kind === 'value' ? node.origins : [...node.members.values()].flatMap(originsOf);
