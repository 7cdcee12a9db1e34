/**
 * What the console shows of requests: recorded by a gateway in front of real subgraphs, and read over its port for operators.
 * Over 300 lines: a case for each thing that is shown of a request.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExplainedRequest, RequestSummary, TimelineStep } from '../../gateway/console/api';
import type { GatewayOptions } from '../../gateway';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, type SmallGraph, startSmallGraph, startSubgraph } from '../support/small-graph';
import { serveSubscriptions } from '../support/subscribed-subgraphs';

let graph: SmallGraph;
const open: TestGateway[] = [];

beforeAll(async () => {
  graph = await startSmallGraph();
});
afterEach(async () => {
  for (const subgraph of [graph.accounts, graph.reviews]) {
    subgraph.answer = undefined;
    subgraph.headers = {};
    subgraph.requests.splice(0);
  }
  await Promise.all(open.splice(0).map((gateway) => gateway.stop()));
});
afterAll(async () => {
  await (await usual)?.stop();
  await graph.close();
});

const startOne = (options: GatewayOptions): Promise<TestGateway> =>
  startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), mode: 'development', ...options });

let usual: Promise<TestGateway> | undefined;

/** A gateway of the test's own; without options, one that others have used. */
async function start(options?: GatewayOptions): Promise<TestGateway> {
  if (options === undefined) return (usual ??= startOne({}));
  const gateway = await startOne(options);
  open.push(gateway);
  return gateway;
}

