/** Multipart answers, of gateway/http/parts-types.ts. */
import {
  multipart,
  multipart20220824,
  multipartSubscription,
  multipartV02,
} from '../../../../gateway/http/parts-types';

const body = Buffer.from('{"data":{"a":1}}');
const failure = Buffer.from('{"errors":[{"message":"It breaks."}]}');
const part = (json: string): string =>
  `\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${json}\r\n--graphql`;

it.each([
  [multipart, ''],
  [multipart20220824, '; deferSpec=20220824'],
  [multipartV02, '; incrementalSpec=v0.2'],
])('sends each response as it is: %#', (framing, parameter) => {
  expect(framing.mediaType).toBe(`multipart/mixed; boundary=graphql${parameter}`);
  expect(framing.frame({ body, cursor: 'x1' }).toString()).toBe(part('{"data":{"a":1}}'));
  expect(framing.frame({ body: failure, ending: 'failed' }).toString()).toBe(part(failure.toString()));
  expect(framing.heartbeat).toBeUndefined();
});

it("sends events as Apollo's protocol has them", () => {
  expect(multipartSubscription.mediaType).toBe('multipart/mixed; boundary=graphql; subscriptionSpec=1.0');
  expect(multipartSubscription.frame({ body }).toString()).toBe(part('{"payload":{"data":{"a":1}}}'));
  for (const ending of ['failed', 'shutdown'] as const)
    expect(multipartSubscription.frame({ body: failure, ending }).toString()).toBe(
      part('{"payload":null,"errors":[{"message":"It breaks."}]}'),
    );
  expect(multipartSubscription.heartbeat?.toString()).toBe(part('{}'));
});

it("completes for Apollo's clients without an error when its time is over", () => {
  const last = multipartSubscription.end('timeout').toString();
  expect(last).toBe(`${part('{"payload":null}')}--\r\n`);
  expect(multipart.end('timeout').toString()).toBe('--\r\n');
});

it('begins and ends a body that has no part', () => {
  const whole = Buffer.concat([multipart.opening, multipart.end(undefined)]).toString();
  expect(whole).toBe('\r\n--graphql--\r\n');
});

it('sends JSON in which line breaks stand without a line that looks like the end', () => {
  const written = multipart.frame({ body: Buffer.from('{"a":\r\n1}') }).toString();
  expect(written).toBe(part('{"a":  1}'));
});
