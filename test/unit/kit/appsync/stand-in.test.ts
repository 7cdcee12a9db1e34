/** What a caller of the stand-in for AppSync is told. Through a gateway: test/integration/appsync-subgraph.test.ts. */
import { connect } from 'node:net';
import { once } from 'node:events';
import {
  ResolverError,
  startAppSyncStandIn,
  type AppSyncApi,
  type AppSyncCall,
  type AppSyncStandIn,
} from '../../../../kit/appsync/stand-in';
import { StartError } from '../../../../kit/serve/start-error';

const schema = `
schema { query: Query }
type Query {
  add(a: Int!, b: Int = 2): Int @aws_api_key
  at: AWSDateTime
  broken: String
  odd: String
  must: String!
  slow: String
  quick: String
  carriers: String @aws_lambda
}`;
const resolvers = {
  'Query.add': (_: unknown, { a, b }: { a: number; b: number }) => a + b,
  'Query.at': () => '2026-05-05T12:00:00Z',
  'Query.broken': () => {
    throw new ResolverError('There is none.', 'DynamoDB:ResourceNotFoundException');
  },
  'Query.odd': () => {
    throw new Error('It failed.');
  },
  'Query.must': () => null,
  'Query.carriers': () => 'PostNL',
  'Query.slow': () => new Promise((resolve) => setTimeout(() => resolve('late'), 60_000).unref()),
};

const running: AppSyncStandIn[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});
async function start(api: Partial<AppSyncApi> = {}, address = {}) {
  const calls: AppSyncCall[] = [];
  const refusals: string[] = [];
  const standIn = await startAppSyncStandIn(
    {
      schema,
      resolvers,
      modes: [{ type: 'API_KEY', keys: new Set(['k']) }],
      onCall: (call) => calls.push(call),
      onRefusal: (message) => refusals.push(message),
      ...api,
    },
    address,
  );
  running.push(standIn);
  return { ...standIn, calls, refusals };
}
async function send(url: string, body: unknown, init: RequestInit = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'x-api-key': 'k' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
  return { status: response.status, content: await response.json() };
}

describe('a stand-in for AppSync', () => {
  it('answers operations with their variables, and tells of each', async () => {
    const { url, calls, refusals } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/graphql$/);
    const query = 'query ($a: Int!) { add(a: $a) at }';
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-api-key': 'k' },
      body: JSON.stringify({ query, variables: { a: 1 } }),
    });
    expect(response.headers.get('content-type')).toBe('application/json;charset=UTF-8');
    expect([response.status, await response.json()]).toEqual([
      200,
      { data: { add: 3, at: '2026-05-05T12:00:00Z' } },
    ]);
    expect(calls).toMatchObject([{ query, variables: { a: 1 }, headers: { 'x-api-key': 'k' } }]);
    expect(refusals).toEqual([]);
  });

  it('answers a field in the authorisation modes of its directives only', async () => {
    const { url } = await start({
      modes: [
        { type: 'API_KEY', keys: new Set(['k']) },
        { type: 'AWS_LAMBDA', isAuthorized: (token) => token === 'carrier' },
      ],
    });
    const query = '{ carriers }';
    expect(await send(url, { query }, { headers: { authorization: 'carrier' } })).toEqual({
      status: 200,
      content: { data: { carriers: 'PostNL' } },
    });
    expect((await send(url, { query })).content).toMatchObject({
      data: { carriers: null },
      errors: [{ errorType: 'Unauthorized', message: 'Not Authorized to access carriers on type Query' }],
    });
  });

  it('refuses those who may not call, and tells what they were told', async () => {
    const { url, calls, refusals } = await start();
    const message = 'You are not authorized to make this call.';
    expect(await send(url, { query: '{ at }' }, { headers: { 'x-api-key': 'other' } })).toEqual({
      status: 401,
      content: { errors: [{ errorType: 'UnauthorizedException', message }] },
    });
    expect(calls).toEqual([]);
    expect(refusals).toEqual([message]);
  });

  it('says without credentials whether it runs', async () => {
    const { url } = await start();
    const response = await fetch(new URL('/health/ready', url));
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }]);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['no query', { variables: {} }],
    ['a query that is no text', { query: 7 }],
    ['a list of operations', [{ query: '{ at }' }]],
  ])('takes no request with %s', async (_, body) => {
    const { url, calls } = await start();
    expect(await send(url, body)).toEqual({
      status: 400,
      content: {
        errors: [{ errorType: 'MalformedHttpRequestException', message: 'Unable to parse GraphQL query.' }],
      },
    });
    expect(calls).toEqual([]);
  });

  it.each([
    ['{ nope }', 'Validation error: Cannot query field "nope" on type "Query".'],
    ['{', 'Validation error: Syntax Error: Expected Name, found <EOF>.'],
  ])('says of %s what is wrong', async (query, message) => {
    const { url } = await start();
    expect(await send(url, { query })).toEqual({
      status: 200,
      content: { data: null, errors: [{ path: null, locations: null, message }] },
    });
  });

  it('tells errors of resolvers as AppSync does', async () => {
    const { url } = await start();
    const locations = [{ line: 1, column: 3, sourceName: null }];
    const error = { data: null, errorInfo: null, locations };
    expect(await send(url, { query: '{ broken odd at }' })).toEqual({
      status: 200,
      content: {
        data: { broken: null, odd: null, at: '2026-05-05T12:00:00Z' },
        errors: [
          {
            ...error,
            path: ['broken'],
            errorType: 'DynamoDB:ResourceNotFoundException',
            message: 'There is none.',
          },
          {
            ...error,
            path: ['odd'],
            errorType: null,
            message: 'It failed.',
            locations: [{ line: 1, column: 10, sourceName: null }],
          },
        ],
      },
    });
  });

  it('ends what takes too long', async () => {
    const { url } = await start({ cap: 20 });
    expect(await send(url, { query: '{ slow }' })).toEqual({
      status: 200,
      content: {
        data: null,
        errors: [
          {
            errorType: 'ExecutionTimeout',
            message: 'Execution timed out.',
            path: null,
            locations: null,
            errorInfo: null,
            data: null,
          },
        ],
      },
    });
  });

  it('answers what fails in itself', async () => {
    const { url } = await start({
      onCall: () => {
        throw new Error('odd');
      },
    });
    expect(await send(url, { query: '{ at }' })).toEqual({
      status: 500,
      content: { errors: [{ errorType: 'InternalFailure', message: 'It failed.' }] },
    });
  });

  it('listens where it is told to, and says in one sentence when it cannot', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    await expect(start({}, { port })).rejects.toThrow(
      new StartError(`Port ${port} is in use; choose another one with --port.`),
    );
    await expect(start({}, { host: '192.0.2.1', port: 0 })).rejects.toThrow(
      /^It cannot listen at 192\.0\.2\.1:0: /,
    );
  });

  it('ends with its connections, used or not', async () => {
    const { url } = await start();
    await send(url, { query: '{ at }' });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await running.pop()!.stop();
    await closed;
    await expect(fetch(url)).rejects.toThrow();
  });
});
