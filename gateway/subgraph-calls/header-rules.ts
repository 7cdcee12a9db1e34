import type { IncomingHttpHeaders } from 'node:http';
import { claimAt } from '../auth/claim';
import type { Identity } from '../auth/identity';
import type { Options } from '../options';
import type { HeadersOptions } from '../options/headers';
import { tokenHeadersOf } from '../options/token-headers';
import { traceHeadersOf } from '../options/trace-headers';
import { isOwnHeader } from '../options/values';
import { matchesParts } from '../options/wildcards';
import { asciiJson } from './wire/request-body';
import type { Caller } from './contract/transport';

/** The header in which a caller has its token for a signer that exchanges it. It is never sent. */
export const subjectTokenHeader = 'weir-subject-token';

/** The rules by which subgraphs get headers. Names are case-insensitive. */
export interface HeaderRules {
  /**
   * Client headers that are forwarded: names, and patterns in which `*` stands for any characters.
   *
   * @default [] (none)
   */
  readonly forward?: readonly string[] | undefined;
  /** Client headers that neither these rules nor earlier ones forward: names and patterns. */
  readonly exclude?: readonly string[] | undefined;
  /** Client headers that are forwarded under another name: from the client's name to the subgraph's. */
  readonly rename?: Readonly<Record<string, string>> | undefined;
  /** Headers with a constant value, whatever the client sent. */
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** Headers with the value of one of the caller's claims, whatever the client sent. */
  readonly claims?: Readonly<Record<string, string>> | undefined;
  /** Values of headers that would be missing: the client does not send them, or the caller has no such claim. */
  readonly defaults?: Readonly<Record<string, string>> | undefined;
  /** The header that has the name of the client's operation. It is added to each call. */
  readonly operationName?: string | undefined;
  /** Whether `subjectTokenHeader` has the token of the caller. @default false */
  readonly subjectToken?: boolean | undefined;
  /** Client headers that no pattern forwards, in lower case: those of tokens, and those that the gateway writes for traces. */
  readonly unmatched?: readonly string[] | undefined;
}

/** The rules of all subgraphs, and those of single subgraphs. In a list, later rules take precedence. */
export interface SubgraphHeaderRules {
  readonly all: readonly HeaderRules[];
  readonly own: ReadonlyMap<string, readonly HeaderRules[]>;
  /** The rules of subgraphs whose answers do not depend on the caller. They get only headers with a constant value. */
  readonly independent: ReadonlyMap<string, readonly HeaderRules[]>;
  /** The client headers that subgraphs get and that separate nobody, in lower case. */
  readonly shared: readonly string[];
  /** Those of them that a subgraph does not get. */
  readonly withheld: ReadonlyMap<string, readonly string[]>;
}

export function headerRulesOf({
  headers: all,
  subgraphs,
  calls: { sharedHeaders },
  auth,
  telemetry,
}: Pick<Options, 'headers' | 'subgraphs' | 'calls' | 'auth' | 'telemetry'>): SubgraphHeaderRules {
  const shared = sharedHeaders.filter((name) => !isRuled(name, all));
  const unmatched = [...tokenHeadersOf(auth), ...traceHeadersOf(telemetry.traces)];
  const headers = { ...all, exclude: [...all.exclude, ...shared], unmatched };
  const own = new Map<string, readonly HeaderRules[]>();
  const independent = new Map<string, readonly HeaderRules[]>();
  const withheld = new Map<string, readonly string[]>();
  for (const [name, { identity, headers: more, auth: signed }] of Object.entries(subgraphs)) {
    const layers = signed?.type === 'TOKEN_EXCHANGE' ? [headers, more, exchanged] : [headers, more];
    if (identity === 'independent') independent.set(name, [{ set: headers.set }, { set: more.set }]);
    else if (layers.length > 2 || !isEmpty(more)) own.set(name, layers);
    withheld.set(name, identity === 'independent' ? shared : shared.filter((each) => isRuled(each, more)));
  }
  return { all: [headers], own, independent, shared, withheld };
}

/** The exchanged token replaces that of the caller, which then has to separate callers. */
const exchanged: HeaderRules = { exclude: ['authorization'], subjectToken: true };

/** Whether rules leave out the client's header of this name, or give its name to another value. */
const isRuled = (
  name: string,
  { exclude, set, claims, defaults, rename, operationName }: HeadersOptions,
): boolean =>
  name === operationName ||
  exclude.some((pattern) => matchesParts(name, partsOf(pattern))) ||
  Object.hasOwn(set, name) ||
  Object.hasOwn(claims, name) ||
  Object.hasOwn(defaults, name) ||
  Object.values(rename).includes(name);

