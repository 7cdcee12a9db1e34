import fc from 'fast-check';
import { GraphQLError } from 'graphql';
import { readEvent } from '../../../../gateway/lambda/event';
import { eventSenders, lambdaEvent } from '../../../support/lambda-events';

const paths = { endpoint: '/graphql', basePath: undefined };
const sent = { method: 'POST', path: '/graphql', headers: [['content-type', 'application/json']] } as const;

describe.each(eventSenders)('an event of a %s', (sender) => {
  it('is a request with method, path, query, headers, cookies, body and address', () => {
    const event = lambdaEvent(sender, {
      ...sent,
      query: 'query=%7Bme%7D&extensions=a%26b%3D%2B&empty=',
      headers: [
        ['Content-Type', 'application/json'],
        ['Cookie', 'a=1; b=2'],
        ['X-Forwarded-For', '198.51.100.7'],
      ],
      body: Buffer.from('{"query":"{ me }","ä":1}'),
      address: '192.0.2.9',
    });
    const { head, body, address } = readEvent(event, paths);
    expect([head.method, address]).toEqual(['POST', '192.0.2.9']);
    const url = new URL(head.url, 'http://x');
    expect(url.pathname).toBe('/graphql');
    expect([...url.searchParams]).toEqual([
      ['query', '{me}'],
      ['extensions', 'a&b=+'],
      ['empty', ''],
    ]);
    expect(head.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(body.length),
      cookie: 'a=1; b=2',
      'x-forwarded-for': '198.51.100.7, 192.0.2.9',
    });
    expect(body.toString()).toBe('{"query":"{ me }","ä":1}');
  });

  it('has a body that is text', () => {
    const event = { ...lambdaEvent(sender, sent), body: '{"ä":1}', isBase64Encoded: false };
    expect(readEvent(event, paths).body.toString()).toBe('{"ä":1}');
  });

  it('has no body', () => {
    const { body, head } = readEvent(lambdaEvent(sender, { ...sent, method: 'GET' }), paths);
    expect([body.length, head.url]).toEqual([0, '/graphql']);
  });
});

it('keeps headers that are repeated, where the sender has lists of them', () => {
  const headers = [
    ['x-api-key', 'a'],
    ['x-api-key', 'b'],
    ['accept', 'text/html'],
    ['accept', 'application/json'],
    ['authorization', 'first'],
    ['authorization', 'second'],
  ] as const;
  for (const sender of ['rest api', 'load balancer with lists'] as const) {
    const { head } = readEvent(lambdaEvent(sender, { ...sent, headers }), paths);
    expect(head.rawHeaders.filter((text) => text === 'x-api-key')).toHaveLength(2);
    expect(head.headers).toMatchObject({ accept: 'text/html, application/json', authorization: 'first' });
  }
});

it.each([
  ['the stage of an HTTP API', 'http api', { stage: 'prod' }, {}, '/graphql'],
  [
    'not a path that only begins like the stage',
    'http api',
    { stage: '$default', path: '/prods/graphql' },
    {},
    '/prods/graphql',
  ],
  ['not the endpoint of a stage that is called so', 'rest api', { stage: 'graphql' }, {}, '/graphql'],
  ['the stage alone', 'http api', { stage: 'prod', path: '' }, {}, '/'],
  ['a base path', 'rest api', { path: '/shop/graphql' }, { basePath: '/shop' }, '/graphql'],
  [
    'a base path of a load balancer',
    'load balancer',
    { path: '/shop/graphql' },
    { basePath: '/shop' },
    '/graphql',
  ],
  [
    'not a base path that is not there',
    'load balancer',
    { path: '/health/ready' },
    { basePath: '/shop' },
    '/health/ready',
  ],
] as const)('removes from a path: %s', (_, sender, changes, own, expected) => {
  const { head } = readEvent(lambdaEvent(sender, { ...sent, ...changes }), { ...paths, ...own });
  expect(head.url).toBe(expected);
});

it('has no address in a health check of a load balancer, which has been through no other', () => {
  const event = lambdaEvent('load balancer', { ...sent, method: 'GET', path: '/health/ready' });
  expect(readEvent({ ...event, headers: { 'user-agent': 'ELB-HealthChecker/2.0' } }, paths).address).toBe('');
});

const http2 = lambdaEvent('http api', sent);
const rest = lambdaEvent('rest api', sent);
it.each([
  [null, 'it is not an object'],
  [{ Records: [] }, 'it has neither `version: "2.0"` with `requestContext.http`, nor `httpMethod`'],
  [{ ...http2, rawPath: 1 }, '`rawPath` is missing, or is not text'],
  [{ ...http2, rawPath: 'graphql' }, 'its path does not begin with a slash'],
  [{ ...http2, headers: { 'x-a': 'a\r\nb' } }, '`headers` has something that is no header'],
  [{ ...http2, headers: [] }, '`headers` is not an object'],
  [{ ...http2, cookies: 'a=1' }, '`cookies` is not a list'],
  [{ ...http2, body: {} }, '`body` is missing, or is not text'],
  [{ ...rest, httpMethod: 'POST / HTTP/1.1' }, 'its method is not one of HTTP'],
  [{ ...rest, multiValueHeaders: { a: [1] } }, '`multiValueHeaders` is missing, or is not text'],
  [{ ...rest, requestContext: {} }, '`requestContext.identity.sourceIp` is missing, or is not text'],
])('refuses %j with a sentence', (event, reason) => {
  const refused = (): unknown => readEvent(event, paths);
  expect(refused).toThrow(GraphQLError);
  expect(refused).toThrow(
    `The event is not an HTTP request of API Gateway, a function URL or a load balancer: ${reason}`,
  );
});

it('reads or refuses whatever an event is made of', () => {
  const anything = fc.anything({ withNullPrototype: true });
  fc.assert(
    fc.property(
      fc.constantFrom(...eventSenders),
      fc.dictionary(fc.constantFrom(...Object.keys(http2), ...Object.keys(rest)), anything),
      (sender, changes) => {
        try {
          const { head, address } = readEvent({ ...lambdaEvent(sender, sent), ...changes }, paths);
          expect([typeof head.url, typeof address]).toEqual(['string', 'string']);
        } catch (error) {
          expect((error as GraphQLError).extensions['code']).toBe('BAD_REQUEST');
        }
      },
    ),
    { numRuns: 200 },
  );
});