/** Reads the console's data. */
async function read<Answer>({ adminUrl }: TestGateway, path: string): Promise<Answer> {
  const response = await fetch(`${adminUrl}/console/api/${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

/** Sends a request, and has it explained. */
async function explained(
  gateway: TestGateway,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<ExplainedRequest> {
  const answer = await gateway.post(body, { headers });
  await answer.text();
  const id = answer.headers.get('x-request-id')!;
  await eventually(async () => (await read<Json[]>(gateway, 'requests')).some((each) => each.id === id));
  return read<ExplainedRequest>(gateway, `requests/${id}`);
}

const nested = 'query Named($id: ID!) { user(id: $id) { name reviews { rating author { name } } } }';

/** The steps as nested names. */
function treeOf({ timeline }: ExplainedRequest): object {
  const below = (parent: string | undefined): object =>
    Object.fromEntries(
      timeline.filter((step) => step.parent === parent).map((step) => [step.name, below(step.id)]),
    );
  return below(undefined);
}

const step = ({ timeline }: ExplainedRequest, name: string): TimelineStep =>
  timeline.find((each) => each.name === name)!;

describe('a recorded request', () => {
  it('has tags with values of keys and arguments only where values are recorded', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    const body = { query: 'query Keyed { user(id: "u1") { id name } }' };
    const hidden = await explained(await start({}), body);
    expect(hidden.cache).toBe('MISS');
    expect(hidden.dropped!.tags).toEqual(expect.arrayContaining(['operation:Keyed', 'type:User']));
    expect(hidden.dropped!.hiddenTags).toBe(1);
    expect(JSON.stringify({ ...hidden, curl: '' })).not.toContain('u1');
    const shown = await explained(await start({ admin: { port: 0, console: { values: true } } }), body);
    expect(shown.dropped!.tags).toContain('User:id=u1');
    expect(shown.dropped!.hiddenTags).toBe(0);
    const hit = await explained(open.at(-1)!, body);
    expect(hit.cache).toBe('HIT');
    // Known from the request that stored it.
    expect(hit.missing).toBe(0);
  });

  it('is shown with everything that was done for it, though nothing is exported', async () => {
    const gateway = await start({});
    const request = await explained(
      gateway,
      { query: nested, variables: { id: 'u1' } },
      { 'apollographql-client-name': 'web', 'apollographql-client-version': '2' },
    );
    expect(treeOf(request)).toEqual({
      'POST /graphql': {
        'graphql.parse': {},
        'graphql.validate': {},
        'weir.cache.lookup': {},
        'graphql.plan': {},
        'graphql.execute': {
          'fetch accounts': { 'weir.cache.lookup': {}, 'POST /graphql': {} },
          'fetch reviews': { 'weir.cache.lookup': {}, 'POST /graphql': {} },
        },
      },
    });
    expect(request).toMatchObject({
      ...{ status: 200, codes: [], cache: 'PASS', nulls: [] },
      operation: { name: 'Named', type: 'query' },
      client: { name: 'web', version: '2' },
      calls: { planned: 3, sent: 3, saved: 0 },
    });
    expect(request.cost!.estimated).toBeGreaterThan(1);
    expect(request.cost!.actual).toBeGreaterThan(1);
    expect(request.cost!.limit).toBe(50_000);
    expect(step(request, 'fetch reviews')).toMatchObject({ kind: 'fetch', subgraph: 'reviews' });
    expect(step(request, 'fetch reviews').sentences).toContain('Asks for 1 entity.');
    expect(Math.abs(request.at - Date.now())).toBeLessThan(60_000);
    const total = request.timeline[0]!;
    for (const { start, ms } of request.timeline) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(start + ms).toBeLessThanOrEqual(total.ms + 0.01);
    }
  });

  it('is found by the trace of its client, which subgraphs get unchanged', async () => {
    const gateway = await start();
    const traceId = 'a3ce929d0e0e4736a3ce929d0e0e4736';
    const traceparent = `00-${traceId}-00f067aa0ba902b7-00`;
    const request = await explained(gateway, { query: '{ me { name } }' }, { traceparent });
    expect(request.traceId).toBe(traceId);
    expect((await read<ExplainedRequest>(gateway, `requests/${traceId}`)).id).toBe(request.id);
    expect(graph.accounts.requests.at(-1)!.headers['traceparent']).toBe(traceparent);
    const without = await explained(gateway, { query: '{ me { id } }' });
    expect(without.traceId).toBeUndefined();
    expect(graph.accounts.requests.at(-1)!.headers['traceparent']).toBeUndefined();
    expect(JSON.stringify(gateway.log)).not.toContain('spanId');
  });

  it('says why each field is null', async () => {
    const gateway = await start();
    graph.reviews.answer = (_, response) => {
      response.writeHead(503).end();
    };
    const request = await explained(gateway, { query: nested, variables: { id: 'u1' } });
    expect(request.codes).toEqual(['SUBREQUEST_HTTP_ERROR']);
    expect(request.nulls).toEqual([
      {
        ...{ path: ['user', 'reviews'], cause: 'call-failed' },
        reason: expect.stringContaining('user.reviews (User.reviews) is null because the call failed'),
      },
    ]);
    expect(step(request, 'fetch reviews').sentences).toContain('Retried 1 time.');
    expect(step(request, 'fetch reviews').failed).toBe('503');
    const [listed] = await read<RequestSummary[]>(gateway, 'requests?failed=1');
    expect(listed).toMatchObject({ id: request.id, missing: 1 });
  });

  it.each(['development', 'production'] as const)(
    'says why fields of a cached answer are null, in %s',
    async (mode) => {
      const gateway = await start({
        ...{ mode, introspection: false },
        admin: { port: 0, console: { sampling: 1 } },
      });
      graph.accounts.headers = graph.reviews.headers = { 'cache-control': 'max-age=60' };
      graph.reviews.answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60' });
        response.end('{"data":{"_entities":[null]}}');
      };
      const body = { query: nested, variables: { id: 'u1' } };
      const stored = await explained(gateway, body);
      const cached = await explained(gateway, body);
      // By its bytes, where extensions need not be made.
      const again = await explained(gateway, body);
      expect([stored, cached, again].map(({ cache }) => cache)).toEqual(['MISS', 'HIT', 'HIT']);
      expect(stored.nulls.map(({ cause }) => cause)).toEqual(['entity-not-found']);
      for (const hit of [cached, again])
        expect(hit).toMatchObject({ missing: 1, nulls: stored.nulls, calls: { sent: 0 } });
    },
  );

  it('counts no call as sent that a circuit breaker refuses', async () => {
    const gateway = await start({ breaker: { atLeast: 1, pause: '1m' }, retries: { max: 0 } });
    graph.reviews.answer = (_, response) => {
      response.writeHead(503).end();
    };
    const body = { query: nested, variables: { id: 'u1' } };
    await eventually(async () => (await explained(gateway, body)).nulls[0]?.cause === 'breaker');
    graph.reviews.requests.splice(0);
    const request = await explained(gateway, body);
    expect(request.nulls[0]!.cause).toBe('breaker');
    expect(graph.reviews.requests).toEqual([]);
    expect(request.calls).toMatchObject({ sent: request.calls.planned - request.calls.saved - 1 });
  });

  it('has an error of its own for a path that no URL has', async () => {
    const answer = await fetch(`${(await start()).adminUrl}/console/api/requests/%zz`);
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as Json).errors[0].extensions.code).toBe('BAD_REQUEST');
  });

  it('says of a hit where its answer was found, and how old it is', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    const gateway = await start({});
    const miss = await explained(gateway, { query: '{ me { name } }' });
    expect(miss.cache).toBe('MISS');
    // In other bytes it goes through all steps; in the same ones it is answered at once.
    for (const body of [{ query: '{ me { name } }', variables: {} }, { query: '{ me { name } }' }]) {
      const hit = await explained(gateway, body);
      expect(hit.cache).toBe('HIT');
      expect(step(hit, 'POST /graphql').sentences[0]).toContain('Answered from the cache');
      expect(hit.timeline.flatMap(({ sentences }) => sentences).join(' ')).toMatch(/, \d s old\./);
      expect(hit.operation).toEqual(miss.operation);
    }
    const [, , first] = await read<RequestSummary[]>(gateway, `requests?operation=${miss.operation!.id}`);
    expect(first!.id).toBe(miss.id);
  });

  it('is there also if it is no operation at all', async () => {
    const gateway = await start();
    const request = await explained(gateway, { query: '{ nope }' });
    expect(request).toMatchObject({ status: 400, codes: ['GRAPHQL_VALIDATION_FAILED'] });
    expect(request.operation).toMatchObject({ name: null, type: 'query' });
  });

  it('is listed by search, client, and slowness, newest first, page by page', async () => {
    const gateway = await start({});
    const ids: string[] = [];
    for (const [name, client] of [
      ['One', 'web'],
      ['Two', 'app'],
      ['Three', 'web'],
    ] as const) {
      const headers = { 'apollographql-client-name': client };
      ids.unshift((await explained(gateway, { query: `query ${name} { me { id } }` }, headers)).id);
    }
    const list = async (query: string) =>
      (await read<RequestSummary[]>(gateway, `requests?${query}`)).map(({ id }) => ids.indexOf(id));
    expect(await list('')).toEqual([0, 1, 2]);
    expect(await list('client=web')).toEqual([0, 2]);
    expect(await list('search=TW')).toEqual([1]);
    expect(await list('slowerThan=60000')).toEqual([]);
    const [newest] = await read<RequestSummary[]>(gateway, 'requests');
    expect(await list(`before=${newest!.at}`)).toEqual([1, 2]);
    const request = await read<ExplainedRequest>(gateway, `requests/${ids[0]!}`);
    expect(request.others).toEqual([]);
  });
});

/** The operation as it is shown, with the subgraphs of each field in brackets behind its name. */
const marked = ({ document }: ExplainedRequest): string => {
  let [text, from] = ['', 0];
  for (const part of document!.parts) {
    text += `${document!.text.slice(from, part.to)}[${part.subgraphs.join()}]`;
    from = part.to;
  }
  return (text + document!.text.slice(from)).replace(/\s+/g, ' ');
};

describe('the operation', () => {
  it('is shown without values, each field with the subgraphs that answer it', async () => {
    const gateway = await start();
    const query = `# secret
      query Page($id: ID!, $other: ID = "secret") {
        mine: me @include(if: true) { __typename ...F }
        user(id: $id) { ...F }
        one: user(id: "secret") { id }
        two: user(id: $other) { id }
      }
      fragment F on User { name reviews { rating author { name } } }`;
    const request = await explained(gateway, { query, variables: { id: 'u1' } });
    expect(marked(request)).toBe(
      'query Page($id: ID!, $other: ID = …) { ' +
        'mine: me[accounts] @include(if: …) { __typename[] ...F } ' +
        'user[accounts](id: $id) { ...F } ' +
        'one: user[accounts](id: …) { id[accounts] } ' +
        'two: user[accounts](id: $other) { id[accounts] } } ' +
        'fragment F on User { name[accounts] reviews[reviews] { rating[reviews] author[reviews] { name[accounts] } } }',
    );
    expect(request.document!.parts.map(({ path }) => path)).toContain('mine.reviews.author.name');
    expect(request.variables).toBeUndefined();
    const { curl, ...shown } = request;
    expect(JSON.stringify(shown)).not.toContain('secret');
    // In development the command has what was sent.
    expect(curl).toContain('"variables":{"id":"u1"}');
    expect(curl).toContain('user(id: \\"secret\\")');
  });

  it('is sent again by a command without values in production, whose placeholders are of the right types', async () => {
    const gateway = await start({ mode: 'production', admin: { port: 0, console: { sampling: 1 } } });
    const query = `# secret
      query Page($id: ID!, $other: ID = "secret") {
        mine: me @include(if: true) { name }
        user(id: $id) { name }
        one: user(id: "secret") { id }
        two: user(id: $other) { id }
      }`;
    const headers = {
      authorization: 'secret',
      'apollographql-client-name': "it's web",
      'x-tenant': 'secret',
    };
    const request = await explained(gateway, { query, variables: { id: 'secret' } }, headers);
    expect(request.curl).toContain('"variables":{"id":"…","other":"…","value1":true,"value2":"…"}');
    expect(request.curl).toContain('one: user(id: $value2)');
    expect(request.curl).toContain('-H "authorization: $AUTHORIZATION"');
    expect(request.curl).toContain('-H "x-tenant: $X_TENANT"');
    expect(request.curl).toContain(`-H 'apollographql-client-name: it'\\''s web'`);
    expect(JSON.stringify(request)).not.toContain('secret');
    const { stdout } = await promisify(execFile)('sh', ['-c', `${request.curl} -s`]);
    expect(JSON.parse(stdout)).toMatchObject({ data: { mine: { name: 'Ada' }, user: null } });
  });

  it('is shown with values where an option says so', async () => {
    const gateway = await start({ admin: { port: 0, console: { values: true } } });
    const query = 'query ($id: ID!) { user(id: $id) { name } one: user(id: "u2") { id } }';
    const request = await explained(gateway, { query, variables: { id: 'u1' } });
    expect(request.document!.text).toContain('one: user(id: "u2")');
    expect(request.variables).toEqual({ id: 'u1' });
    expect(request.curl).toContain('"id":"u1"');
  });
});

