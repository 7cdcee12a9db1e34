import type { Policy } from '../policy';
import type { Entry, Found } from '../stores/store';

/** A cached entity at the time of a look-up. */
export interface KeptEntity {
  /** The subgraph's answer to its representation. */
  readonly json: Buffer;
  readonly tags: readonly string[];
  /** `fresh` is served. `stale` is served while one look-up refreshes it. `spare` is served if the subgraph fails. */
  readonly state: 'fresh' | 'stale' | 'spare';
  /** Whether this look-up must refresh it. */
  readonly refresh: boolean;
  readonly isNear: boolean;
  /** Unix milliseconds. */
  readonly storedAt: number;
  /** Its policy, with the remaining lifetime. */
  readonly policy: Policy;
}

/** The cache entry of an answer that arrives at `now`. */
export function entryOf(
  json: Buffer,
  { scope, maxAge, staleWhileRevalidate, staleIfError }: Policy,
  tags: Iterable<string>,
  now: number,
): Entry {
  const freshUntil = now + maxAge * 1000;
  const staleUntil = freshUntil + staleWhileRevalidate * 1000;
  const spareUntil = freshUntil + staleIfError * 1000;
  return {
    value: Buffer.concat([Buffer.from(`${scope} ${staleUntil} ${spareUntil}\n`), json]),
    tags: [...tags],
    storedAt: now,
    freshUntil,
    keptUntil: Math.max(staleUntil, spareUntil),
  };
}

/** Reads a cache entry. Undefined if there is none, it is no entity, or it has expired. */
export function readEntry(found: Found | undefined, now: number): KeptEntity | undefined {
  if (found === undefined) return undefined;
  const { value, tags, storedAt, freshUntil, refresh, isNear = false } = found;
  const end = value.indexOf(newline);
  const [scope, ...times] = value.toString('latin1', 0, Math.max(0, end)).split(' ');
  const [staleUntil = NaN, spareUntil = NaN] = times.map(Number);
  if ((scope !== 'public' && scope !== 'private') || Number.isNaN(staleUntil + spareUntil)) return undefined;
  const left = (until: number): number => Math.max(0, Math.floor((until - now) / 1000));
  const maxAge = left(freshUntil);
  const policy = {
    scope,
    maxAge,
    staleWhileRevalidate: left(staleUntil) - maxAge,
    staleIfError: left(spareUntil) - maxAge,
  } as const;
  const state =
    now < freshUntil ? 'fresh' : now < staleUntil ? 'stale' : now < spareUntil ? 'spare' : undefined;
  return state && { json: value.subarray(end + 1), tags, state, refresh, isNear, storedAt, policy };
}

const newline = 0x0a;
