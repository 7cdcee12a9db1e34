import { lambdaAnswer, lengthOf } from '../../../../gateway/lambda/lambda-answer';

const headers = [
  ...['content-type', 'application/json', 'content-length', '7', 'vary', 'Origin', 'Vary', 'Accept'],
  ...['set-cookie', 'a=1', 'set-cookie', 'b=2'],
];
const body = Buffer.from('{"ä":1}');

it('has headers with single values, and cookies, in payload 2.0', () => {
  expect(lambdaAnswer(200, headers, body, { form: '2.0', hasLists: false })).toEqual({
    statusCode: 200,
    headers: { 'content-type': 'application/json', vary: 'Origin, Accept' },
    cookies: ['a=1', 'b=2'],
    body: '{"ä":1}',
    isBase64Encoded: false,
  });
});

it('has lists of headers where the event has them', () => {
  expect(lambdaAnswer(200, headers, body, { form: '1.0', hasLists: true })).toEqual({
    statusCode: 200,
    multiValueHeaders: {
      'content-type': ['application/json'],
      vary: ['Origin', 'Accept'],
      'set-cookie': ['a=1', 'b=2'],
    },
    body: '{"ä":1}',
    isBase64Encoded: false,
  });
});

it('has a description of the status for a load balancer', () => {
  const form = { form: 'load balancer', hasLists: true } as const;
  expect(lambdaAnswer(503, [], body, form)).toMatchObject({ statusDescription: '503 Service Unavailable' });
  expect(lambdaAnswer(499, [], body, form)).toMatchObject({ statusDescription: '499' });
});

it('has a packed body in base64', () => {
  const packed = Buffer.from([0x1f, 0x8b, 0xff]);
  const answer = lambdaAnswer(200, ['content-encoding', 'gzip'], packed, { form: '2.0', hasLists: false });
  expect(answer).toMatchObject({ isBase64Encoded: true, body: packed.toString('base64') });
});

it('is as long as its JSON', () => {
  const answer = lambdaAnswer(200, [], Buffer.from('"ä"'), { form: '1.0', hasLists: false });
  expect(lengthOf(answer)).toBe(Buffer.byteLength(JSON.stringify(answer)));
});
