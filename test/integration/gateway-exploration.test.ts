import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let development: TestGateway;
let production: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  development = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), mode: 'development' });
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
  expect(page).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/);
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

it('answers introspection', async () => {
  expect(await development.query('{ __type(name: "User") { name } }')).toEqual({
    data: { __type: { name: 'User' } },
    extensions: withoutCalls,
  });
});

describe('in production', () => {
  it('shows no page, no plan and no schema', async () => {
    expect((await fetch(production.url, { headers: browser })).status).toBe(400);
    expect((await fetch(new URL('/graphiql', production.url))).status).toBe(404);
    const answer: Json = await (await production.post({ query }, { headers: planWanted })).json();
    expect(answer).not.toHaveProperty('extensions');
    expect((await production.query('{ __type(name: "User") { name } }')).errors).toHaveLength(1);
    expect(await production.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  });
});
