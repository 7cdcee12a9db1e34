/** Several graphs in one gateway: equal schemas, and subgraphs of their own, so that each answer says whose it is. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphLookup } from '../../gateway/supergraph/graph-lookup';
import { Registry } from '../../schema';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';

const typeDefs = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type Query { who(n: Int): String! me: User! }
  type Mutation { change: String! }
  type User @key(fields: "id") { id: ID! name: String! }
`;
const variants = ['prod', 'partners', 'pr-1', 'pr-2', 'pr-3'] as const;
type Variant = (typeof variants)[number];
const author = { by: 'ana' };
const subgraphs = {} as Record<Variant, TestSubgraph>;
let stores: TestRegistryStores;
let gateway: TestGateway;

const key = (client: string, groups: string[]) => ({
  ...{ client, groups },
  sha256: createHash('sha256').update(client).digest('hex'),
});
const options = {
  auth: { apiKeys: [key('ana', ['staff']), key('bob', []), key('partner-app', [])], anonymous: true },
  graphs: {
    default: 'shop@prod',
    choose: [
      { host: 'partners.shop.example', graph: 'shop@partners' },
      { header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' },
    ],
    allow: [
      { graph: 'shop@pr-*', groups: ['staff'] },
      { graph: 'shop@partners', clients: ['partner-app'] },
    ],
    open: 2,
  },
};

const publish = async (variant: Variant, sdl = typeDefs) =>
  new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } }).publish(
    [{ name: 'users', routingUrl: subgraphs[variant].url, file: 'users.graphql', sdl }],
    author,
  );

beforeAll(async () => {
  stores = await registryStoreKinds[0]![1]();
  for (const variant of variants) {
    const user = { id: '1', name: variant };
    const resolvers = {
      Query: { who: () => variant, me: () => user },
      Mutation: { change: () => variant },
      User: { __resolveReference: () => user },
    };
    subgraphs[variant] = await startSubgraph({ name: 'users', typeDefs, resolvers });
    subgraphs[variant].headers = { 'cache-control': 'public, max-age=60' };
    await publish(variant);
  }
});
afterAll(async () => {
  await Promise.all(Object.values(subgraphs).map((each) => each.close()));
  await stores.close();
});
beforeEach(async () => (gateway = await start()));
afterEach(() => gateway.stop());

const supergraph = () => ({
  ...{ registry: stores.location, pollInterval: 50 },
  keep: `${stores.location}-kept.graphql`,
});
const start = (more: object = {}): Promise<TestGateway> =>
  startTestGateway({
    ...options,
    supergraph: supergraph(),
    ...more,
  });

const staff = { 'x-api-key': 'ana' };
const ask = async (query: string, headers: Record<string, string> = {}) => {
  const response = await gateway.post({ query }, { headers });
  const body = (await response.json()) as Json;
  return {
    status: response.status,
    headers: response.headers,
    ...body,
    code: body.errors?.[0].extensions.code,
  };
};

it('answers by the default graph what chooses none', async () => {
  expect((await ask('{ who }')).data).toEqual({ who: 'prod' });
  expect((await ask('{ who }', staff)).data).toEqual({ who: 'prod' });
});

it('answers by the graph that a header, or the host, chooses', async () => {
  for (const graph of ['pr-1', 'pr-2'])
    expect((await ask('{ who me { name } }', { ...staff, 'x-weir-graph': graph })).data).toEqual({
      who: graph,
      me: { name: graph },
    });
  const named = () => gateway.log.filter(({ msg }) => msg === 'request').map(({ graph }) => graph);
  await eventually(() => named().length === 2);
  expect(named()).toEqual(['shop@pr-1', 'shop@pr-2']);
});

it('never gives the default graph instead of one that is refused', async () => {
  const chosen = async (graph: string, headers: Record<string, string> = staff) => {
    const answer = await ask('{ who }', { ...headers, 'x-weir-graph': graph });
    const { status, code, data } = answer;
    expect([data, answer.headers.get('cache-control')]).toEqual([undefined, 'no-store']);
    return [status, code];
  };
  expect(await chosen('pr-99')).toEqual([404, 'UNKNOWN_GRAPH']);
  expect(await chosen('partners')).toEqual([404, 'UNKNOWN_GRAPH']);
  expect(await chosen('pr-1', {})).toEqual([403, 'GRAPH_FORBIDDEN']);
  expect(await chosen('pr-1', { 'x-api-key': 'bob' })).toEqual([403, 'GRAPH_FORBIDDEN']);
  for (const odd of ['', 'pr-1, pr-2', 'a@b', 'a/b', '*', `x${'a'.repeat(64)}`, '__proto__'])
    expect(await chosen(odd)).toEqual([400, 'BAD_REQUEST']);
});

it('keeps answers of one graph from others, and says on what they depend', async () => {
  const first = await ask('{ me { name } }');
  expect(first.headers.get('vary')).toContain('x-weir-graph');
  expect(first.headers.get('cache-control')).toContain('public');
  // A cache between does not know who is in the groups.
  const staffOnly = await ask('{ me { name } }', { ...staff, 'x-weir-graph': 'pr-1' });
  expect(staffOnly.headers.get('cache-control')).toBe('private, max-age=60');
  for (let round = 0; round < 3; round++) {
    expect((await ask('{ me { name } }')).data.me.name).toBe('prod');
    expect((await ask('{ me { name } }', { ...staff, 'x-weir-graph': 'pr-1' })).data.me.name).toBe('pr-1');
    expect((await ask('{ me { name } }', { ...staff, 'x-weir-graph': 'pr-2' })).data.me.name).toBe('pr-2');
  }
});

it('keeps persisted operations of one graph from others', async () => {
  const query = '{ who(n: 7) }';
  const extensions = {
    persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') },
  };
  const send = async (body: object, graph?: string): Promise<Json> =>
    (await gateway.post(body, { headers: { ...staff, ...(graph && { 'x-weir-graph': graph }) } })).json();
  expect(await send({ query, extensions })).toEqual({ data: { who: 'prod' } });
  expect((await send({ extensions }, 'pr-1')).errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  expect(await send({ query, extensions }, 'pr-1')).toEqual({ data: { who: 'pr-1' } });
  expect(await send({ extensions }, 'pr-1')).toEqual({ data: { who: 'pr-1' } });
});

it('opens no more graphs than it may, and closes one that is idle for another', async () => {
  for (const graph of ['pr-1', 'pr-2', 'pr-3', 'pr-1'])
    expect((await ask('{ who }', { ...staff, 'x-weir-graph': graph })).data).toEqual({ who: graph });
  await eventually(() => gateway.log.filter(({ msg }) => msg === 'a graph is closed').length === 2);
  const held = new Set<() => void>();
  for (const graph of ['pr-1', 'pr-2'] as const)
    subgraphs[graph].answer = (_, response) =>
      held.add(() => {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"who":"held"}}');
      });
  const waiting = ['pr-1', 'pr-2'].map((graph) => ask('{ who(n: 1) }', { ...staff, 'x-weir-graph': graph }));
  await eventually(() => held.size === 2);
  const refused = await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-3' });
  expect([refused.status, refused.code, refused.headers.get('retry-after')]).toEqual([
    503,
    'OVERLOADED',
    '1',
  ]);
  expect((await ask('{ who }')).data).toEqual({ who: 'prod' });
  for (const release of held) release();
  for (const { data } of await Promise.all(waiting)) expect(data).toEqual({ who: 'held' });
  for (const graph of ['pr-1', 'pr-2'] as const) subgraphs[graph].answer = undefined;
});

it('opens one graph in a second once it has opened as many as may be open', async () => {
  await gateway.stop();
  const graphs = { ...options.graphs, open: 1, allow: [{ graph: 'shop@p*', groups: ['staff'] }] };
  gateway = await start({ graphs, timeouts: { request: '2s' } });
  const of = (graph: string) => ask('{ who }', { ...staff, 'x-weir-graph': graph });
  for (const graph of ['pr-1', 'pr-2']) expect((await of(graph)).data).toEqual({ who: graph });
  const begun = performance.now();
  expect((await of('pr-3')).data).toEqual({ who: 'pr-3' });
  expect(performance.now() - begun).toBeGreaterThan(500);
  const waiting = Promise.all(['pr-1', 'pr-2', 'partners'].map((graph) => of(graph)));
  expect((await ask('{ who }')).data).toEqual({ who: 'prod' });
  const statuses = (await waiting).map(({ status }) => status).sort();
  expect([statuses[0], statuses[2]]).toEqual([200, 503]);
});

it('refuses requests for a graph that does not open in time, and opens it later', async () => {
  await gateway.stop();
  gateway = await start({ timeouts: { request: '300ms' } });
  const of = () => ask('{ who }', { ...staff, 'x-weir-graph': 'pr-1' });
  const lookUp = jest.spyOn(GraphLookup.prototype, 'has').mockReturnValue(new Promise(() => undefined));
  const { status, code } = await of();
  lookUp.mockRestore();
  expect([status, code]).toEqual([503, 'NO_SUPERGRAPH']);
  await eventually(async () => (await of()).status === 200);
});

/** Has look-ups of graphs wait until `release` is called. */
function heldLookUp() {
  let release!: () => void;
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  const lookUp = jest.spyOn(GraphLookup.prototype, 'has').mockReturnValue(isReleased.then(() => true));
  return {
    hasBegun: () => lookUp.mock.calls.length > 0,
    release: () => {
      lookUp.mockRestore();
      release();
    },
  };
}

