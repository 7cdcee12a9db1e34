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
  const { find, put } = textsIn(store, (hash) => ({ partition: `${graph}/texts/${hash}`, prefix: '' }));
  return {
    put,
    async get(hash) {
      const text = await find(hash);
      if (text !== undefined) return text;
      throw new StoreError(`The registry is damaged: the text ${hash} of ${graph} is missing or changed.`);
    },
  };
}

/**
 * The texts of a preview. Those that it does not share with its graph are in a partition of their own, as they are
 * deleted with it. A preview that is published again after it was deleted begins at another time, so whoever still
 * deletes the earlier one takes nothing from it.
 *
 * @param since when the preview began, ISO 8601
 */
export function createTextsOfPreview(
  store: RegistryStore,
  name: string,
  since: string,
  ofGraph: Texts,
): Texts {
  const { find, put } = textsIn(store, (hash) => ({
    partition: partitionOfPreview(name),
    prefix: `${Date.parse(since)}-${hash}-`,
  }));
  return { put, get: async (hash) => (await find(hash)) ?? ofGraph.get(hash) };
}

export const partitionOfPreview = (name: string): string => `${name}/texts`;

function textsIn(
  store: RegistryStore,
  positionOf: (hash: TextHash) => { readonly partition: string; readonly prefix: string },
) {
  const known = new LRUCache<TextHash, string>({ maxSize: mostKnownBytes });
  const remember = (hash: TextHash, text: string) =>
    known.set(hash, text, { size: text.length + hash.length });

  return {
    put: async (text: string): Promise<TextHash> => {
      const hash = hashOf(text);
      if (known.has(hash)) return hash;
      const { partition, prefix } = positionOf(hash);
      const sortOf = (index: number) => `${prefix}${String(index).padStart(4, '0')}`;
      // The first piece is written last, so its presence proves that all pieces are stored.
      if ((await store.get({ partition, sort: sortOf(0) })) === undefined) {
        const pieces = cut(Buffer.from(text));
        for (const [index, piece] of [...pieces.entries()].reverse())
          await store.put({ partition, sort: sortOf(index) }, await promisify(gzip)(piece));
      }
      remember(hash, text);
      return hash;
    },
    /** Undefined if it is missing or damaged. */
    find: async (hash: TextHash): Promise<string | undefined> => {
      const found = known.get(hash);
      if (found !== undefined) return found;
      const { partition, prefix } = positionOf(hash);
      const items = await store.list(partition, { prefix });
      const pieces = await Promise.all(
        items.map(({ value }) => promisify(gunzip)(value).catch(() => Buffer.alloc(0))),
      );
      const text = Buffer.concat(pieces).toString('utf8');
      if (hashOf(text) !== hash) return undefined;
      remember(hash, text);
      return text;
    },
  };
}

/** 64 MiB. */
const mostKnownBytes = 64 * 1024 * 1024;
const pieceBytes = 256 * 1024;

export const hashOf = (text: string): TextHash => createHash('sha256').update(text).digest('hex');

function cut(bytes: Buffer): Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / pieceBytes));
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}
