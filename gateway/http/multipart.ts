import type { ResponsePart } from '../request/sink';
import { framedOnce, type Framing, withoutLineBreaks } from './framing';

const delimiter = '--graphql';
const partHead = Buffer.from('\r\ncontent-type: application/json; charset=utf-8\r\n\r\n');
const partEnd = Buffer.from(`\r\n${delimiter}`);
const end = Buffer.from('--\r\n');
const payloadStart = Buffer.from('{"payload":');
const payloadEnd = Buffer.from('}');
/** Instead of the brace with which the error begins. */
const failureStart = Buffer.from('{"payload":null,');

/** GraphQL responses as parts of one body (RFC 2046, section 5.1.3). */
export const multipart: Framing = framing('', ({ body }) => body);

/** For clients that name the format of an answer in parts. */
export const multipart20220824: Framing = framing('; deferSpec=20220824', ({ body }) => body);
export const multipartV02: Framing = framing('; incrementalSpec=v0.2', ({ body }) => body);

/**
 * The events of a subscription by Apollo's protocol "Multipart HTTP protocol for GraphQL subscriptions": `payload` has the
 * GraphQL response; beside a `payload` of null, `errors` are the reason why there are no more events. A `payload` of null alone means that
 * nothing has failed.
 */
export const multipartSubscription: Framing = {
  ...framing('; subscriptionSpec=1.0', ({ body, ending }) =>
    ending === undefined
      ? Buffer.concat([payloadStart, body, payloadEnd])
      : Buffer.concat([failureStart, body.subarray(1)]),
  ),
  end: (ending) => (ending === 'timeout' ? completed : end),
  heartbeat: partOf(Buffer.from('{}')),
};
const completed = Buffer.concat([partOf(Buffer.from('{"payload":null}')), end]);

function framing(parameter: string, write: (part: ResponsePart) => Buffer): Framing {
  return {
    mediaType: `multipart/mixed; boundary=graphql${parameter}`,
    // With the line break that belongs to it: some clients find no delimiter without.
    opening: Buffer.from(`\r\n${delimiter}`),
    frame: framedOnce((part) => partOf(write(part))),
    end: () => end,
    heartbeat: undefined,
  };
}

/** With the delimiter of the next one: a client that waits for it has the part at once. */
function partOf(json: Buffer): Buffer {
  return Buffer.concat([partHead, withoutLineBreaks(json), partEnd]);
}