const isEmpty = ({
  forward,
  exclude,
  rename,
  set,
  claims,
  defaults,
  operationName,
}: HeadersOptions): boolean =>
  operationName === undefined &&
  [forward, exclude, ...[rename, set, claims, defaults].map((rules) => Object.keys(rules))].every(
    ({ length }) => length === 0,
  );

/** Rules joined into one set. Names are in lower case. */
export interface FlatHeaderRules {
  readonly set: ReadonlyMap<string, string>;
  /** Claims by the header that carries them. */
  readonly claims: ReadonlyMap<string, string>;
  /** Values of headers that would be missing. */
  readonly defaults: ReadonlyMap<string, string>;
  /** The header that has the name of the client's operation; undefined if none has. */
  readonly operationName: string | undefined;
  /** Whether `subjectTokenHeader` has the token of the caller. */
  readonly subjectToken: boolean;
  /** Client headers that are forwarded: the client's name and the subgraph's. */
  readonly passed: readonly { readonly from: string; readonly to: string }[];
  /** A test for each pattern: whether a client header is forwarded under its own name. */
  readonly patterns: readonly ((name: string) => boolean)[];
}

/**
 * Joins rules. Options have refused those for headers that belong to a connection, describe a body or are trusted by
 * subgraphs; no pattern forwards one of these.
 */
export function flattenHeaderRules(layers: readonly HeaderRules[]): FlatHeaderRules {
  const set = new Map<string, string>();
  const claims = new Map<string, string>();
  const ofOperation = new Set<string>();
  let operationName: string | undefined;
  /** Whatever an earlier rule writes to a header. */
  const replace = (name: string): string => {
    const lower = name.toLowerCase();
    set.delete(lower);
    claims.delete(lower);
    if (operationName === lower) operationName = undefined;
    return lower;
  };
  for (const rules of layers) {
    for (const [name, value] of Object.entries(rules.set ?? {})) set.set(replace(name), value);
    for (const [name, claim] of Object.entries(rules.claims ?? {})) claims.set(replace(name), claim);
    if (rules.operationName !== undefined) ofOperation.add((operationName = replace(rules.operationName)));
  }
  const isFixed = (name: string): boolean => set.has(name) || claims.has(name) || ofOperation.has(name);
  const unmatched = new Set(layers.flatMap((rules) => rules.unmatched ?? []));
  for (const names of [set.keys(), claims.keys(), ofOperation]) for (const name of names) unmatched.add(name);
  const defaults = new Map<string, string>();
  const passed: { from: string; to: string }[] = [];
  const patterns: ((name: string) => boolean)[] = [];
  layers.forEach(({ forward = [], rename = {} }, i) => {
    const excludes = layers.slice(i).flatMap(({ exclude = [] }) => exclude.map(partsOf));
    const isExcluded = (name: string): boolean => excludes.some((parts) => matchesParts(name, parts));
    for (const name of defaults.keys()) if (isExcluded(name)) defaults.delete(name);
    for (const [name, value] of Object.entries(layers[i]!.defaults ?? {})) {
      const lower = name.toLowerCase();
      if (!isExcluded(lower) && !set.has(lower)) defaults.set(lower, value);
    }
    for (const pattern of forward.filter((each) => each.includes('*'))) {
      const parts = partsOf(pattern);
      patterns.push(
        (name) =>
          matchesParts(name, parts) && !isExcluded(name) && !unmatched.has(name) && matchesPatterns(name),
      );
    }
    const names = forward.filter((each) => !each.includes('*')).map((name) => [name, name] as const);
    for (const [ours, theirs] of [...names, ...Object.entries(rename)]) {
      const from = ours.toLowerCase();
      const to = theirs.toLowerCase();
      if (!isExcluded(from) && !isFixed(to)) passed.push({ from, to });
    }
  });
  const subjectToken = layers.some((rules) => rules.subjectToken === true);
  return { set, claims, defaults, operationName, subjectToken, passed, patterns };
}

const partsOf = (pattern: string): readonly string[] => pattern.toLowerCase().split('*');

/** Whether a pattern may forward a client header of this name. Pseudo-headers of HTTP/2 begin with a colon. */
const matchesPatterns = (name: string): boolean => isWritable(name) && !name.startsWith(':');

const isWritable = (name: string): boolean => !isOwnHeader(name);

/**
 * Compiles rules to a function that picks the headers of subgraph calls, from the headers of a client request and the
 * caller's claims. A header that the client names in `Connection`, or whose value is not valid, is left out.
 */