it('answers what waits for a graph when options change, and when clients leave', async () => {
  const { hasBegun, release } = heldLookUp();
  const of = { ...staff, 'x-weir-graph': 'pr-1' };
  const leaving = new AbortController();
  const body = JSON.stringify({ query: '{ who }' });
  const left = fetch(gateway.url, {
    ...{ method: 'POST', body, signal: leaving.signal },
    headers: { ...of, 'content-type': 'application/json' },
  }).catch(() => 'left');
  const waiting = ask('{ who }', of);
  await eventually(hasBegun);
  leaving.abort();
  expect(await left).toBe('left');
  await gateway.reload(() => ({
    ...{ ...options, port: 0, admin: { port: 0 }, supergraph: supergraph() },
    limits: { depth: 5 },
  }));
  release();
  expect((await waiting).data).toEqual({ who: 'pr-1' });
  expect((await ask('{ who }', of)).data).toEqual({ who: 'pr-1' });
});

it('refuses what waits for a graph when it stops, though the registry does not answer', async () => {
  await gateway.stop();
  gateway = await start({ shutdown: { grace: '500ms' } });
  const { hasBegun, release } = heldLookUp();
  const waiting = ask('{ who }', { ...staff, 'x-weir-graph': 'pr-1' });
  await eventually(hasBegun);
  const begun = performance.now();
  await gateway.stop();
  expect((await waiting).code).toBe('SHUTTING_DOWN');
  expect(performance.now() - begun).toBeLessThan(10_000);
  release();
  gateway = await start();
});