it.each(['null', 'reject'] as const)(
  'names the scope or policy that a caller lacks, and not to clients (%s)',
  async (refused) => {
    const sauces = await startSubgraph({
      name: 'sauces',
      typeDefs: `
        extend schema
          @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes", "@policy", "@authenticated"])
        type Query {
          open: Int
          sauce: Int @requiresScopes(scopes: [["sauce:read", "sauce:all"], ["admin"]])
          cook: Int @policy(policies: [["cook"]])
          own: Int @authenticated
        }`,
      resolvers: {},
    });
    const supergraph = sourceOf(compose([sauces]));
    const gateway = await start({ supergraph, authorization: { refused } });
    const query = '{ open sauce cook own }';
    const answer = await (await gateway.post({ query })).text();
    const { nulls, lacks } = await explained(gateway, { query });
    await sauces.close();
    expect(lacks).toEqual([
      'It needs a caller who is signed in.',
      'It needs the policy "cook", which the caller lacks.',
      'It needs the scopes "sauce:read" and "sauce:all", or the scope "admin", which the caller lacks.',
    ]);
    expect(answer).not.toMatch(/sauce:read|lacks/);
    if (refused === 'null')
      expect(nulls.map(({ reason }) => reason)).toContain(
        'cook (Query.cook) is null because the caller may not see Query.cook. It needs the policy "cook", which the caller lacks.',
      );
  },
);

