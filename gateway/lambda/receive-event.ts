import type { GraphQLError } from 'graphql';
import { requestError } from '../errors';
import { encodingOf, noBody, refuseByHeaders, unpackers } from '../http/body';
import type { IncomingRequest } from '../request/incoming-request';
import type { Pipeline } from '../request/pipeline';

/** Unpacks the body of a GET or a POST to the endpoint, and passes the request to the pipeline. */
export async function receiveEvent(
  request: IncomingRequest,
  sent: Buffer,
  { pipeline, bodyLimit }: { readonly pipeline: Pipeline; readonly bodyLimit: number },
): Promise<void> {
  const { method, headers } = request.head;
  if (method !== 'POST') {
    pipeline.admit(request, noBody);
    return;
  }
  const refusal = refuseByHeaders({ headers }, bodyLimit);
  const body = refusal ?? (await unpack(sent, encodingOf(headers), bodyLimit));
  if (Buffer.isBuffer(body)) pipeline.admit(request, body);
  else pipeline.refuse(request, body);
}

/** Stops as soon as the limit is exceeded. */
async function unpack(sent: Buffer, encoding: string, limit: number): Promise<Buffer | GraphQLError> {
  if (encoding === 'identity' || sent.length === 0) return sent;
  const unpacker = unpackers.get(encoding)!();
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    unpacker.end(sent);
    for await (const piece of unpacker as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > limit) return requestError('PAYLOAD_TOO_LARGE', { limit });
      pieces.push(piece);
    }
  } catch {
    return requestError('BAD_REQUEST', { reason: `The body is not valid ${encoding}.` });
  }
  return Buffer.concat(pieces);
}
