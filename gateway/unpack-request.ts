import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { preParsingHookHandler } from 'fastify';
import { requestError } from './errors';

/**
 * Unpacks the body of a request piece by piece, so that the limit of its size, which counts what comes out, ends it
 * before more has been unpacked.
 */
export const unpackRequest: preParsingHookHandler = (request, reply, payload, done) => {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') {
    done(null, payload);
    return;
  }
  const createUnpacker = unpackers.get(encoding);
  if (createUnpacker === undefined) {
    done(requestError('UNSUPPORTED_MEDIA_TYPE', { got: `${encoding}-encoded` }));
    return;
  }
  const unpacked = Object.assign(createUnpacker(), { receivedEncodedLength: 0 });
  payload.on('data', (piece: Buffer) => (unpacked.receivedEncodedLength += piece.length));
  unpacked.on('error', (error) => {
    error.message = `The body is not valid ${encoding}.`;
  });
  reply.raw.once('close', () => unpacked.destroy());
  done(null, payload.pipe(unpacked));
};

const unpackers = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);
