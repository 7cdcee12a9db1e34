import type { IncomingHttpHeaders } from 'node:http';
import { askAuthoriser, type AuthoriserEvent } from '../../../../../gateway/auth/modes/authoriser';
import { parseOptions } from '../../../../../gateway/options';
import { type RunningServer, serveHttp1 } from '../../../../support/subgraph-servers';

const event: AuthoriserEvent = {
  authorizationToken: 'opaque',
  requestContext: {
    ...{ apiId: 'weir', accountId: '0', requestId: 'r1' },
    ...{ queryString: '{ a }', operationName: null, variables: { text: 'é' } },
  },
  requestHeaders: { host: 'shop.example' },
};

interface Call {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
let server: RunningServer;
const calls: Call[] = [];
/** Status, headers and body; undefined: there is no answer. */
let answer: { status?: number; headers?: Record<string, string>; body: string } | undefined;
/** Calls that were given up. */
let givenUp = 0;
const before = { ...process.env };
beforeAll(async () => {
  server = await serveHttp1(({ method, url, headers }, response, body) => {
    calls.push({ method, url, headers, body: body.toString() });
    response.on('close', () => (givenUp += response.writableFinished ? 0 : 1));
    if (answer === undefined) return;
    const { status = 200, headers: own = {}, body: text } = answer;
    (response as { writeHead(status: number, headers: object): void }).writeHead(status, own);
    response.end(text);
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_LAMBDA: new URL(server.url).origin,
    AWS_ACCESS_KEY_ID: 'AKID',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-central-1',
  });
});
afterAll(async () => {
  process.env = before;
  await server.stop();
});
beforeEach(() => {
  calls.length = givenUp = 0;
  answer = { body: '{"isAuthorized":true}' };
});

const open = (options: object) => askAuthoriser(parseOptions({ auth: { lambda: options } }).auth.lambda!);
const authorised = { isAuthorized: true };

it('calls an endpoint with the event and the headers of the options, as JSON', async () => {
  const ask = open({ url: server.url, headers: { 'x-secret': 's', 'content-type': 'text/plain' } });
  expect(await ask(event)).toEqual(authorised);
  expect(calls).toMatchObject([{ method: 'POST', headers: { 'x-secret': 's' } }]);
  expect(calls[0]!.headers['content-type']).toBe('application/json');
  expect(JSON.parse(calls[0]!.body)).toEqual(event);
});

it('calls a module with the event', async () => {
  const module = jest.fn(() => Promise.resolve(authorised));
  expect(await open({ module })(event)).toEqual(authorised);
  expect(module.mock.calls).toEqual([[event]]);
});

describe('a function of AWS Lambda', () => {
  it.each([
    ['eu-west-1', { region: 'eu-west-1' }],
    ['eu-central-1', {}],
  ])('is called in %s with the event', async (region, options) => {
    const ask = open({ function: 'authorise', ...options });
    expect([await ask(event), await ask(event)]).toEqual([authorised, authorised]);
    expect(calls).toHaveLength(2);
    expect(calls[0]!.url).toContain('/functions/authorise/invocations');
    expect(calls[0]!.headers.authorization).toContain(`/${region}/lambda/aws4_request`);
    expect(JSON.parse(calls[0]!.body)).toEqual(event);
  });

  it('rejects with what it said when it fails', async () => {
    answer = { headers: { 'x-amz-function-error': 'Unhandled' }, body: '{"errorMessage":"odd"}' };
    await expect(open({ function: 'authorise' })(event)).rejects.toThrow(
      'The function failed (Unhandled): {"errorMessage":"odd"}',
    );
  });

  it('rejects when it answers nothing', async () => {
    answer = { body: '' };
    await expect(open({ function: 'authorise' })(event)).rejects.toThrow(SyntaxError);
  });

  it('is tried twice when AWS fails', async () => {
    answer = { status: 500, body: '{}' };
    await expect(open({ function: 'authorise' })(event)).rejects.toThrow();
    expect(calls).toHaveLength(2);
  });
});

it.each([
  ['an endpoint', () => ({ url: server.url })],
  ['a function', () => ({ function: 'authorise' })],
])('does not wait for %s beyond its time, and gives the call up', async (_, options) => {
  answer = undefined;
  await expect(open({ ...options(), timeout: '1s' })(event)).rejects.toThrow();
  while (givenUp < calls.length) await new Promise(setImmediate);
  expect(calls.length).toBeGreaterThan(0);
});

it('does not wait for a module beyond its time', async () => {
  const module = () => new Promise(() => undefined);
  await expect(open({ module, timeout: '20ms' })(event)).rejects.toThrow('No answer within 20 ms.');
});
