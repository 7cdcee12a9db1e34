import { isShareable } from '../subgraph-calls/sharing/shareable';
import type { SubgraphResponse } from '../subgraph-calls/contract/transport';

/** How long an answer may be cached, and who may share it. */
export interface Policy {
  /** `private`: only for clients of the same identity. */
  readonly scope: 'public' | 'private';
  /** Seconds from now. With 0 it is stale at once. */
  readonly maxAge: number;
  /** Seconds after `maxAge` in which it may be served while a newer answer is fetched (RFC 5861, section 3). */
  readonly staleWhileRevalidate: number;
  /** Seconds after `maxAge` in which it may be served when fetching a newer answer fails (RFC 5861, section 4). */
  readonly staleIfError: number;
}

/** Nothing may be cached. */
export const noStore: Policy = { scope: 'private', maxAge: 0, staleWhileRevalidate: 0, staleIfError: 0 };

/** Whether the answer may be used at any time, fresh or stale. */
export const isStorable = ({ maxAge, staleWhileRevalidate, staleIfError }: Policy): boolean =>
  maxAge > 0 || staleWhileRevalidate > 0 || staleIfError > 0;

/** The policy of an answer made of two responses: the shorter of each period. */
export function strictest(one: Policy, other: Policy): Policy {
  if (one === other) return one;
  const maxAge = Math.min(one.maxAge, other.maxAge);
  const until = (stale: 'staleWhileRevalidate' | 'staleIfError'): number =>
    Math.max(0, Math.min(one.maxAge + one[stale], other.maxAge + other[stale]) - maxAge);
  return {
    scope: one.scope === 'public' ? other.scope : 'private',
    maxAge,
    staleWhileRevalidate: until('staleWhileRevalidate'),
    staleIfError: until('staleIfError'),
  };
}

/** Defaults for directives that a response lacks. */
export interface PolicyDefaults {
  /** Seconds. No effect for a response that must be revalidated, or is stale at once. @default 0 */
  readonly staleWhileRevalidate?: number | undefined;
  /** Seconds. No effect in the same cases. @default 0 */
  readonly staleIfError?: number | undefined;
  /** Headers, in lower case, that identify the caller. A response that varies by one of them is private. @default [] */
  readonly identityHeaders?: readonly string[] | undefined;
}

type PolicySource = Pick<SubgraphResponse, 'status' | 'headers' | 'isShareable'>;

/**
 * Compiles a reader of the cache policy in `Cache-Control`, `Age` and `Vary` of a response (RFC 9111, section 5.2.2;
 * RFC 5861). The gateway separates private answers by identity, so it caches `private` responses, too. Stricter than the
 * RFC: a response without `public` (or `s-maxage`) is private, one with `no-cache` or `Set-Cookie` is not cached, and one
 * with an `Age` that is not a number is stale.
 */
export function policyReader(defaults: PolicyDefaults = {}): (response: PolicySource) => Policy {
  const { identityHeaders = [] } = defaults;
  const known = new Map<string, Policy>();

  const read = (header: string): Policy => {
    let policy = known.get(header);
    if (policy === undefined) {
      policy = policyOf(parseCacheControl(header), defaults);
      // Subgraphs send few different values. The bound is for one that makes them up.
      if (known.size >= 1_000) known.clear();
      known.set(header, policy);
    }
    return policy;
  };

  return (response) => {
    const { status, headers } = response;
    const { age, vary } = headers;
    const header = headers['cache-control'];
    if (status !== 200 || !isShareable(response)) return noStore;
    let policy = header === undefined ? noStore : read(String(header));
    if (age !== undefined) policy = aged(policy, ageIn(String(age)));
    if (vary !== undefined) policy = varied(policy, String(vary), identityHeaders);
    return policy;
  };
}

/** `Cache-Control`: names in lower case, with their values. If a name occurs several times, the first one counts. */
export function parseCacheControl(header: string): Map<string, string> {
  const directives = new Map<string, string>();
  for (const [, name, quoted, token] of header.matchAll(directive)) {
    const lower = name!.toLowerCase();
    if (!directives.has(lower)) directives.set(lower, quoted?.replaceAll(/\\(.)/g, '$1') ?? token ?? '');
  }
  return directives;
}

