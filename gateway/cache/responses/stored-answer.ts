import { hash } from 'node:crypto';
import type { Policy } from '../policy';
import type { ObservedNull } from '../../execution';
import { joinedBytes } from '../stores/owned-bytes';
import type { CacheEntry } from '../stores/store';
import { writeNulls } from './stored-nulls';

/** A complete answer, as it is stored and served. */
export interface StoredAnswer {
  readonly policy: Policy;
  /** UTF-8: `{"data":…}`. */
  readonly body: Buffer;
  /** RFC 9110, section 8.8.3. It is weak, as all encodings have the same one. */
  readonly etag: string;
  readonly tags: readonly string[];
  /** Unix milliseconds. */
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Until then it may be served while a newer one is fetched. Unix milliseconds. */
  readonly staleUntil: number;
  /** Until then it may be served when fetching a newer one fails. Unix milliseconds. */
  readonly spareUntil: number;
  /** Why values of it are null, for `nullsOf`. Empty where nobody has looked. */
  readonly nulls: Buffer;
}

/** @param nulls why values of it are null; undefined where nobody has looked */
export function storedAnswer(
  body: Buffer,
  policy: Policy,
  tags: Iterable<string>,
  now: number,
  nulls?: readonly ObservedNull[],
): StoredAnswer {
  const freshUntil = now + policy.maxAge * 1000;
  return {
    policy,
    body,
    etag: `W/"${hash('sha256', body, 'base64url').slice(0, 27)}"`,
    tags: [...tags],
    storedAt: now,
    freshUntil,
    staleUntil: freshUntil + policy.staleWhileRevalidate * 1000,
    spareUntil: freshUntil + policy.staleIfError * 1000,
    nulls: writeNulls(nulls),
  };
}

/** The form in the store: a line of JSON, then the body, then why values of it are null. */
export function entryOf(answer: StoredAnswer): CacheEntry {
  const { policy, body, etag, tags, storedAt, freshUntil, staleUntil, spareUntil, nulls } = answer;
  const head: StoredAnswerHead = { policy, etag, length: body.length, staleUntil, spareUntil };
  return {
    value: joinedBytes(`${JSON.stringify(head)}\n`, body, nulls),
    tags,
    storedAt,
    freshUntil,
    keptUntil: Math.max(freshUntil, staleUntil, spareUntil),
  };
}

interface StoredAnswerHead {
  readonly policy: Policy;
  readonly etag: string;
  /** Bytes of the body. */
  readonly length: number;
  readonly staleUntil: number;
  readonly spareUntil: number;
}

const read = new WeakMap<Buffer, StoredAnswer>();

/** Reads a cache entry. Undefined if it is no answer. An entry in memory is parsed once. */
export function readAnswer(entry: CacheEntry): StoredAnswer | undefined {
  let answer = read.get(entry.value);
  if (answer === undefined) {
    answer = parseEntry(entry);
    if (answer !== undefined) read.set(entry.value, answer);
  }
  return answer;
}

function parseEntry({ value, tags, storedAt, freshUntil }: CacheEntry): StoredAnswer | undefined {
  const end = value.indexOf(newline);
  try {
    const { policy, etag, length, staleUntil, spareUntil } = JSON.parse(
      value.toString('utf8', 0, end),
    ) as StoredAnswerHead;
    const body = value.subarray(end + 1, end + 1 + length);
    if (body.length !== length) return undefined;
    const nulls = value.subarray(end + 1 + length);
    return { policy, body, etag, tags, storedAt, freshUntil, staleUntil, spareUntil, nulls };
  } catch {
    return undefined;
  }
}

const newline = 0x0a;
