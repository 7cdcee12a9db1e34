import { parseCacheControl } from '../policy';
import type { StoredAnswer } from './stored-answer';

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
