import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { ownedBytes } from '../stores/owned-bytes';
import type { StoredAnswer } from './stored-answer';

/** The better encoding first. */
export const encodings = ['br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

export interface SentBody {
  /** Undefined for the body as it is. */
  readonly encoding: Encoding | undefined;
  readonly bytes: Buffer;
}

/**
 * Compressed bodies of cached public answers, in the memory of this process. A body is compressed when a client that accepts
 * it first asks, and is sent compressed from the next time on. Most answers are sent too rarely to be compressed earlier.
 */
export class PackedBodies {
  readonly #packed = new LRUCache<string, Buffer>({ maxSize: mostBytes, sizeCalculation: sizeOf });
  /** What is being compressed. */
  readonly #pending = new Set<string>();
  readonly #accepted = new LRUCache<string, readonly Encoding[]>({ max: 100 });

  /** @param accept the client's `Accept-Encoding` */
  bodyFor(
    accept: string | undefined,
    { body, etag, policy }: Pick<StoredAnswer, 'body' | 'etag' | 'policy'>,
  ): SentBody {
    // A private answer is not requested often enough, and a short body fits in one packet anyway.
    if (accept === undefined || accept === '' || policy.scope === 'private' || body.length < leastPacked)
      return { encoding: undefined, bytes: body };
    let isMissing = false;
    for (const encoding of this.#encodingsOf(accept)) {
      const key = `${encoding} ${etag}`;
      const bytes = this.#packed.get(key);
      if (bytes === undefined) {
        // Only the best one is made: then the client needs no other.
        if (!isMissing) this.#pack(key, encoding, body);
        isMissing = true;
      } else if (bytes !== asItIs) return { encoding, bytes };
    }
    return { encoding: undefined, bytes: body };
  }

  #encodingsOf(accept: string): readonly Encoding[] {
    let accepted = this.#accepted.get(accept);
    if (accepted === undefined) this.#accepted.set(accept, (accepted = acceptedEncodings(accept)));
    return accepted;
  }

  #pack(key: string, encoding: Encoding, body: Buffer): void {
    if (this.#pending.size >= mostPending || this.#pending.has(key)) return;
    this.#pending.add(key);
    void pack[encoding](body)
      .then(
        // Zlib's result is a view into 16 KiB.
        (bytes) => this.#packed.set(key, isWorthKeeping(bytes, body) ? ownedBytes(bytes) : asItIs),
        // Without memory for it. It is tried again for the next client.
        () => undefined,
      )
      .finally(() => this.#pending.delete(key));
  }
}

/** Compresses as well as gzip at its best level, and faster. */
export const pack: Readonly<Record<Encoding, (body: Buffer) => Promise<Buffer>>> = {
  br: (body) => toBrotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (body) => toGzip(body),
};

const toBrotli = promisify(brotliCompress);
const toGzip = promisify<Buffer, Buffer>(gzip);
/** Stands for a body that an encoding makes no smaller, or not small enough to be kept. */
const asItIs = Buffer.alloc(0);
const leastPacked = 1_024;
/** 32 MiB. */
const mostBytes = 32 * 1024 * 1024;
/** The key and what the map needs for both, too: 331 bytes measured by the heap. */
const sizeOf = ({ length }: Buffer): number => length + 350;
const isWorthKeeping = (bytes: Buffer, body: Buffer): boolean =>
  bytes.length < body.length && sizeOf(bytes) <= mostBytes;
/** Node compresses four at a time; others are sent as they are meanwhile. */
const mostPending = 16;

/** The encodings that a client prefers to the body as it is, the best first. @param accept its `Accept-Encoding` */
export function acceptedEncodings(accept: string): readonly Encoding[] {
  const chosen = new Negotiator({ headers: { 'accept-encoding': accept } }).encodings([
    ...encodings,
    'identity',
  ]);
  const end = chosen.indexOf('identity');
  // Encodings that the client prefers less than the uncompressed body are not used.
  const wanted = end === -1 ? chosen : chosen.slice(0, end);
  return encodings.filter((encoding) => wanted.includes(encoding));
}