it('opens no graph for names that do not exist, and closes none for them', async () => {
  expect((await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-1' })).data).toEqual({ who: 'pr-1' });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => ask('{ who }', { ...staff, 'x-weir-graph': `pr-none-${i}` })),
  );
  for (const { code } of answers) expect(['OVERLOADED', 'UNKNOWN_GRAPH']).toContain(code);
  expect(gateway.log.filter(({ msg }) => msg === 'a graph is closed')).toEqual([]);
});

it('runs what is published to one graph, and leaves the others as they are', async () => {
  const added = '{ fresh }';
  const of = { ...staff, 'x-weir-graph': 'pr-1' };
  expect((await ask(added, of)).status).toBe(400);
  await publish('pr-1', `${typeDefs} extend type Query { fresh: Int }`);
  await eventually(async () => (await ask(added, of)).status === 200);
  expect((await ask(added)).status).toBe(400);
  expect((await ask(added, { ...staff, 'x-weir-graph': 'pr-2' })).status).toBe(400);
});

it('names the graph of a new supergraph in the audit trail and in the log', async () => {
  await gateway.stop();
  const to = `${stores.location}-audit.jsonl`;
  gateway = await start({ audit: { trails: [{ to, select: { actions: ['supergraph.swap'] } }] } });
  await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-1' });
  const read = () => readFileSync(to, 'utf8').trim().split('\n').filter(Boolean);
  await eventually(() => read().length === 2);
  const graphs = ['shop@prod', 'shop@pr-1'];
  expect(read().map((line) => JSON.parse(line).graph)).toEqual(graphs);
  const live = gateway.log.filter(({ msg }) => msg === 'a supergraph is live');
  expect(live.map(({ graph }) => graph)).toEqual(graphs);
});

it('sends requests of the default graph alone on to what is to replace it', async () => {
  await gateway.stop();
  gateway = await start({ shadow: { url: subgraphs.partners.url, share: 1 } });
  subgraphs.partners.requests.length = 0;
  await ask('{ who(n: 1) }', { ...staff, 'x-weir-graph': 'pr-2' });
  const { requests } = subgraphs.partners;
  // A busy gateway sends none on.
  for (let n = 2; requests.length === 0; n++) {
    await ask(`{ who(n: ${n}) }`);
    await eventually(() => requests.length > 0, 500).catch(() => undefined);
  }
  expect(requests.map(({ body }) => body.query)).not.toContain('{ who(n: 1) }');
});

it('refuses requests for a graph that does not load, and no others', async () => {
  subgraphs['pr-3'] = { ...subgraphs['pr-3'], url: 'http://169.254.169.254/graphql' };
  await publish('pr-3');
  const { status, code } = await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-3' });
  expect([status, code]).toEqual([503, 'NO_SUPERGRAPH']);
  expect((await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-2' })).data).toEqual({ who: 'pr-2' });
});

it('takes other options, and opens graphs by these', async () => {
  const of = { ...staff, 'x-weir-graph': 'pr-1' };
  expect((await ask('{ who }', of)).data).toEqual({ who: 'pr-1' });
  const limits = { depth: 1 };
  await gateway.reload(() => ({
    ...options,
    port: 0,
    admin: { port: 0 },
    supergraph: supergraph(),
    graphs: { ...options.graphs, of: { 'shop@pr-1': { limits } } },
  }));
  expect((await ask('{ me { name } }', of)).code).toBe('MAX_DEPTH_LIMIT');
  expect((await ask('{ me { name } }')).data.me.name).toBe('prod');
});

it('opens a graph whose schema lacks what events of the default graph name', async () => {
  await gateway.stop();
  await publish(
    'prod',
    `${typeDefs} type Item @key(fields: "id") { id: ID! } extend type Query { item: Item }`,
  );
  gateway = await start({
    events: {
      sources: { users: { type: 'subgraph', subgraph: 'users' } },
      types: { 'item.changed': { drop: { entities: [{ type: 'Item', key: { id: 'subject' } }] } } },
    },
  });
  expect((await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-2' })).data).toEqual({ who: 'pr-2' });
});

describe('what operators see', () => {
  const token = 'the-token-of-operators';
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const read = async (path: string): Promise<Json> =>
    (await fetch(`${gateway.adminUrl}${path}`, { headers })).json();
  beforeEach(async () => {
    await gateway.stop();
    gateway = await start({ admin: { port: 0, token, console: { sampling: 1 } } });
  });

  it('has the graphs in metrics that the options name, and others as one', async () => {
    const graphs = ['pr-1', 'pr-2', 'pr-none'];
    for (const graph of graphs) await ask('{ who }', { ...staff, 'x-weir-graph': graph });
    await ask('{ who }');
    await ask('{ who }', { 'x-weir-graph': 'pr-1' });
    await eventually(async () => /weir_graphs_open 2/.test(await gateway.metrics()));
    const metrics = await gateway.metrics();
    const counts = metrics.matchAll(/^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm);
    const byGraph = Object.fromEntries(
      Array.from(counts, ([, labels, count]) => [
        `${/weir_graph="([^"]*)"/.exec(labels!)?.[1]} ${/status_code="(\d+)"/.exec(labels!)?.[1]}`,
        Number(count),
      ]),
    );
    expect(byGraph).toEqual({ 'other 200': 2, 'other 404': 1, 'shop@prod 200': 1, 'undefined 403': 1 });
    const openings = [...metrics.matchAll(/^weir_graphs_openings_total\{result="(\w+)"\} (\d+)$/gm)];
    expect(openings.map(([, result, count]) => `${result} ${count}`).sort()).toEqual([
      'opened 2',
      'unknown 1',
    ]);
  });

  it('has the graph of each recorded request, explained by its own schema', async () => {
    await publish('pr-2', `${typeDefs} extend type Query { fresh: Int }`);
    const { headers: answered } = await ask('query A { fresh }', { ...staff, 'x-weir-graph': 'pr-2' });
    await ask('query A { who }');
    await eventually(async () => (await read('/console/api/requests')).length === 2);
    const [found, ...others] = await read('/console/api/requests?graph=shop%40pr-2');
    expect([found.graph, found.id, others]).toEqual(['shop@pr-2', answered.get('x-request-id'), []]);
    const { document } = await read(`/console/api/requests/${found.id}`);
    expect(document.parts).toEqual([expect.objectContaining({ path: 'fresh', subgraphs: ['users'] })]);
  });

  it('invalidates names that one graph has', async () => {
    await publish(
      'pr-3',
      `${typeDefs} type Thing @key(fields: "id") { id: ID! } extend type Query { thing: Thing }`,
    );
    await ask('{ who }', { ...staff, 'x-weir-graph': 'pr-3' });
    const invalidate = async (body: object) => {
      const sent = { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch(`${gateway.adminUrl}/cache/invalidate`, sent);
      return [response.status, await response.json()];
    };
    expect(await invalidate({ types: ['Thing'], graph: 'shop@pr-3' })).toEqual([
      200,
      { invalidated: ['type:Thing'] },
    ]);
    for (const body of [
      { types: ['Thing'] },
      { types: ['Thing'], graph: 'shop@prod' },
      { graph: 'shop@pr-3' },
    ])
      expect((await invalidate(body))[0]).toBe(400);
  });
});