/** A directive (RFC 9111, section 5.2): a token, optionally with a token or a quoted string as value. */
const directive = /([!#$%&'*+\-.^_`|~\w]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;

function policyOf(directives: ReadonlyMap<string, string>, defaults: PolicyDefaults): Policy {
  if (directives.has('no-store') || directives.has('no-cache')) return noStore;
  const shared = secondsIn(directives.get('s-maxage'));
  const isPublic = !directives.has('private') && (directives.has('public') || shared !== undefined);
  const maxAge = (isPublic ? shared : undefined) ?? secondsIn(directives.get('max-age')) ?? 0;
  const mustRevalidate = directives.has('must-revalidate') || directives.has('proxy-revalidate');
  // `s-maxage` also forbids serving stale answers, except where the response itself allows it.
  const mayDefault = maxAge > 0 && shared === undefined;
  const stale = (name: string, otherwise = 0): number =>
    mustRevalidate ? 0 : (secondsIn(directives.get(name)) ?? (mayDefault ? otherwise : 0));
  return {
    scope: isPublic ? 'public' : 'private',
    maxAge,
    staleWhileRevalidate: stale('stale-while-revalidate', defaults.staleWhileRevalidate),
    staleIfError: stale('stale-if-error', defaults.staleIfError),
  };
}

/** Delta seconds (RFC 9111, section 1.2.2). An invalid number counts as 0, as section 4.2.1 encourages. */
function secondsIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d+$/.test(text) ? Math.min(Number(text), 2 ** 31) : 0;
}

/** `Age` in seconds (RFC 9111, section 5.1), the first of several. An invalid one makes the response stale. */
function ageIn(text: string): number {
  const [first] = text.split(',') as [string];
  return /^\d+$/.test(first.trim()) ? Number(first) : Infinity;
}

/** The remaining policy after `age` seconds. */
function aged(policy: Policy, age: number): Policy {
  const left = (seconds: number): number => Math.max(0, seconds - age);
  const maxAge = left(policy.maxAge);
  return {
    scope: policy.scope,
    maxAge,
    staleWhileRevalidate: left(policy.maxAge + policy.staleWhileRevalidate) - maxAge,
    staleIfError: left(policy.maxAge + policy.staleIfError) - maxAge,
  };
}

/** The policy of a response with `Vary`. Forwarded headers that identify nobody are in every key anyway. */
function varied(policy: Policy, vary: string, identityHeaders: readonly string[]): Policy {
  const names = vary.split(',').map((name) => name.trim().toLowerCase());
  return names.some((name) => identityHeaders.includes(name)) ? { ...policy, scope: 'private' } : policy;
}

/** The provenance of the answer to one client request so far: its policy and tags. */
export class AnswerProvenance {
  /** Whether the request has run a mutation. From then on it does not read the entity cache. */
  hasMutated = false;
  /** When the oldest call was sent whose response is in the answer, in milliseconds of `performance.now()`. */
  oldest = Infinity;
  /** Whether a part of the answer comes from a cache in the memory of this process. */
  isNear = false;
  /** Whether the answer may be shared with another client request. */
  isShareable = true;
  #policy: Policy | undefined;
  readonly #tags: Iterable<string>[] = [];

  /** The strictest policy of all responses; undefined until there is one. */
  get policy(): Policy | undefined {
    return this.#policy;
  }

  /** The tags by which an invalidation drops the answer. Empty for an answer that is not cached. */
  get tags(): ReadonlySet<string> {
    const tags = new Set<string>();
    for (const some of this.#tags) for (const tag of some) tags.add(tag);
    return tags;
  }

  /** @param tags iterated only if the answer is cached */
  add(policy: Policy, tags: Iterable<string>): void {
    this.#policy = this.#policy === undefined ? policy : strictest(this.#policy, policy);
    this.tag(tags);
  }

  date({ sentAt, isNear }: Pick<SubgraphResponse, 'sentAt' | 'isNear'>): void {
    if (sentAt !== undefined && sentAt < this.oldest) this.oldest = sentAt;
    if (isNear === true) this.isNear = true;
  }

  tag(tags: Iterable<string>): void {
    if (this.#policy === undefined || isStorable(this.#policy)) this.#tags.push(tags);
    else this.#tags.length = 0;
  }
}
