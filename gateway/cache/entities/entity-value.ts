import type { Policy } from '../policy';
import type { Entry, Found } from '../stores/store';

/** What is kept of an entity, at the time of a look. */
export interface KeptEntity {
  /** What it was answered with. */
  readonly json: Buffer;
  readonly tags: readonly string[];
  /**
   * `fresh` is served; `stale` is served while one look refreshes it; `spare` is served when nothing better can be had.
   */
  readonly state: 'fresh' | 'stale' | 'spare';
  /** Whether this look is the one that refreshes it. */
  readonly refresh: boolean;
  readonly isNear: boolean;
  /** What is left of its life. */
  readonly policy: Policy;
}

/** What is kept of an answer, from now on. */
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

/** Undefined where nothing was found, or what was found is no entity, or its time is over. */
export function readEntry(found: Found | undefined, now: number): KeptEntity | undefined {
  if (found === undefined) return undefined;
  const { value, tags, freshUntil, refresh, isNear = false } = found;
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
  return state && { json: value.subarray(end + 1), tags, state, refresh, isNear, policy };
}

const newline = 0x0a;
