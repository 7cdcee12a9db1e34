import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Policy } from '../policy';
import type { Entry } from '../stores/store';

/** A complete answer, as it is stored and served. */
export interface StoredAnswer {
  readonly policy: Policy;
  /** UTF-8: `{"data":…}`. */
  readonly body: Buffer;
  /** RFC 9110, section 8.8.3. It is weak, as all encodings have the same one. */
  readonly etag: string;
  /** The compressed body by encoding. An encoding that makes it no smaller is missing. */
  readonly packed: Readonly<Partial<Record<Encoding, Buffer>>>;
  readonly tags: readonly string[];
  /** Unix milliseconds. */
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Until then it may be served while a newer one is fetched. Unix milliseconds. */
  readonly staleUntil: number;
  /** Until then it may be served when fetching a newer one fails. Unix milliseconds. */
  readonly spareUntil: number;
}

/** The better encoding first. */
export const encodings = ['br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

export function storedAnswer(
  body: Buffer,
  policy: Policy,
  tags: Iterable<string>,
  now: number,
): StoredAnswer {
  const freshUntil = now + policy.maxAge * 1000;
  return {
    policy,
    body,
    etag: `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`,
    packed: {},
    tags: [...tags],
    storedAt: now,
    freshUntil,
    staleUntil: freshUntil + policy.staleWhileRevalidate * 1000,
    spareUntil: freshUntil + policy.staleIfError * 1000,
  };
}

/** Compresses a long body once, so that cache hits need not. */
export async function pack(answer: StoredAnswer): Promise<StoredAnswer> {
  const { body } = answer;
  if (body.length < leastPacked) return answer;
  const [br, gz] = await Promise.all([
    toBrotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
    toGzip(body),
  ]);
  const packed = { ...(br.length < body.length && { br }), ...(gz.length < body.length && { gzip: gz }) };
  return { ...answer, packed };
}

const toBrotli = promisify(brotliCompress);
const toGzip = promisify<Buffer, Buffer>(gzip);
/** Bytes. A smaller body fits in one packet anyway. */
const leastPacked = 1_024;
/** About as small as gzip at its best level, and faster. */
const brotliQuality = 5;

/** The form in the store: a line of JSON, then the bodies, one after another. */
export function entryOf(answer: StoredAnswer): Entry {
  const { policy, body, etag, packed, tags, storedAt, freshUntil, staleUntil, spareUntil } = answer;
  const bodies = [body, packed.br ?? empty, packed.gzip ?? empty];
  const head: Head = { policy, etag, lengths: bodies.map(({ length }) => length), staleUntil, spareUntil };
  return {
    value: Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bodies]),
    tags,
    storedAt,
    freshUntil,
    keptUntil: Math.max(freshUntil, staleUntil, spareUntil),
  };
}

interface Head {
  readonly policy: Policy;
  readonly etag: string;
  readonly lengths: readonly number[];
  readonly staleUntil: number;
  readonly spareUntil: number;
}

const empty = Buffer.alloc(0);
const read = new WeakMap<Buffer, StoredAnswer>();

/** Reads a cache entry. Undefined if it is no answer. An entry in memory is parsed once. */
export function readAnswer(entry: Entry): StoredAnswer | undefined {
  let answer = read.get(entry.value);
  if (answer === undefined) {
    answer = parseEntry(entry);
    if (answer !== undefined) read.set(entry.value, answer);
  }
  return answer;
}

function parseEntry({ value, tags, storedAt, freshUntil }: Entry): StoredAnswer | undefined {
  const end = value.indexOf(newline);
  try {
    const { policy, etag, lengths, staleUntil, spareUntil } = JSON.parse(
      value.toString('utf8', 0, end),
    ) as Head;
    let start = end + 1;
    const [body, br, gz] = lengths.map((length) => value.subarray(start, (start += length)));
    if (start !== value.length) return undefined;
    const packed = { ...(br!.length > 0 && { br: br! }), ...(gz!.length > 0 && { gzip: gz! }) };
    return { policy, body: body!, etag, packed, tags, storedAt, freshUntil, staleUntil, spareUntil };
  } catch {
    return undefined;
  }
}

const newline = 0x0a;
