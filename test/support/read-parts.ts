import type { Readable } from 'node:stream';

/** Reads the parts of an answer no faster than it is asked to. Throws where the answer does not come to its end. */
export type ReadParts = (contentType: string, body: Readable) => AsyncGenerator<string, undefined>;

/** Reads `multipart/mixed`: of each part the body. */
export const readMultipart: ReadParts = async function* (contentType, body) {
  const boundary = /^multipart\/mixed; boundary=(\w+)(;|$)/.exec(contentType)![1]!;
  let isFirst = true;
  const rest = yield* split(body, `\r\n--${boundary}`, function* (text) {
    const [head, ...lines] = text.split('\r\n\r\n');
    if (isFirst) expect(text).toBe('');
    else {
      expect(head).toBe('\r\ncontent-type: application/json; charset=utf-8');
      yield lines.join('\r\n\r\n');
    }
    isFirst = false;
  });
  expect(rest).toBe('--\r\n');
  return undefined;
};

/** Reads Apollo's multipart subscriptions: of each part what it carries, without heartbeats. */
export const readSubscription: ReadParts = async function* (contentType, body) {
  for await (const text of readMultipart(contentType, body)) {
    const part = JSON.parse(text) as Record<string, unknown>;
    if ('payload' in part)
      yield JSON.stringify(part['payload'] === null ? { errors: part['errors'] } : part['payload']);
    else expect(part).toEqual({});
  }
  return undefined;
};

/** Reads server-sent events: of each `next` the data. */
export const readEventStream: ReadParts = async function* (contentType, body) {
  expect(contentType).toBe('text/event-stream; charset=utf-8');
  let isComplete = false;
  const rest = yield* split(body, '\n\n', function* (text) {
    if (text.startsWith(':')) return;
    expect(isComplete).toBe(false);
    if (text === 'event: complete\ndata:') isComplete = true;
    else {
      const lines = text.split('\n');
      expect([lines[0], lines.at(-1)!.slice(0, 6)]).toEqual(['event: next', 'data: ']);
      yield lines.at(-1)!.slice(6);
    }
  });
  expect([isComplete, rest]).toEqual([true, '']);
  return undefined;
};

/** Returns what is left after the last separator. */
async function* split(
  body: Readable,
  separator: string,
  read: (text: string) => Generator<string, void>,
): AsyncGenerator<string, string> {
  let got = Buffer.alloc(0);
  for await (const piece of body as AsyncIterable<Buffer>) {
    got = Buffer.concat([got, piece]);
    for (let end = got.indexOf(separator); end !== -1; end = got.indexOf(separator)) {
      yield* read(got.subarray(0, end).toString());
      got = got.subarray(end + separator.length);
    }
  }
  return got.toString();
}
