/** What surrounds the resolvers of a subgraph. Over 300 lines: one small subgraph serves for all of it. */
import { request as httpRequest } from 'node:http';
import { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { pino } from 'pino';
import { memoryEventSource } from '../../../../kit/subscriptions/memory-event-source';
import { openDatabase, SubgraphError, type Identity, type RequestScope } from '../../../../kit';
import { createApp, type AppOptions } from '../../../../kit/serve/app';
import { openLinkKeys } from '../../../../kit/identity/link-keys';
import { signRequest } from '../../../../kit/identity/private-link';
import { type Subgraph } from '../../../../kit/subgraph';
import { bindWorkflows } from '../../../../kit/workflows/open-workflows';
import { eventually } from '../../../support/process';
import { recordSpans, traceId, traceparent } from '../../../support/recorded-spans';
import { temporaryFolder } from '../../../support/subgraph-kit';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const schema = folder.write(
  'schema.graphql',
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type Query { id: String  says(how: String!): String  waits: String  signed(name: String!): String }
  type Mutation { invalidate(tags: [String!]!): String  takes: String }`,
);

/** What the resolvers below wait for, and what they saw. */
let release: () => void;
let released: Promise<void>;
let began: (signal: AbortSignal) => void;
let signals: Promise<AbortSignal>;
beforeEach(() => {
  released = new Promise((resolve) => (release = resolve));
  signals = new Promise((resolve) => (began = resolve));
});
const waits = async (_: unknown, __: unknown, { signal }: RequestScope): Promise<string> => {
  began(signal);
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  await Promise.race([released, aborted]);
  return signal.aborted ? 'aborted' : 'done';
};

const subgraph: Subgraph<RequestScope<'greeting'>, 'greeting'> = {
  name: 'library',
  schema,
  resolvers: {
    Query: {
      id: (_: unknown, __: unknown, { identity }) => identity?.id,
      says: (_: unknown, { how }: { how: string }) => {
        if (how === 'unavailable')
          throw new SubgraphError('UNAVAILABLE', 'Later.', {}, new Error('the cause'));
        if (how === 'typed') throw new SubgraphError('NOT_FOUND', 'None.');
        throw new Error('SELECT * FROM secrets');
      },
      waits,
      signed: (_: unknown, { name }: { name: string }, { sign }) => JSON.stringify(sign(name, '{}')),
    },
    Mutation: {
      invalidate: (_: unknown, { tags }: { tags: string[] }, { invalidate }) => {
        for (const tag of tags) invalidate(tag);
        invalidate();
      },
      takes: waits,
    },
  },
  context: (scope) => scope,
};

interface Line {
  readonly [fact: string]: unknown;
}
type App = Awaited<ReturnType<typeof createApp>>;
const apps: App[] = [];
afterEach(async () => {
  release();
  for (const app of apps.splice(0)) {
    const closed = app.close();
    app.server.closeAllConnections();
    await closed;
  }
});

async function open(own: Partial<typeof subgraph> = {}, given: Partial<AppOptions<'greeting'>> = {}) {
  const log: Line[] = [];
  const draining = new AbortController();
  const app = await createApp(
    { ...subgraph, ...own },
    {
      schema,
      options: { greeting: 'hello' },
      log: pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line) as Line) }),
      db: openDatabase({ client: {} as never }),
      events: memoryEventSource(),
      projectionsOf: () => undefined as never,
      workflowsOf: (cause) => bindWorkflows(new Map(), undefined, cause),
      prepared: Promise.resolve(),
      waitingFor: new Set(),
      draining: draining.signal,
      ...given,
    },
  );
  apps.push(app);
  app.get('/fails', () => {
    throw new Error('SELECT * FROM secrets');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  async function send(query: string, headers: Record<string, string> = {}, variables: object = {}) {
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = JSON.parse(await response.text());
    return { status: response.status, headers: response.headers, data, errors };
  }
  const said = (message: string) => log.filter(({ msg }) => msg === message);
  return { app, origin, send, log, said, drain: () => draining.abort() };
}

describe('a command', () => {
  const invalidate = 'mutation ($tags: [String!]!) { invalidate(tags: $tags) }';

  it('names what it has made old in a header, each tag once', async () => {
    const { send } = await open();
    const { headers } = await send(invalidate, {}, { tags: ['book-1', 'a "b" \\', 'book-1'] });
    expect(headers.get('cache-group-invalidation')).toBe('"book-1", "a \\"b\\" \\\\"');
  });

  it('names no tag that a header cannot hold', async () => {
    const { send } = await open();
    const long = 'x'.repeat(256);
    const tags = ['', 'é', 'a\nb', 'a\u007f', `${long}x`, long];
    expect((await send(invalidate, {}, { tags })).headers.get('cache-group-invalidation')).toBe(`"${long}"`);
  });

  it('has no such header when it makes nothing old', async () => {
    const { send } = await open();
    expect((await send(invalidate, {}, { tags: [] })).headers.has('cache-group-invalidation')).toBe(false);
  });

  it('is carried through when its time is over, as a query is not', async () => {
    const { send } = await open();
    const takes = send('mutation { takes }', { 'x-request-timeout': '30' });
    const signal = await signals;
    signals = new Promise((resolve) => (began = resolve));
    const query = send('{ waits }', { 'x-request-timeout': '60' });
    await signals;
    expect((await query).data).toEqual({ waits: 'aborted' });
    expect(signal.aborted).toBe(false);
    release();
    expect((await takes).data).toEqual({ takes: 'done' });
  });
});

describe('a request with a time', () => {
  it.each(['0', '-5', 'soon', '', '86400000', '3000000000'])('has none by "%s"', async (timeout) => {
    const { send } = await open();
    const answer = send('{ waits }', { 'x-request-timeout': timeout });
    await signals;
    // Another request in between has its time: what is due at once has come by then.
    signals = new Promise((resolve) => (began = resolve));
    const other = send('{ waits }', { 'x-request-timeout': '20' });
    await signals;
    expect((await other).data).toEqual({ waits: 'aborted' });
    release();
    expect((await answer).data).toEqual({ waits: 'done' });
  });

  it('takes no timer with it when it is answered', async () => {
    const { app } = await open();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    const before = jest.getTimerCount();
    await app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'x-request-timeout': '60000' },
      payload: { query: '{ id }' },
    });
    expect(jest.getTimerCount()).toBe(before);
    jest.useRealTimers();
  });
});

describe('who calls', () => {
  const bearer = { authorization: 'Bearer u1' };
  const secret = 'the-secret-of-gateway-and-library';
  const linkKeys = openLinkKeys({ keys: [secret] });
  const sign = (caller: Parameters<typeof signRequest>[0]['caller']) => ({
    ...bearer,
    ...signRequest({ key: linkKeys.current[0]!, subgraph: 'library', body, caller }),
  });
  const query = '{ id }';
  const body = JSON.stringify({ query, variables: {} });

  it('is believed without a link, unless real people are served', async () => {
    expect((await (await open()).send(query, bearer)).data).toEqual({ id: 'u1' });
    expect((await (await open({}, { development: false })).send(query, bearer)).data).toEqual({ id: null });
  });

  it('is what the gateway has signed where there is a link, unless it is for development', async () => {
    const strict = await open({}, { linkKeys });
    expect((await strict.send(query, sign(null))).data).toEqual({ id: null });
    expect((await strict.send(query, sign({ mode: 'oidc', sub: 'u2' }))).data).toEqual({ id: 'u2' });
    const open_ = await open({}, { linkKeys, development: true });
    expect((await open_.send(query, sign(null))).data).toEqual({ id: 'u1' });
  });

  it('is what the subgraph itself finds out, by headers and by what was signed', async () => {
    const authenticate = (headers: Record<string, unknown>, caller: { sub?: string } | null): Identity => ({
      id: `${String(headers['authorization'])} ${caller?.sub}`,
    });
    const own = await open({ authenticate }, { linkKeys });
    const { data } = await own.send(query, sign({ mode: 'oidc', sub: 'u2' }));
    expect(data).toEqual({ id: 'Bearer u1 u2' });
  });

  it.each([
    ['UNAUTHENTICATED', 401],
    ['FORBIDDEN', 403],
    ['UNAVAILABLE', 503],
  ] as const)('is refused as %s with the status %d', async (code, status) => {
    const authenticate = () => {
      throw new SubgraphError(code, 'No.', { why: 'because' });
    };
    const { send } = await open({ authenticate });
    expect(await send(query)).toMatchObject({
      status,
      errors: [{ message: 'No.', extensions: { code, why: 'because' } }],
    });
  });

  it('is nobody else’s business when finding out fails', async () => {
    const authenticate = () => {
      throw new Error('SELECT * FROM secrets');
    };
    const { send } = await open({ authenticate });
    const { status, errors } = await send(query);
    expect(status).toBe(500);
    expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(JSON.stringify(errors)).not.toContain('secrets');
  });

  it('is passed on to other subgraphs with a signature, where there is a link', async () => {
    const signed = '{ signed(name: "stock") }';
    expect((await (await open()).send(signed)).data).toEqual({ signed: '{}' });
    const linked = await open({}, { linkKeys });
    const caller = { mode: 'oidc', sub: 'u2' };
    const { data } = await linked.send(
      signed,
      signRequest({
        key: linkKeys.current[0]!,
        subgraph: 'library',
        body: JSON.stringify({ query: signed, variables: {} }),
        caller,
      }),
    );
    const headers = JSON.parse(data.signed) as Record<string, string>;
    expect(headers['signature-input']).toContain('tag="weir:stock"');
    expect(JSON.parse(Buffer.from(headers['weir-identity']!, 'base64url').toString())).toEqual(caller);
  });

  it('is logged when the request is not from the gateway', async () => {
    const { send, said } = await open({}, { linkKeys });
    const { status, errors } = await send(query);
    expect([status, errors[0].extensions.code]).toEqual([401, 'LINK_REFUSED']);
    expect(said('request refused')).toMatchObject([{ level: 40, reason: errors[0].message }]);
  });
});

describe('an error', () => {
  it('that is masked can be found in the log by the id of its request', async () => {
    const { send, said } = await open();
    const query = 'query Named { a: says(how: "odd") }';
    const { errors } = await send(query, { 'x-request-id': 'r1' });
    expect(errors[0].message).toBe('Internal server error');
    expect(said('masked error')).toMatchObject([
      {
        level: 50,
        requestId: 'r1',
        operationName: 'Named',
        path: 'a',
        err: { message: 'SELECT * FROM secrets' },
      },
    ]);
  });

  it('of a store that is away is logged with its cause', async () => {
    const { send, said } = await open();
    await send('{ says(how: "unavailable") }');
    expect(said('Later.')).toMatchObject([{ level: 40, path: 'says', err: { message: 'the cause' } }]);
    expect(said('masked error')).toEqual([]);
  });

  it('that callers are told is not logged', async () => {
    const { send, log, origin } = await open();
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${origin}/graphql`, { method: 'POST', headers, body: '{' })).status).toBe(400);
    await send('{ says(how: "typed") }');
    await send('{ nope }');
    await new Promise(setImmediate);
    expect(log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  it('before GraphQL runs is masked and logged, too', async () => {
    const { origin, said } = await open();
    const response = await fetch(`${origin}/fails`);
    expect([response.status, await response.json()]).toEqual([
      500,
      { errors: [{ message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
    ]);
    expect(said('masked error')).toMatchObject([{ level: 50, err: { message: 'SELECT * FROM secrets' } }]);
  });

  it('names its code in JSON where there is nothing', async () => {
    const { origin, said } = await open();
    const response = await fetch(`${origin}/nowhere`);
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        errors: [
          { message: 'There is nothing here; GraphQL is at /graphql.', extensions: { code: 'NOT_FOUND' } },
        ],
      },
    ]);
    expect(said('masked error')).toEqual([]);
  });

  it.each(['PUT', 'PATCH', 'DELETE'])('of %s says which methods there are', async (method) => {
    const { origin } = await open();
    const response = await fetch(`${origin}/graphql`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST']);
  });
});