describe('why an answer was not cached', () => {
  const reasons = async (gateway: TestGateway, query: string) =>
    (await explained(gateway, { query })).cacheReasons.join(' ');

  it('names the subgraph, the fields and what it said', async () => {
    const gateway = await start();
    graph.accounts.headers = { 'cache-control': 'max-age=60' };
    const query = '{ me { name reviews { rating } } }';
    expect(await reasons(gateway, query)).toBe(
      'The subgraph "reviews" answered its call for User.reviews with entities of which at least one may not be cached: it has no lifetime, or is missing.',
    );
    graph.accounts.headers = { 'cache-control': 'no-store' };
    expect(await reasons(gateway, '{ me { id } }')).toBe(
      'The subgraph "accounts" answered its call for me with `Cache-Control: no-store`.',
    );
    graph.accounts.headers = { 'cache-control': 'max-age=60', 'set-cookie': 'a=b' };
    expect(await reasons(gateway, '{ me { name } }')).toContain('for me with a cookie');
    graph.accounts.headers = {};
    expect(await reasons(gateway, '{ again: me { name } }')).toContain('for me without a `Cache-Control`');
  });

  it('names errors, kinds of operations and options', async () => {
    const gateway = await start({ cache: { responses: { operations: { Never: { maxAge: 0 } } } } });
    graph.accounts.headers = { 'cache-control': 'max-age=60' };
    expect(await reasons(gateway, 'mutation { rename(id: "u1", name: "Ada") { id } }')).toBe(
      'Mutations are not cached.',
    );
    expect(await reasons(gateway, 'query Never { me { id } }')).toBe(
      'The option `cache.responses.operations.Never.maxAge` is 0.',
    );
    expect(await reasons(gateway, '{ __typename }')).toContain('needed no subgraph');
    graph.accounts.answer = (_, response) => {
      response.writeHead(500).end();
    };
    expect(await reasons(gateway, '{ me { id name } }')).toContain(
      'An answer with errors is not cached: SUBREQUEST_HTTP_ERROR.',
    );
    const off = await start({ cache: { responses: { enabled: false } } });
    expect(await reasons(off, '{ me { id } }')).toBe('');
  });

  it('says who may have a cached answer, for how long, and what drops it', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60, stale-while-revalidate=30' };
    const gateway = await start({ mode: 'production', admin: { port: 0, console: { sampling: 1 } } });
    const miss = await explained(gateway, { query: '{ me { name } }' });
    expect(miss.cacheReasons).toEqual([
      'The answer was not in the cache. It is now.',
      'It is public: everybody who sends the same operation may have it, for 60 s.',
    ]);
    expect(miss.dropped!.tags).toContain('type:User');
    expect(miss.dropped!.by[0]).toBe('Its age: it is fresh for 60 s, and may be served stale for 30 s more.');
    const found = await explained(gateway, { query: '{ me { name } }', variables: {} });
    expect(found.cacheReasons[0]).toBe('The answer was in the cache.');
    const hit = await explained(gateway, { query: '{ me { name } }' });
    expect(hit.cacheReasons[0]).toContain('nothing was executed');
    expect(hit.dropped).toEqual(miss.dropped);
    expect(marked(hit)).toBe('{ me[accounts] { name[accounts] } }');
  });
});

