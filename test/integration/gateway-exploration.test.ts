import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let development: TestGateway;
let production: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  development = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    mode: 'development',
    explorerHeaders: { authorization: 'Bearer </script>' },
  });
  production = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl) });
});

afterAll(async () => {
  await development.stop();
  await production.stop();
  await graph.close();
});

const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const planWanted = { 'apollo-query-plan-experimental': '1' };
const query = '{ user(id: "u1") { name reviews { rating } } }';
/** What every answer in development tells of its subgraph calls, here of one that needs none. */
const withoutCalls = {
  weir: {
    calls: { planned: 0, merged: 0, deduplicated: 0, batched: 0, cached: 0, sent: 0 },
    cost: { estimated: 0, actual: 0 },
    cache: { result: 'PASS' },
  },
};

it('says in development alone how long an answer took, in all and for its plan and calls', async () => {
  graph.accounts.answer = (_, response) => {
    setTimeout(() => {
      response.setHeader('content-type', 'application/json');
      response.end('{"data":{"me":{"name":"Ada"}}}');
    }, 40);
  };
  const timed = { query: 'query Timed { me { name } }' };
  const timing = async (gateway: TestGateway) => {
    const response = await gateway.post(timed);
    await response.text();
    expect(response.headers.has('timing-allow-origin')).toBe(false);
    const header = response.headers.get('server-timing');
    return header === null
      ? undefined
      : Object.fromEntries(header.split(', ').map((part) => part.split(/;(?:dur|desc)=/)));
  };
  const first = await timing(development);
  const { total, plan, calls, ...rest } = await timing(development);
  graph.accounts.answer = undefined;
  expect(Number(first.plan)).toBeGreaterThan(0);
  expect([plan, rest]).toEqual(['0.0', { cache: 'PASS' }]);
  expect(Number(calls)).toBeGreaterThanOrEqual(35);
  expect(Number(total)).toBeGreaterThanOrEqual(Number(calls));
  expect(await timing(production)).toBeUndefined();
});

it('shows Apollo Sandbox to a browser that opens the endpoint', async () => {
  const response = await fetch(development.url, { headers: browser });
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await response.text()).toContain('new EmbeddedSandbox');
});

it('shows GraphiQL, which loads nothing from elsewhere', async () => {
  const response = await fetch(new URL('/graphiql', development.url));
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  const page = await response.text();
  expect(page).toContain('"endpoint":"/graphql"');
  expect(page).toContain('<title>GraphiQL · Weir</title>');
  expect(page).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/);
});

it('lets the console frame GraphiQL, and nobody else', async () => {
  const { port } = new URL(development.adminUrl!);
  const consoles = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
  const page = await fetch(new URL('/graphiql', development.url));
  expect(page.headers.get('content-security-policy')).toContain(`; frame-ancestors ${consoles.join(' ')}`);
  const start = await (await fetch(new URL('/graphiql/start.js', development.url))).text();
  expect(start).toContain(`globalThis.weirConsoles = ${JSON.stringify(consoles)};`);
  const again = await fetch(new URL('/graphiql', development.url), {
    headers: { 'if-none-match': page.headers.get('etag')! },
  });
  expect(again.headers.get('content-security-policy')).toContain('frame-ancestors http://127.0.0.1');
});

it('opens GraphiQL with headers and with a query that this graph answers', async () => {
  const response = await fetch(new URL('/graphiql/start.js', development.url));
  expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const script = await response.text();
  expect(script).not.toContain('</script>');
  const { defaultQuery, headers } = JSON.parse(
    script.slice(script.indexOf('{'), script.lastIndexOf('}') + 1),
  );
  expect(JSON.parse(headers)).toEqual({ authorization: 'Bearer </script>' });
  expect(defaultQuery.replaceAll(/\s+/g, ' ')).toBe('{ me { id name } latestReviews { id rating } } ');
  const { data, errors } = await development.query(defaultQuery);
  expect(errors).toBeUndefined();
  expect(data.me.name).toBe('Ada');
});