export function compileHeaderRules(
  ...layers: readonly HeaderRules[]
): (headers: IncomingHttpHeaders, claims?: Identity['claims'], token?: string) => Caller['headers'] {
  const { set, claims, defaults, subjectToken, passed, patterns } = flattenHeaderRules(layers);
  const fixed = Object.fromEntries(set);

  return (headers, given = {}, token) => {
    const chosen: Record<string, string> = { ...fixed };
    const ofConnection = headers.connection === undefined ? undefined : namesIn(headers.connection);
    const pass = (from: string, to: string): void => {
      const value = headers[from];
      if (value === undefined || ofConnection?.has(from) === true) return;
      const text = typeof value === 'string' ? value : value.join(from === 'cookie' ? '; ' : ', ');
      if (isHeaderValue(text)) chosen[to] = text;
    };
    if (patterns.length > 0) {
      for (const name of Object.keys(headers))
        if (patterns.some((matches) => matches(name))) pass(name, name);
    }
    for (const { from, to } of passed) pass(from, to);
    for (const [name, claim] of claims) {
      const text = textOfClaim(claimAt(given, claim));
      if (text !== undefined && isHeaderValue(text)) chosen[name] = text;
    }
    for (const [name, value] of defaults) if (!Object.hasOwn(chosen, name)) chosen[name] = value;
    if (subjectToken && token !== undefined) chosen[subjectTokenHeader] = token;
    return chosen;
  };
}

/**
 * The header value of a claim. Lists and maps are JSON in ASCII: joined with commas, `["a,b"]` and `["a","b"]` would be
 * equal.
 */
function textOfClaim(claim: unknown): string | undefined {
  if (claim === undefined || claim === null) return undefined;
  if (typeof claim === 'string') return claim;
  return asciiJson(claim);
}

/** The headers of the calls for one client request. */
export interface CallHeaders {
  readonly headers: Caller['headers'];
  /** Headers by subgraph with rules of its own; undefined if there is none. */
  readonly own: ReadonlyMap<string, Caller['headers']> | undefined;
  /** Those that separate nobody; undefined if there is none. */
  readonly shared: Caller['headers'] | undefined;
}

/** Picks the headers of all subgraphs. @param token that of the caller, if it has a verified one */
export type ForwardHeaders = (
  headers: IncomingHttpHeaders,
  claims: Identity['claims'],
  token?: string,
) => CallHeaders;

export function compileCallHeaders(rules: SubgraphHeaderRules): ForwardHeaders {
  const forward = compileHeaderRules(...rules.all);
  const own = [...rules.own].map(([name, layers]) => [name, compileHeaderRules(...layers)] as const);
  const share = rules.shared.length === 0 ? undefined : compileHeaderRules({ forward: rules.shared });
  return (headers, claims, token) => ({
    headers: forward(headers, claims),
    shared: share?.(headers),
    own:
      own.length === 0
        ? undefined
        : new Map(own.map(([name, forwardOwn]) => [name, forwardOwn(headers, claims, token)])),
  });
}

/**
 * Checks a header that a hook adds to the calls of one request, as options check those of rules. Returns its name in lower
 * case, and its value.
 *
 * @throws {RangeError} if subgraphs may not get it, or it cannot be sent
 */
export function addedHeader(name: string, value: string): readonly [name: string, value: string] {
  const lower = name.toLowerCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(lower))
    throw new RangeError(`A header's name must be a token, but got: ${JSON.stringify(name)}`);
  if (isOwnHeader(lower))
    throw new RangeError(
      `The header "${name}" must not be forwarded: the gateway writes it, or it belongs to a connection or to a body`,
    );
  if (!isHeaderValue(value))
    // It may be a credential.
    throw new RangeError(`The value of the header "${name}" must be printable, on one line`);
  return [lower, value];
}

/** The `Caller.scope` of headers and identity. It is unambiguous, as a name has no colon and a value no line break. */
export function scopeOf(headers: Caller['headers'], signedIdentity?: Caller['signedIdentity']): string {
  let scope = '';
  for (const name of Object.keys(headers).sort()) scope += `${name}:${headers[name]}\n`;
  // No client header has this name.
  return signedIdentity === undefined ? scope : `${scope}weir-identity:${signedIdentity}\n`;
}

/** Appends the scope of a subgraph with rules of its own to the scope of the others. No header name begins with `>`. */
export const joinScope = (scope: string, subgraph: string, own: string): string =>
  own === '' ? scope : `${scope}>${JSON.stringify(subgraph)}\n${own}`;

const namesIn = (connection: string): Set<string> =>
  new Set(connection.split(',').map((name) => name.trim().toLowerCase()));

/** Whether a text can be sent as the value of a header. */
export const isHeaderValue = (text: string): boolean => !/[^\t\x20-\x7e\x80-\xff]/.test(text);
