import type { KeyHeaders } from '../key-headers';
import type { RequestHead } from '../../request/incoming-request';
import type { Policy } from '../policy';
import type { ResponseKeys } from './response-keys';
import { PackedBodies, type SentBody } from './packed-bodies';
import type { StoredAnswer } from './stored-answer';

/** How the response cache took part in an answer; `PASS` if it did not. */
export type CacheResult = 'HIT' | 'MISS' | 'STALE' | 'PASS';

/** How a cacheable answer was found. */
export interface CachedReply {
  readonly answer: StoredAnswer;
  readonly result: Exclude<CacheResult, 'PASS'>;
  readonly keys: Pick<ResponseKeys, 'supergraph' | 'base' | 'isFor' | 'outside'>;
}

export interface AnswerHeadersOptions {
  readonly keyHeaders: Pick<KeyHeaders, 'vary' | 'varyPrivate'>;
  /** Whether a CDN caches public answers; then these have the tags as surrogate keys. */
  readonly cdn: boolean;
  /** Whether public answers are compressed for clients that accept it. */
  readonly compress: boolean;
  /** Whether no answer is for caches that clients share. @default false */
  readonly areAllPrivate?: boolean;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** The answer to send: status, headers as names and values in turn, and the body. */
export interface CacheableAnswer {
  readonly status: 200 | 304;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Writes the caching headers of answers (RFC 9111), and how the response cache took part. */
export class AnswerHeaders {
  readonly #options: AnswerHeadersOptions;
  readonly #now: () => number;
  readonly #fixed = new WeakMap<StoredAnswer, readonly string[]>();
  readonly #packed: PackedBodies | undefined;

  constructor(options: AnswerHeadersOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#packed = options.compress ? new PackedBodies() : undefined;
  }

  /** @param type the media type of the answer */
  reply(
    { method, headers }: Pick<RequestHead, 'method' | 'headers'>,
    type: string,
    { answer, result, keys }: CachedReply,
  ): CacheableAnswer {
    const fields = [...this.#fixedOf(answer, keys.outside), 'x-cache', result];
    if (result !== 'MISS') fields.push('age', String(this.ageOf(answer)));
    if (method === 'GET' && isMatch(headers['if-none-match'], answer.etag))
      return { status: 304, headers: fields, body: empty };
    const sent = this.bodyFor(headers['accept-encoding'], answer);
    fields.push(...ofBody(sent, type));
    return { status: 200, headers: fields, body: sent.bytes };
  }

  /** The headers of a hit that is no 304: all but `Age`, which changes. */
  prepare(answer: StoredAnswer, sent: SentBody, type: string): readonly string[] {
    return [...this.#fixedOf(answer), 'x-cache', 'HIT', ...ofBody(sent, type)];
  }

  /** The headers of an answer whose body is sent in another form, without those that depend on the form. */
  describe({ answer, result, keys }: CachedReply): readonly string[] {
    const headers = this.#fixedOf(answer, keys.outside);
    const etag = headers.indexOf('etag');
    return [...headers.toSpliced(etag, 2), 'x-cache', result, 'age', String(this.ageOf(answer))];
  }

  /** `Age` in seconds (RFC 9111, section 5.1). */
  ageOf({ storedAt }: StoredAnswer, now = this.#now()): number {
    return Math.max(0, Math.floor((now - storedAt) / 1000));
  }

  /** The body to send now. @param accept the client's `Accept-Encoding` */
  bodyFor(accept: string | undefined, answer: StoredAnswer): SentBody {
    return this.#packed?.bodyFor(accept, answer) ?? { encoding: undefined, bytes: answer.body };
  }

  #fixedOf(answer: StoredAnswer, outside?: ResponseKeys['outside']): readonly string[] {
    let fixed = this.#fixed.get(answer);
    if (fixed === undefined) this.#fixed.set(answer, (fixed = this.#describe(answer, outside)));
    return fixed;
  }

  #describe({ policy, etag, tags }: StoredAnswer, outside: ResponseKeys['outside']): readonly string[] {
    const { keyHeaders, cdn, areAllPrivate = false } = this.#options;
    const isPublic = policy.scope === 'public' && !areAllPrivate && outside?.isPrivate !== true;
    const scope = isPublic ? 'public' : 'private';
    const varyPrivate = isPublic ? [] : keyHeaders.varyPrivate;
    const own = ['accept', 'accept-encoding', ...keyHeaders.vary, ...varyPrivate];
    const vary = [...new Set([...own, ...(outside?.vary ?? [])])];
    const keys = cdn && isPublic ? tags.map(surrogateKey) : [];
    const isPurgeable = keys.reduce((length, key) => length + key.length + 1, 0) <= longestKeys;
    const control = isPurgeable ? cacheControl({ ...policy, scope }, cdn) : 'public, no-cache';
    const headers = ['cache-control', control, 'etag', etag, 'vary', vary.join(', ')];
    if (keys.length > 0 && isPurgeable)
      headers.push('surrogate-key', keys.join(' '), 'cache-tag', keys.join(','));
    return headers;
  }
}

const empty = Buffer.alloc(0);

const ofBody = ({ encoding, bytes }: SentBody, type: string): readonly string[] => [
  ...(encoding === undefined ? [] : ['content-encoding', encoding]),
  ...['content-type', type, 'content-length', String(bytes.length)],
];

/** The `Cache-Control` of an answer. With a CDN, browsers must revalidate each time, as they cannot be purged. */
function cacheControl({ scope, maxAge, staleWhileRevalidate, staleIfError }: Policy, cdn: boolean): string {
  const parts: string[] =
    cdn && scope === 'public' ? ['public', 'max-age=0', `s-maxage=${maxAge}`] : [scope, `max-age=${maxAge}`];
  if (staleWhileRevalidate > 0) parts.push(`stale-while-revalidate=${staleWhileRevalidate}`);
  if (staleIfError > 0) parts.push(`stale-if-error=${staleIfError}`);
  return parts.join(', ');
}

/** A tag in the form that CDNs accept: ASCII without blanks, commas and control characters. */
export const surrogateKey = (tag: string): string =>
  encodeURI(Buffer.from(tag).toString()).replaceAll(',', '%2C');

/** Bytes of tags that all CDNs read (Fastly, Cloudflare: 16 KiB). With more, the CDN must revalidate. */
const longestKeys = 16_000;

/** Whether `If-None-Match` has the ETag, by weak comparison (RFC 9110, section 13.1.2). */
export function isMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag || header.trim() === '*') return true;
  return header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag.slice(2));
}
