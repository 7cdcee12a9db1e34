import type { Options } from '../options';
import { credentialHeadersOf } from '../options/auth';
import { tokenHeadersOf } from '../options/token-headers';
import {
  flattenHeaderRules,
  type HeaderRules,
  headerRulesOf,
  joinScope,
  subjectTokenHeader,
} from '../subgraph-calls/header-rules';
import type { Caller } from '../subgraph-calls/contract/transport';

/** Which headers of subgraph calls are part of cache keys. Names are those that subgraphs see. */
export interface KeyHeaders {
  /** Headers of any subgraph that only identify the caller. An answer that varies by one of them is private. */
  readonly identity: readonly string[];
  /** Headers of this subgraph that only identify the caller: in the keys of private answers alone. */
  identityOf(subgraph: string): readonly string[];
  /** The client's names of the headers in keys of public answers; `*` if they cannot be listed. */
  readonly vary: readonly string[];
  /** The client's names of the headers that identify the caller. */
  readonly varyPrivate: readonly string[];
  /** The headers with a constant value. They are in all keys, as a shared store outlives the options. */
  readonly constants: string;
  /** The part of the public key that depends on the caller's headers; empty if none does. */
  publicScope(
    caller: Pick<Caller, 'headers' | 'bySubgraph' | 'scope'> & {
      readonly added?: readonly string[] | undefined;
    },
  ): string;
}

/** Every header of a call is in the keys, as answers of subgraphs may depend on it. No option removes one from all keys. */
export function compileKeyHeaders(options: Options): KeyHeaders {
  const rules = headerRulesOf(options);
  const identityHeaders = [...options.cache.identityHeaders, ...tokenHeadersOf(options.auth)];
  const all = keyHeadersOf(rules.all, identityHeaders);
  const own = new Map([...rules.own].map(([name, layers]) => [name, keyHeadersOf(layers, identityHeaders)]));
  const each = [all, ...own.values()];
  const credentials = credentialHeadersOf(options.auth);
  const choices = options.graphs?.choose ?? [];
  return {
    identity: distinct(each.flatMap(({ identity }) => identity)),
    identityOf: (subgraph) => (own.get(subgraph) ?? all).identity,
    vary: distinct([
      ...each.flatMap(({ vary }) => vary),
      ...choices.flatMap(({ header }) => header ?? []),
      ...(each.some(({ hasClaims }) => hasClaims) || choices.some(({ claim }) => claim !== undefined)
        ? credentials
        : []),
    ]),
    // Credentials identify the caller, whether subgraphs get them or not.
    varyPrivate: distinct([...each.flatMap(({ varyPrivate }) => varyPrivate), ...credentials]),
    constants: constantsOf(rules),
    publicScope({ headers, bySubgraph, added }) {
      let scope = all.scopeOf(headers, added);
      if (bySubgraph === undefined) return scope;
      for (const [name, ofSubgraph] of bySubgraph)
        scope = joinScope(scope, name, (own.get(name) ?? all).scopeOf(ofSubgraph.headers, added));
      return scope;
    },
  };
}

function keyHeadersOf(layers: readonly HeaderRules[], identityHeaders: readonly string[]) {
  const isIdentity = (name: string): boolean => identityHeaders.includes(name);
  const { claims, passed, patterns, subjectToken } = flattenHeaderRules(layers);
  const isMatched = (name: string): boolean => patterns.some((matches) => matches(name));
  // Headers whose value may come from a header that does more than identify the caller.
  const beyondIdentity = new Set([
    ...passed
      .filter(({ from, to }) => !isIdentity(to) && (!isIdentity(from) || isMatched(to)))
      .map(({ to }) => to),
    ...[...claims.keys()].filter((name) => !isIdentity(name)),
  ]);
  const keyed = passed.filter(({ to }) => beyondIdentity.has(to));
  const identifying = passed.filter(({ to }) => !beyondIdentity.has(to));
  const names = [...beyondIdentity].sort();
  const identity = new Set([
    ...identifying.map(({ to }) => to),
    ...(subjectToken ? [subjectTokenHeader] : []),
    ...identityHeaders.filter((name) => !beyondIdentity.has(name) && (claims.has(name) || isMatched(name))),
  ]);
  return {
    identity: [...identity],
    vary: [...keyed.map(({ from }) => from), ...(patterns.length > 0 ? ['*'] : [])],
    varyPrivate: identifying.map(({ from }) => from),
    hasClaims: [...claims.keys()].some((name) => !isIdentity(name)),
    scopeOf(headers: Caller['headers'], added: readonly string[] | undefined): string {
      let scope = '';
      const own =
        patterns.length > 0
          ? Object.keys(headers)
              .filter((name) => !identity.has(name))
              .sort()
          : names;
      for (const name of added === undefined ? own : distinct([...own, ...added]).sort()) {
        const value = headers[name];
        if (value !== undefined) scope += `${name}:${value}\n`;
      }
      return scope;
    },
  };
}

/** The headers with a constant value, of all subgraphs. */
function constantsOf({ all, own, independent }: ReturnType<typeof headerRulesOf>): string {
  const setBy = (layers: readonly HeaderRules[]) => {
    const { set, defaults } = flattenHeaderRules(layers);
    return [...set, ...[...defaults].map(([name, value]) => [name, value, 'default'])].sort();
  };
  const sets = [['', setBy(all)], ...[...own, ...independent].map(([name, layers]) => [name, setBy(layers)])];
  return sets.every(([, set]) => set!.length === 0) ? '' : JSON.stringify(sets);
}

const distinct = (names: readonly string[]): string[] => [...new Set(names)];