it('shows an operation in parts, and what is asked for later', async () => {
  const gateway = await start();
  const accept = 'multipart/mixed;incrementalSpec=v0.2,application/json';
  const query = '{ me { name ... @defer { reviews { rating } } } }';
  const request = await explained(gateway, { query }, { accept });
  expect(marked(request)).toContain('... @defer { reviews[reviews] { rating[reviews] } }');
  expect(step(request, 'fetch reviews').ms).toBeGreaterThan(0);
  expect(request.cacheReasons.length).toBeGreaterThan(0);
});

it('shows the answer to each event of a subscription, and the request when it ends', async () => {
  const subgraph = await serveSubscriptions('sse');
  try {
    const typeDefs = 'type Query { a: Int }  type Subscription { count: Int }';
    const gateway = await start({
      supergraph: sourceOf(compose([{ name: 'counts', url: subgraph.url, typeDefs }])),
      subgraphs: { counts: { subscriptions: { protocol: 'sse' } } },
    });
    const left = new AbortController();
    const answer = await fetch(gateway.url, {
      ...{ method: 'POST', body: '{"query":"subscription Counted { count }"}', signal: left.signal },
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    });
    const id = answer.headers.get('x-request-id')!;
    const list = () => read<RequestSummary[]>(gateway, 'requests');
    await eventually(() => subgraph.feeds.length === 1);
    subgraph.feeds[0]!.send({ data: { count: 1 } });
    await eventually(async () => (await list()).length === 1);
    const [event] = await list();
    const explainedEvent = await read<ExplainedRequest>(gateway, `requests/${event!.id}`);
    expect(explainedEvent.timeline[0]!.kind).toBe('event');
    expect(explainedEvent).toMatchObject({ operation: { name: 'Counted', type: 'subscription' } });
    expect(explainedEvent.cacheReasons).toEqual(['Answers to events are not cached.']);
    expect(marked(explainedEvent)).toBe('subscription Counted { count[counts] }');
    // Until the request of the subscription is over, its id leads to the newest event.
    expect((await read<ExplainedRequest>(gateway, `requests/${id}`)).id).toBe(event!.id);
    left.abort();
    await eventually(async () => (await list()).length === 2);
    const request = await read<ExplainedRequest>(gateway, `requests/${id}`);
    expect(request).toMatchObject({ id, operation: explainedEvent.operation });
    expect(request.others.map((other) => other.id)).toEqual([event!.id]);
  } finally {
    await subgraph.stop();
  }
});

it('records nothing where it is off', async () => {
  for (const console of [{ enabled: false }, { sampling: 0 }]) {
    const gateway = await start({ admin: { port: 0, console } });
    await gateway.query('{ me { id } }');
    const response = await fetch(`${gateway.adminUrl}/console/api/requests`);
    if (console.enabled === false) expect(response.status).toBe(404);
    else expect(await response.json()).toEqual([]);
  }
});
