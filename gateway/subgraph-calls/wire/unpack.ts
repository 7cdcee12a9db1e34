import zlib from 'node:zlib';
import type { TransportFailure } from '../contract/transport';

/**
 * Decompresses a response body by its `content-encoding`.
 *
 * Resolves with the reason if that fails: `too-large` as soon as more than `limit` bytes come out; `encoding` for an
 * unknown encoding, for several encodings (only an attacker sends those), and for a body that does not have its
 * encoding.
 */
export function unpack(body: Buffer, encoding: string, limit: number): Promise<Buffer | TransportFailure> {
  const name = encoding.trim().toLowerCase();
  const decompress = decompressors.get(name);
  return new Promise((resolve) => {
    if (name === '' || name === 'identity') {
      resolve(body);
      return;
    }
    if (decompress === undefined) {
      resolve('encoding');
      return;
    }
    decompress(body, { maxOutputLength: limit }, (error, unpacked) => {
      if (error === null) resolve(unpacked);
      else
        resolve((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'encoding');
    });
  });
}

type Decompress = (
  body: Buffer,
  options: { maxOutputLength: number },
  callback: (error: Error | null, unpacked: Buffer) => void,
) => void;

const decompressors = new Map<string, Decompress>([
  ['gzip', zlib.gunzip],
  ['x-gzip', zlib.gunzip],
  ['br', zlib.brotliDecompress],
]);
// Since Node 22.15.
const { zstdDecompress } = zlib as { zstdDecompress?: Decompress };
if (zstdDecompress !== undefined) decompressors.set('zstd', zstdDecompress);
