import type { Options } from '../options';
import { credentialHeaders, modesIn } from '../options/auth';
import type { Caller } from '../subgraph-calls/transport';

/** Which forwarded headers are part of cache keys. Names are those that subgraphs see. */
export interface KeyHeaders {
  /** Headers that only say who asks: they separate private answers, and no public ones. */
  readonly identity: readonly string[];
  /** The client's names of the headers that separate public answers, too. */
  readonly vary: readonly string[];
  /** The client's names of the headers that say who asks. */
  readonly varyPrivate: readonly string[];
  /** What separates public answers of a caller from those of others; empty when there is nothing. */
  publicScope(
    caller: Pick<Caller, 'headers' | 'scope'> & { readonly added?: readonly string[] | undefined },
  ): string;
}

/** Every forwarded header is in the keys, as answers of subgraphs may depend on it. No option removes one from all keys. */
export function compileKeyHeaders({ headers: { forward, rename, set }, cache, auth }: Options): KeyHeaders {
  const isIdentity = (name: string): boolean => cache.identityHeaders.includes(name);
  const passed = [...forward.map((name) => [name, name] as const), ...Object.entries(rename)].filter(
    ([, theirs]) => !Object.hasOwn(set, theirs),
  );
  // What may have come from a header that says more than who asks does itself.
  const saysMore = new Set(
    passed.flatMap(([ours, theirs]) => (isIdentity(ours) || isIdentity(theirs) ? [] : [theirs])),
  );
  const keyed = passed.filter(([, theirs]) => saysMore.has(theirs));
  const names = [...saysMore].sort();
  return {
    identity: passed.filter((each) => !keyed.includes(each)).map(([, theirs]) => theirs),
    vary: keyed.map(([ours]) => ours),
    varyPrivate: [
      ...new Set([
        ...passed.filter((each) => !keyed.includes(each)).map(([ours]) => ours),
        // They say who asks, whether subgraphs see them or not.
        ...modesIn(auth).map((mode) => credentialHeaders[mode]),
      ]),
    ],
    publicScope({ headers, added }) {
      let scope = '';
      for (const name of added === undefined ? names : [...new Set([...names, ...added])].sort()) {
        const value = headers[name];
        if (value !== undefined) scope += `${name}:${value}\n`;
      }
      return scope;
    },
  };
}
