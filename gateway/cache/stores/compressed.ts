import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, inflateRaw } from 'node:zlib';
import type { Clock, CacheEntry, CacheHit, Look, Store } from './store';

/** Compresses values above `threshold` bytes. Each has a checksum: a damaged value is a miss. */
export class CompressedStore implements Store {
  readonly #store: Store;
  readonly #threshold: number;

  constructor(store: Store, threshold: number) {
    this.#store = store;
    this.#threshold = threshold;
  }

  async get(keys: readonly string[]): Promise<Look> {
    const { entries, clock } = await this.#store.get(keys);
    return { entries: await Promise.all(entries.map(unpack)), clock };
  }

  async set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    const packed = [...entries].map(
      async ([key, entry]) => [key, { ...entry, value: await this.#pack(entry.value) }] as const,
    );
    await this.#store.set(new Map(await Promise.all(packed)), clock);
  }

  invalidate(tags: readonly string[]): Promise<void> {
    return this.#store.invalidate(tags);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #pack(value: Buffer): Promise<Buffer> {
    if (value.length > this.#threshold) {
      const compressed = await deflate(value, { level: constants.Z_BEST_SPEED });
      if (compressed.length < 0.9 * value.length) return envelop(deflated, compressed);
    }
    return envelop(plain, value);
  }
}

const deflate = promisify<Buffer, { level: number }, Buffer>(deflateRaw);
const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw);

/** The first byte of a stored value. The checksum and the value follow. */
const plain = 0;
const deflated = 1;
const headerLength = 5;

/** More bytes than any answer of a subgraph has. */
const maxOutputLength = 2 ** 28;

function envelop(kind: number, content: Buffer): Buffer {
  const packed = Buffer.allocUnsafe(headerLength + content.length);
  packed[0] = kind;
  packed.writeUInt32LE(crc32(content), 1);
  content.copy(packed, headerLength);
  return packed;
}

async function unpack(found: CacheHit | undefined): Promise<CacheHit | undefined> {
  if (found === undefined || found.value.length < headerLength) return undefined;
  const content = found.value.subarray(headerLength);
  if (crc32(content) !== found.value.readUInt32LE(1)) return undefined;
  switch (found.value[0]) {
    case plain:
      return { ...found, value: content };
    case deflated: {
      const value = await inflate(content, { maxOutputLength }).catch(() => undefined);
      return value && { ...found, value };
    }
    default:
      return undefined;
  }
}
