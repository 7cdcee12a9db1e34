import type { preParsingHookHandler } from 'fastify';
import { requestError } from '../../errors';
import { encodingOf, unpackers } from '../../http/body';

/**
 * Decompresses the body of an admin request piece by piece, so that the size limit, which counts decompressed bytes,
 * stops it early.
 */
export const unpackRequest: preParsingHookHandler = ({ headers }, reply, payload, done) => {
  const encoding = encodingOf(headers);
  const createUnpacker = unpackers.get(encoding);
  if (encoding === 'identity') done(null, payload);
  else if (createUnpacker === undefined)
    done(requestError('UNSUPPORTED_MEDIA_TYPE', { got: `${encoding}-encoded` }));
  else {
    const unpacked = Object.assign(createUnpacker(), { receivedEncodedLength: 0 });
    payload.on('data', (piece: Buffer) => (unpacked.receivedEncodedLength += piece.length));
    unpacked.on('error', (error) => {
      error.message = `The body is not valid ${encoding}.`;
    });
    reply.raw.once('close', () => unpacked.destroy());
    done(null, payload.pipe(unpacked));
  }
};
