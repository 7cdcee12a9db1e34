import { parseCacheControl } from '../policy';
import type { CacheHit, Look } from '../stores/store';
import type { ResponseKeys } from './response-keys';
import { readAnswer, type StoredAnswer } from './stored-answer';

/** A cached answer that can be served, fresh or stale. */
export interface Usable {
  readonly answer: StoredAnswer;
  /** `spare` is served only if fetching a newer answer fails. */
  readonly state: 'fresh' | 'stale' | 'spare';
  /** Whether this request must refresh it. */
  readonly refresh: boolean;
  readonly key: string;
  /** Whether it was found in the memory of this process, in front of a shared store. */
  readonly isNear: boolean;
}

/** The best answer under the keys of a request; undefined if none may be served. @param now Unix milliseconds */
export function bestOf(
  { entries }: Look,
  keys: ResponseKeys,
  directives: ClientDirectives | undefined,
  now: number,
): Usable | undefined {
  const usable = entries.map((found) => found && usableOf(found, keys, directives, now));
  for (const state of bestFirst) {
    const found = usable.find((each) => each?.state === state);
    if (found !== undefined) return found;
  }
  return undefined;
}

const bestFirst = ['fresh', 'stale', 'spare'] as const;

function usableOf(
  found: CacheHit,
  keys: ResponseKeys,
  directives: ClientDirectives | undefined,
  now: number,
): Usable | undefined {
  const answer = readAnswer(found);
  const state = answer && stateOf(answer, now);
  if (answer === undefined || state === undefined || directives?.refuses(answer, now) === true)
    return undefined;
  const { refresh, isNear = false } = found;
  return { answer, state, refresh, isNear, key: keys[answer.policy.scope] };
}

function stateOf(
  { freshUntil, staleUntil, spareUntil }: StoredAnswer,
  now: number,
): Usable['state'] | undefined {
  if (now < freshUntil) return 'fresh';
  if (now < staleUntil) return 'stale';
  return now < spareUntil ? 'spare' : undefined;
}

/** The directives in a client's `Cache-Control` (RFC 9111, section 5.2.1). */
export interface ClientDirectives {
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  /** Whether an answer is too old for the client. */
  refuses(answer: StoredAnswer, now: number): boolean;
}

export function clientDirectives(header: string): ClientDirectives {
  const directives = parseCacheControl(header);
  const seconds = (name: string, otherwise: number): number => {
    const text = directives.get(name);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : otherwise;
  };
  const noCache = directives.has('no-cache');
  const maxAge = seconds('max-age', Infinity);
  const minFresh = seconds('min-fresh', 0);
  return {
    noStore: directives.has('no-store'),
    onlyIfCached: directives.has('only-if-cached'),
    refuses: ({ storedAt, freshUntil }, now) =>
      noCache || now - storedAt > maxAge * 1000 || (minFresh > 0 && freshUntil - now < minFresh * 1000),
  };
}
