import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Caller, EntityList } from '../../subgraph-calls/transport';

/** Who may be given what is kept under a key: everybody, or those with the same identity. */
export type KeyScope = 'public' | 'private';

export interface EntityKeysOptions {
  /** What the subgraph is, with its schema: what another one answered is never found. */
  readonly subgraph: string;
  /** Headers, in lower case, that only say who asks: they do not separate public answers. */
  readonly identityHeaders: readonly string[];
}

/**
 * The keys of entities in a store: what is asked, of which entity, for whom. All forwarded headers are in every key,
 * but for those of the identity in the keys of public answers.
 */
export class EntityKeys {
  readonly #subgraph: string;
  readonly #identityHeaders: ReadonlySet<string>;
  readonly #selections = new LRUCache<string, string>({ max: 1_000 });

  constructor({ subgraph, identityHeaders }: EntityKeysOptions) {
    this.#subgraph = subgraph;
    this.#identityHeaders = new Set(identityHeaders);
  }

  /** For each representation of a list, in their order. */
  of(list: EntityList, scope: KeyScope, caller: Caller): string[] {
    const prefix = this.prefixOf(list, scope, caller);
    return list.representations.map((bytes) =>
      bytes.length > longestText ? `${prefix}#${digest(bytes)}` : prefix + bytes.toString(),
    );
  }

  /** What the keys of all representations of a list begin with. */
  prefixOf(
    { selection, arguments: others }: EntityList,
    scope: KeyScope,
    { scope: own, headers }: Caller,
  ): string {
    const asked = others.length === 0 ? '' : digest(others);
    const from = scope === 'private' ? own : this.#withoutIdentity(headers);
    return `entity:${this.#selectionHash(selection)}:${asked}:${scope}${from === '' ? '' : digest(from)}:`;
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

/** Longer representations stand in a key as their hash: keys have a bounded length. */
const longestText = 200;

/** 192 bits. */
const digest = (data: string | Buffer): string => hash('sha256', data, 'base64url').slice(0, 32);
