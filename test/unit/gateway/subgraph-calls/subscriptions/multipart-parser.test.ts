/** The parser of multipart events, of gateway/subgraph-calls/subscriptions/event-formats.ts. */
import { EventTooLarge } from '../../../../../gateway/subgraph-calls/subscriptions/event-stream-parser';
import { MultipartParser } from '../../../../../gateway/subgraph-calls/subscriptions/event-formats';

const part = (json: string): string => `\r\n--graphql\r\ncontent-type: application/json\r\n\r\n${json}`;

/** What is read of these pieces. */
function read(pieces: readonly (string | Buffer)[], boundary = 'graphql'): string[] {
  const found: string[] = [];
  const parser = new MultipartParser(boundary, 1_000, {
    onEvent: (body) => found.push(body.toString()),
    onFailure: (errors) => found.push(`failed: ${errors.toString()}`),
    onComplete: () => found.push('complete'),
  });
  for (const piece of pieces) parser.push(Buffer.from(piece));
  return found;
}

const stream = `${part('{"payload":{"data":{"é":1}}}')}${part('{}')}${part('{"payload":{"data":{"a":2}}}')}\r\n--graphql--\r\n`;
const events = ['{"data":{"é":1}}', '{"data":{"a":2}}', 'complete'];

it('reads the payload of each part, and passes over heartbeats', () => {
  expect(read([stream])).toEqual(events);
});

it('reads the same of single bytes', () => {
  expect(read([...Buffer.from(stream)].map((byte) => Buffer.from([byte])))).toEqual(events);
});

it('reads a part as soon as its delimiter is there', () => {
  expect(read([`${part('{"payload":{"data":1}}')}\r\n--graphql`])).toEqual(['{"data":1}']);
});

it('needs no line break before the first delimiter, and passes over what stands before it', () => {
  expect(read([stream.slice(2)])).toEqual(events);
  expect(read([`a preamble${stream}`])).toEqual(events);
});

it('takes the boundary of the response', () => {
  expect(read([stream.replaceAll('--graphql', '---')], '-')).toEqual(events);
});

it('hands on the errors beside a payload of null', () => {
  const errors = '[{"message":"over"}]';
  expect(read([`${part(`{"payload":null,"errors":${errors}}`)}\r\n--graphql--`])).toEqual([
    `failed: ${errors}`,
    'complete',
  ]);
});

it('takes a payload of null alone for nothing', () => {
  expect(read([`${part('{"payload":null}')}\r\n--graphql--`])).toEqual(['complete']);
});

it('reads nothing after the last delimiter', () => {
  expect(read([stream, stream])).toEqual(events);
});

it.each([
  ['that is no JSON', part('{"payload"')],
  ['without a payload', part('{"data":{}}')],
  ['with no end of its headers', '\r\n--graphql\r\ncontent-type: text/plain'],
])('refuses a part %s', (_, text) => {
  expect(() => read([`${text}\r\n--graphql`])).toThrow(SyntaxError);
});

it('refuses a part that is too large, also before its end has come', () => {
  const large = part(`{"payload":{"data":"${'x'.repeat(3_000)}"}}`);
  expect(() => read([`${large}\r\n--graphql`])).toThrow(EventTooLarge);
  expect(() => read([large])).toThrow(EventTooLarge);
});