describe('the span of a request', () => {
  const { tracer, spans, reset } = recordSpans();
  beforeEach(reset);

  it('is in the trace of the caller, and has names, codes and the request id', async () => {
    const { send, log } = await open({}, { tracer });
    const query = 'query Two { a: says(how: "typed") b: says(how: "secret") }';
    await send(query, { traceparent, 'x-request-id': 'r1' });
    const [span] = spans();
    expect(span).toMatchObject({ name: 'POST /graphql', kind: 1, parentSpanContext: { traceId } });
    expect(span!.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/graphql',
      'url.path': '/graphql',
      'url.scheme': 'http',
      'graphql.operation.name': 'Two',
      'graphql.operation.type': 'query',
      'weir.error.codes': ['NOT_FOUND', 'INTERNAL_SERVER_ERROR'],
      'weir.request.id': 'r1',
    });
    expect(log.find(({ msg }) => msg === 'request')).toMatchObject({
      traceId,
      spanId: span!.spanContext().spanId,
    });
  });

  it('begins a trace where the caller has sent none, which resolvers pass on', async () => {
    const seen: RequestScope['cause'][] = [];
    const context = (scope: RequestScope<'greeting'>) => (seen.push(scope.cause), scope);
    await (await open({ context }, { tracer })).send('{ id }');
    const { traceId: own, spanId } = spans()[0]!.spanContext();
    expect(seen).toMatchObject([{ traceparent: `00-${own}-${spanId}-01` }]);
  });

  it('is there for GraphQL alone', async () => {
    const { origin } = await open({}, { tracer });
    for (const path of ['/health/ready', '/fails', '/nothing']) await (await fetch(origin + path)).text();
    expect(spans()).toEqual([]);
  });

  it('says that the caller has left', async () => {
    const { origin } = await open({}, { tracer });
    const leaving = new AbortController();
    const url = `${origin}/graphql?query={waits}`;
    const headers = { 'apollo-require-preflight': 'true' };
    const answer = fetch(url, { headers, signal: leaving.signal }).catch(() => undefined);
    await signals;
    leaving.abort();
    await answer;
    await eventually(() => spans().length === 1);
    expect(spans()[0]!.attributes).toMatchObject({ 'error.type': 'client_gone' });
  });
});

