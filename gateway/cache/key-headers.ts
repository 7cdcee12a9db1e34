import type { Options } from '../options';
import type { Caller } from '../transports/transport';

/** Which forwarded headers separate what is cached. Names are those that subgraphs see. */
export interface KeyHeaders {
  /** Headers that only say who asks: they separate private answers, and no public ones. */
  readonly identity: readonly string[];
  /** The client's names of the headers that separate public answers, too. */
  readonly vary: readonly string[];
  /** The client's names of the headers that say who asks. */
  readonly varyPrivate: readonly string[];
  /** What separates public answers of a caller from those of others; empty when there is nothing. */
  publicScope(caller: Pick<Caller, 'headers' | 'scope'>): string;
}

/** Every header that is forwarded is in the keys: answers of subgraphs may depend on it. */
export function compileKeyHeaders({ headers: { forward, rename, set }, cache }: Options): KeyHeaders {
  const isIdentity = (name: string): boolean => cache.identityHeaders.includes(name);
  const passed = [...forward.map((name) => [name, name] as const), ...Object.entries(rename)].filter(
    ([, theirs]) => !Object.hasOwn(set, theirs),
  );
  const keyed = passed.filter(([ours, theirs]) => !isIdentity(ours) && !isIdentity(theirs));
  const names = keyed.map(([, theirs]) => theirs).sort();
  return {
    identity: passed.filter((each) => !keyed.includes(each)).map(([, theirs]) => theirs),
    vary: keyed.map(([ours]) => ours),
    varyPrivate: passed.filter((each) => !keyed.includes(each)).map(([ours]) => ours),
    publicScope({ headers }) {
      let scope = '';
      for (const name of names) {
        const value = headers[name];
        if (value !== undefined) scope += `${name}:${value}\n`;
      }
      return scope;
    },
  };
}
