import type { LambdaHead } from '../../gateway/lambda/lambda-answer';

/** What hands a request to a function as an event. */
export type EventSender =
  | 'http api'
  | 'function url'
  | 'rest api'
  | 'load balancer'
  | 'load balancer with lists';

export const eventSenders: readonly EventSender[] = [
  'http api',
  'function url',
  'rest api',
  'load balancer',
  'load balancer with lists',
];

/** A request as its client sends it. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  /** Without the question mark. @default '' */
  readonly query?: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Buffer | undefined;
  /** @default 192.0.2.1 */
  readonly address?: string;
  /** @default '$default' for an HTTP API and a function URL, 'prod' for a REST API */
  readonly stage?: string;
}

/** An event as AWS documents it for each sender. */
export function lambdaEvent(sender: EventSender, sent: SentRequest): Record<string, unknown> {
  const { method, path, query = '', body, address = '192.0.2.1' } = sent;
  const encoded = {
    body: body === undefined || body.length === 0 ? null : body.toString('base64'),
    isBase64Encoded: body !== undefined && body.length > 0,
  };
  const forwarded = sent.headers.filter(([name]) => name.toLowerCase() === 'x-forwarded-for');
  const headers: (readonly [string, string])[] = [
    ...sent.headers.filter(([name]) => name.toLowerCase() !== 'x-forwarded-for'),
    ['x-forwarded-for', [...forwarded.map(([, value]) => value), address].join(', ')],
  ];
  if (sender === 'http api' || sender === 'function url') {
    const cookies = headers.filter(([name]) => name.toLowerCase() === 'cookie');
    const others = headers.filter(([name]) => name.toLowerCase() !== 'cookie');
    const { body: text, ...how } = encoded;
    const stage = sent.stage ?? '$default';
    const rawPath = stage === '$default' ? path : `/${stage}${path}`;
    return {
      version: '2.0',
      routeKey: '$default',
      rawPath,
      rawQueryString: query,
      ...(cookies.length > 0 && { cookies: cookies.flatMap(([, value]) => value.split('; ')) }),
      headers: joined(others),
      requestContext: {
        accountId: '123456789012',
        apiId: 'a1b2c3',
        domainName:
          sender === 'http api'
            ? 'a1b2c3.execute-api.eu-west-1.amazonaws.com'
            : 'a1b2c3.lambda-url.eu-west-1.on.aws',
        http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: address, userAgent: 'test' },
        requestId: 'JKJaXmPLvHcESHA=',
        routeKey: '$default',
        stage,
        timeEpoch: 1795600800000,
      },
      ...(text !== null && { body: text }),
      ...how,
    };
  }
  const isRest = sender === 'rest api';
  // API Gateway decodes names and values; load balancers hand them on as they were sent.
  const pairs = isRest
    ? [...new URLSearchParams(query)]
    : query.split('&').flatMap((pair): [string, string][] => {
        const [name, ...value] = pair.split('=');
        return pair === '' ? [] : [[name!, value.join('=')]];
      });
  const lists = sender !== 'load balancer';
  return {
    httpMethod: method,
    path,
    ...(isRest || !lists ? { headers: lastOf(headers), queryStringParameters: lastOf(pairs) } : {}),
    ...(lists ? { multiValueHeaders: listed(headers), multiValueQueryStringParameters: listed(pairs) } : {}),
    requestContext: isRest
      ? {
          resourcePath: '/{proxy+}',
          path: `/${sent.stage ?? 'prod'}${path}`,
          stage: sent.stage ?? 'prod',
          identity: { sourceIp: address, userAgent: 'test' },
          requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
        }
      : { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/b' } },
    ...encoded,
    body: encoded.body ?? (isRest ? null : ''),
  };
}

/** The headers of an answer, whatever its form is. */
export function headersIn({
  headers = {},
  multiValueHeaders = {},
  cookies = [],
}: LambdaHead): [string, string][] {
  return [
    ...Object.entries(headers),
    ...Object.entries(multiValueHeaders).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    ),
    ...cookies.map((value): [string, string] => ['set-cookie', value]),
  ];
}

type Pairs = readonly (readonly [string, string])[];

function joined(pairs: Pairs): Record<string, string> {
  const lists = listed(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  return Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.join(',')]));
}

const lastOf = (pairs: Pairs): Record<string, string> => Object.fromEntries(pairs);

function listed(pairs: Pairs): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const [name, value] of pairs) (lists[name] ??= []).push(value);
  return lists;
}