describe('a request', () => {
  it('waits until the tables are there, whose names readiness tells meanwhile', async () => {
    let prepare!: () => void;
    const prepared = new Promise<void>((resolve) => (prepare = resolve));
    const waitingFor = new Set(['books', 'shelves']);
    const { send, origin } = await open({}, { prepared, waitingFor });
    let isAnswered = false;
    const answer = send('{ id }').then(() => (isAnswered = true));
    const ready = await fetch(`${origin}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', reasons: ['preparing the table "books"', 'preparing the table "shelves"'] },
    ]);
    expect(isAnswered).toBe(false);
    waitingFor.clear();
    prepare();
    await answer;
    expect((await fetch(`${origin}/health/ready`)).status).toBe(200);
  });

  it('is told to connect anew while the process ends', async () => {
    const { send, origin, drain } = await open({}, { waitingFor: new Set(['books']) });
    expect((await send('{ id }')).headers.get('connection')).toBe('keep-alive');
    drain();
    expect((await send('{ id }')).headers.get('connection')).toBe('close');
    const ready = await fetch(`${origin}/health/ready`);
    expect(await ready.json()).toEqual({ status: 'not ready', reasons: ['draining'] });
  });

  it('is one line in the log, of probes only when it is wanted', async () => {
    const { send, origin, said } = await open();
    await send('{ id }', { 'x-request-id': 'r1' });
    await fetch(`${origin}/health/live`);
    while (said('request').length < 2) await new Promise(setImmediate);
    expect(said('request')).toEqual([
      expect.objectContaining({
        ...{ level: 30, requestId: 'r1', method: 'POST', url: '/graphql', status: 200 },
        milliseconds: expect.any(Number),
      }),
      expect.objectContaining({ level: 20, method: 'GET', url: '/health/live', status: 200 }),
    ]);
    for (const line of said('request')) {
      expect(line).not.toHaveProperty('aborted');
      expect(Number.isInteger(line['milliseconds'])).toBe(true);
    }
  });

  it('is a line that says so when its caller left', async () => {
    const { origin, said } = await open();
    const request = httpRequest(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', () => undefined);
    request.end('{"query":"{ waits }"}');
    const signal = await signals;
    const aborted = once(signal, 'abort');
    request.destroy();
    await aborted;
    while (said('request').length === 0) await new Promise(setImmediate);
    expect(said('request')).toMatchObject([{ aborted: true }]);
  });
});
