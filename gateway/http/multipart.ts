import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import Negotiator from 'negotiator';
import type { Part } from '../request/sink';
import type { Source } from '../subgraph-calls/source';

/** An answer in parts (RFC 2046, section 5.1.3). */
export const multipartType = 'multipart/mixed; boundary=graphql';

/** Whether a client names it: one that takes anything expects an answer that is whole. */
export function takesMultipart(accept = ''): boolean {
  return new Negotiator({ headers: { accept: accept.toLowerCase() } })
    .mediaTypes()
    .includes('multipart/mixed');
}

type Response = ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>;

/** Sends the body of an answer in parts, each when the client has taken most of those before it. */
export async function sendMultipart(response: Response, parts: Source<Part>): Promise<void> {
  response.write(delimiter);
  try {
    for (let part = await parts.next(); part !== undefined; part = await parts.next()) {
      // With the delimiter of the next one: a client that waits for it has the part at once.
      if (!response.write(Buffer.concat([partHead, part.body, partEnd]))) await room(response);
    }
    response.end('--\r\n');
  } catch {
    if (response.stream === undefined) response.destroy();
    else response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

const delimiter = '--graphql';
const partHead = Buffer.from('\r\ncontent-type: application/json; charset=utf-8\r\n\r\n');
const partEnd = Buffer.from(`\r\n${delimiter}`);

/** Resolves when there is room for more, or the client has left. */
function room(response: Response): Promise<void> {
  return new Promise((resolve) => {
    const goOn = (): void => {
      response.off('drain', goOn).off('close', goOn);
      resolve();
    };
    response.on('drain', goOn).on('close', goOn);
  });
}
