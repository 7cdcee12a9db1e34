import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Caller, EntityList } from '../../subgraph-calls/contract/transport';

/** Who may get the entry of a key: all callers, or callers with the same identity. */
export type KeyScope = 'public' | 'private';

export interface EntityKeysOptions {
  /** The subgraph's name and a fingerprint of its schema, so that an entry of another schema is never found. */
  readonly subgraph: string;
  /** Headers, in lower case, that only identify the caller. They are not in keys of public answers. */
  readonly identityHeaders: readonly string[];
}

/** A key has selection, representation and forwarded headers; for public answers none that only identify. */
export class EntityKeys {
  readonly #subgraph: string;
  readonly #identityHeaders: ReadonlySet<string>;
  readonly #selections = new LRUCache<string, string>({ max: 1_000 });

  constructor({ subgraph, identityHeaders }: EntityKeysOptions) {
    this.#subgraph = subgraph;
    this.#identityHeaders = new Set(identityHeaders);
  }

  /** The keys of a list's representations, in the same order. */
  of(list: EntityList, scope: KeyScope, caller: Caller): string[] {
    const prefix = this.prefixOf(list, scope, caller);
    return list.representations.map((bytes) =>
      bytes.length > longestText ? `${prefix}#${digest(bytes)}` : prefix + bytes.toString(),
    );
  }

  /** The common prefix of the keys of a list's representations. */
  prefixOf(
    { selection, arguments: others }: EntityList,
    scope: KeyScope,
    { scope: own, headers }: Caller,
  ): string {
    const requested = others.length === 0 ? '' : digest(others);
    const from = scope === 'private' ? own : this.#withoutIdentity(headers);
    return `entity:${this.#selectionHash(selection)}:${requested}:${scope}${from === '' ? '' : digest(from)}:`;
  }

  #selectionHash(selection: string): string {
    let known = this.#selections.get(selection);
    if (known === undefined)
      this.#selections.set(selection, (known = digest(`${this.#subgraph}\n${selection}`)));
    return known;
  }

  #withoutIdentity(headers: Caller['headers']): string {
    let scope = '';
    for (const name of Object.keys(headers).sort())
      if (!this.#identityHeaders.has(name)) scope += `${name}:${headers[name]}\n`;
    return scope;
  }
}

/** Characters. Longer representations are hashed, as keys must have a bounded length. */
const longestText = 200;

/** 192 bits. */
const digest = (data: string | Buffer): string => hash('sha256', data, 'base64url').slice(0, 32);
