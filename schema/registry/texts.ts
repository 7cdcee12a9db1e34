import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { type RegistryStore, StoreError } from '../store/store';

/** The SHA-256 of a text, in hex. It identifies the text in the registry. */
export type TextHash = string;

/** Schemas and supergraphs of a graph. Each is stored once under its hash, however often it is published. */
export interface Texts {
  /** Resolves when the text is stored. */
  put(text: string): Promise<TextHash>;
  get(hash: TextHash): Promise<string>;
}

/**
 * Texts are split into pieces and compressed, as an item of DynamoDB holds 400 KB and a supergraph may be larger. The
 * text is split before compression, so that a process with another version of zlib writes compatible pieces.
 */
export function createTexts(store: RegistryStore, graph: string): Texts {
  const known = new LRUCache<TextHash, string>({ maxSize: mostKnownBytes });
  const remember = (hash: TextHash, text: string) =>
    known.set(hash, text, { size: text.length + hash.length });
  const partitionOf = (hash: TextHash) => `${graph}/texts/${hash}`;

  return {
    async put(text) {
      const hash = hashOf(text);
      if (known.has(hash)) return hash;
      const partition = partitionOf(hash);
      // The first piece is written last, so its presence proves that all pieces are stored.
      if ((await store.get({ partition, sort: sortOf(0) })) === undefined) {
        const pieces = cut(Buffer.from(text));
        for (const [index, piece] of [...pieces.entries()].reverse())
          await store.put({ partition, sort: sortOf(index) }, await promisify(gzip)(piece));
      }
      remember(hash, text);
      return hash;
    },
    async get(hash) {
      const found = known.get(hash);
      if (found !== undefined) return found;
      const items = await store.list(partitionOf(hash));
      const pieces = await Promise.all(
        items.map(({ value }) => promisify(gunzip)(value).catch(() => Buffer.alloc(0))),
      );
      const text = Buffer.concat(pieces).toString('utf8');
      if (hashOf(text) !== hash) {
        throw new StoreError(`The registry is damaged: the text ${hash} of ${graph} is missing or changed.`);
      }
      remember(hash, text);
      return text;
    },
  };
}

/** 64 MiB. */
const mostKnownBytes = 64 * 1024 * 1024;
const pieceBytes = 256 * 1024;

export const hashOf = (text: string): TextHash => createHash('sha256').update(text).digest('hex');

const sortOf = (index: number): string => String(index).padStart(4, '0');

function cut(bytes: Buffer): Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / pieceBytes));
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}
