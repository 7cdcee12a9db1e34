import { lambdaHandler, openEmbeddedDynamoDB, type EmbeddedDynamoDB } from '../../kit';
import { handler as libraryHandler, library } from '../support/library-subgraph';
import { startOtlpReceiver } from '../support/otlp-receiver';

let embedded: EmbeddedDynamoDB;
interface LambdaAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded: boolean;
}
const handler = libraryHandler as (event: unknown, context: unknown) => Promise<LambdaAnswer>;
const before = { ...process.env };
beforeAll(async () => {
  embedded = await openEmbeddedDynamoDB();
  process.env['DYNAMODB_ENDPOINT'] = embedded.endpoint;
  process.env['LOG_LEVEL'] = 'silent';
});
afterAll(async () => {
  process.env = before;
  await embedded.stop();
});

/** As AWS documents them: the payload format 2.0 of HTTP APIs and of function URLs. */
function event(url: 'api gateway' | 'function url', body: string | undefined, changes: object = {}) {
  const domain =
    url === 'api gateway'
      ? 'a1b2c3.execute-api.eu-west-1.amazonaws.com'
      : 'a1b2c3.lambda-url.eu-west-1.on.aws';
  return {
    version: '2.0',
    routeKey: url === 'api gateway' ? 'ANY /{proxy+}' : '$default',
    rawPath: '/graphql',
    rawQueryString: '',
    headers: {
      'content-type': 'application/json',
      'x-request-id': 'r1',
      host: domain,
      'x-forwarded-proto': 'https',
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'a1b2c3',
      domainName: domain,
      domainPrefix: 'a1b2c3',
      http: {
        method: 'POST',
        path: '/graphql',
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.1',
        userAgent: 'test',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '25/Nov/2026:10:00:00 +0000',
      timeEpoch: 1795600800000,
    },
    body,
    isBase64Encoded: false,
    ...changes,
  };
}
const query = JSON.stringify({ query: '{ book(id: "b1") { title } }' });
const context = { awsRequestId: 'x', callbackWaitsForEmptyEventLoop: true };

describe('a subgraph on Lambda', () => {
  it.each(['api gateway', 'function url'] as const)('answers events of an %s', async (url) => {
    const { statusCode, headers, body, isBase64Encoded } = await handler(event(url, query), context);
    expect({ statusCode, isBase64Encoded }).toEqual({ statusCode: 200, isBase64Encoded: false });
    expect(JSON.parse(body)).toEqual({ data: { book: { title: 'Book 1' } } });
    expect(headers).toMatchObject({ 'x-request-id': 'r1', 'cache-control': 'no-store' });
  });

  it('has exported the spans of a request when it answers', async () => {
    const collector = await startOtlpReceiver();
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = new URL('/', collector.url).href;
    const traced = lambdaHandler(library) as typeof handler;
    expect(await traced(event('function url', query), context)).toMatchObject({ statusCode: 200 });
    expect(collector.spans.map(({ service, name }) => `${String(service)} ${name}`)).toContain(
      'library POST /graphql',
    );
    delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    await collector.close();
  });

  it('takes a body in base64', async () => {
    const encoded = Buffer.from(query).toString('base64');
    const { body } = await handler(event('function url', encoded, { isBase64Encoded: true }), context);
    expect(JSON.parse(body).data.book.title).toBe('Book 1');
  });

  it('runs every check that it runs elsewhere', async () => {
    expect(await handler(event('function url', '{'), context)).toMatchObject({ statusCode: 400 });
    const large = JSON.stringify({ query: 'x'.repeat(5_000_000) });
    const refused = await handler(event('api gateway', large), context);
    expect(refused.statusCode).toBe(413);
    expect(JSON.parse(refused.body).errors[0].extensions.code).toBe('PAYLOAD_TOO_LARGE');
  });

  it('opens with its first event, and tries again with the next when that fails', async () => {
    const own = lambdaHandler(library) as typeof handler;
    process.env['DYNAMODB_ENDPOINT'] = 'http://127.0.0.1:9';
    const failed = own(event('function url', query), context);
    await expect(failed).rejects.toThrow();
    process.env['DYNAMODB_ENDPOINT'] = embedded.endpoint;
    const [first, second] = await Promise.all([
      own(event('function url', query), context),
      own(event('function url', query), context),
    ]);
    expect([first.statusCode, second.statusCode]).toEqual([200, 200]);
  });

  it('says that it is ready', async () => {
    const health = event('api gateway', undefined, { rawPath: '/health/ready' });
    health.requestContext.http = { ...health.requestContext.http, method: 'GET', path: '/health/ready' };
    const { statusCode, body } = await handler(health, context);
    expect({ statusCode, body: JSON.parse(body) }).toEqual({ statusCode: 200, body: { status: 'ready' } });
  });
});