describe('GraphiQL', () => {
  const get = (headers: Record<string, string>) => fetch(new URL('/graphiql', development.url), { headers });

  it.each(['br', 'gzip'])('is sent packed with %s', async (encoding) => {
    const response = await get({ 'accept-encoding': encoding });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')).toContain('accept-encoding');
    expect(Number(response.headers.get('content-length'))).toBeLessThan(4_000_000);
    expect(await response.text()).toContain('globalThis.weirStart)');
  });

  it('is sent as it is to whoever unpacks nothing, and not at all to whoever has it', async () => {
    const response = await get({ 'accept-encoding': 'identity' });
    expect(response.headers.get('content-encoding')).toBeNull();
    await response.arrayBuffer();
    const etag = response.headers.get('etag')!;
    expect(response.headers.get('cache-control')).toBe('no-cache');
    const again = await get({ 'accept-encoding': 'br', 'if-none-match': etag });
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
  });
});

it('answers a query of a browser with data, not with a page', async () => {
  const response = await fetch(`${development.url}?query={__typename}`, {
    headers: { ...browser, 'apollo-require-preflight': '1' },
  });
  expect(await response.json()).toEqual({ data: { __typename: 'Query' }, extensions: withoutCalls });
});

it('returns the query plan in the form that Apollo Sandbox asks for', async () => {
  const text: Json = await (await development.post({ query }, { headers: planWanted })).json();
  expect(text.data.user.name).toBe('Ada');
  expect(text.extensions.__queryPlanExperimental).toMatch(/^QueryPlan \{\n {2}Sequence \{/);
  const headers = { ...planWanted, 'apollo-query-plan-experimental-format': 'internal' };
  const internal: Json = await (await development.post({ query }, { headers })).json();
  expect(internal.extensions.__queryPlanExperimental).toMatchObject({
    kind: 'QueryPlan',
    node: { kind: 'Sequence' },
  });
});

it('says in the plan why it has each fetch, in the form `why`', async () => {
  const headers = { ...planWanted, 'apollo-query-plan-experimental-format': 'why' };
  const { extensions }: Json = await (await development.post({ query }, { headers })).json();
  expect(extensions.__queryPlanExperimental).toMatch(
    /# Fetches User by id\.\n +# No other subgraph resolves/,
  );
  const none: Json = await (await development.post({ query: '{ __typename }' }, { headers })).json();
  expect(none.extensions.__queryPlanExperimental).toBe(true);
});

it('returns no plan for an empty header, and `true` where no subgraph is asked, as Apollo Gateway does', async () => {
  const asked = async (value: string, text: string): Promise<Json> => {
    const headers = { 'apollo-query-plan-experimental': value };
    const answer: Json = await (await development.post({ query: text }, { headers })).json();
    return answer.extensions;
  };
  expect(await asked('', query)).not.toHaveProperty('__queryPlanExperimental');
  expect(await asked('1', '{ __typename }')).toHaveProperty('__queryPlanExperimental', true);
});

it('answers introspection', async () => {
  expect(await development.query('{ __type(name: "User") { name } }')).toEqual({
    data: { __type: { name: 'User' } },
    extensions: withoutCalls,
  });
});

describe('in production', () => {
  it('tells a browser what the endpoint is, and which option opens the explorer', async () => {
    const response = await fetch(production.url, { headers: browser });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect((await response.text()).replaceAll(/\s+/g, ' ')).toContain(
      '<p>This is a GraphQL endpoint, which takes operations by POST; with the option <code>mode: development</code> it shows an explorer here.</p>',
    );
    // Who is no browser is answered in JSON.
    const other = await fetch(production.url);
    expect(other.headers.get('content-type')).toContain('json');
  });

  it('shows no page, no plan and no schema', async () => {
    for (const path of ['/graphiql', '/graphiql/start.js'])
      expect((await fetch(new URL(path, production.url))).status).toBe(404);
    const answer: Json = await (await production.post({ query }, { headers: planWanted })).json();
    expect(answer).not.toHaveProperty('extensions');
    expect((await production.query('{ __type(name: "User") { name } }')).errors).toHaveLength(1);
    expect(await production.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  });
});
