import type { Policy } from '../policy';
import { joinedBytes } from '../stores/owned-bytes';
import type { CacheEntry, CacheHit } from '../stores/store';

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
): CacheEntry {
  const freshUntil = now + maxAge * 1000;
  const staleUntil = freshUntil + staleWhileRevalidate * 1000;
  const spareUntil = freshUntil + staleIfError * 1000;
  return {
    value: joinedBytes(`${scope} ${Math.floor(staleUntil)} ${Math.floor(spareUntil)}\n`, json),
    tags: [...tags],
    storedAt: now,
    freshUntil,
    keptUntil: Math.max(staleUntil, spareUntil),
  };
}

/** Reads a cache entry. Undefined if there is none, it is no entity, or it has expired. */
export function readEntry(found: CacheHit | undefined, now: number): KeptEntity | undefined {
  if (found === undefined) return undefined;
  const { value, tags, storedAt, freshUntil, refresh, isNear = false } = found;
  const scope = startsWith(value, 'public ')
    ? 'public'
    : startsWith(value, 'private ')
      ? 'private'
      : undefined;
  if (scope === undefined) return undefined;
  const start = scope.length + 1;
  const middle = value.indexOf(space, start);
  const end = value.indexOf(newline, start);
  const staleUntil = numberIn(value, start, middle);
  const spareUntil = numberIn(value, middle + 1, end);
  const state =
    now < freshUntil ? 'fresh' : now < staleUntil ? 'stale' : now < spareUntil ? 'spare' : undefined;
  if (state === undefined || Number.isNaN(staleUntil + spareUntil)) return undefined;
  const maxAge = secondsTo(freshUntil, now);
  const policy = {
    scope,
    maxAge,
    staleWhileRevalidate: secondsTo(staleUntil, now) - maxAge,
    staleIfError: secondsTo(spareUntil, now) - maxAge,
  } as const;
  return { json: value.subarray(end + 1), tags, state, refresh, isNear, storedAt, policy };
}

const space = 0x20;
const newline = 0x0a;

function startsWith(value: Buffer, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (value[i] !== text.charCodeAt(i)) return false;
  return true;
}

/** A number of decimal digits; NaN for anything else. */
function numberIn(value: Buffer, start: number, end: number): number {
  if (end <= start) return NaN;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = value[at]! - zero;
    if (digit < 0 || digit > 9) return NaN;
    number = 10 * number + digit;
  }
  return number;
}

const zero = 0x30;

const secondsTo = (until: number, now: number): number => Math.max(0, Math.floor((until - now) / 1000));
