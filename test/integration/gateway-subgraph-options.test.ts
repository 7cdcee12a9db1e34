import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSmallGraph, startSubgraph, type SmallGraph } from '../support/small-graph';
import { certificate, serveHttps } from '../support/subgraph-servers';

let graph: SmallGraph;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  graph = await startSmallGraph();
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

afterAll(() => graph.close());

it('leaves out what a subgraph answers at greater length than `connections.response`', async () => {
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    connections: { response: '64B' },
  });
  expect(await gateway.query('{ user(id: "u1") { name } }')).toEqual({ data: { user: { name: 'Ada' } } });
  const { data, errors } = await gateway.query('{ user(id: "u1") { name reviews { id rating } } }');
  expect(data).toEqual({ user: { name: 'Ada', reviews: null } });
  expect(errors).toHaveLength(1);
});

it('calls subgraphs with certificates of its own authority, and says when their file is missing', async () => {
  const secure = await serveHttps((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"data":{"me":{"name":"Ada"}}}');
  });
  const folder = await mkdtemp(join(tmpdir(), 'weir-test-'));
  const ca = join(folder, 'ca.pem');
  const start = (connections: { ca?: string }) =>
    startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      subgraphs: { accounts: { url: secure.url } },
      connections,
    });
  await expect(start({ ca })).rejects.toMatchObject({
    name: 'OptionsError',
    message: expect.stringContaining('`connections.ca` names '),
  });
  await writeFile(ca, certificate);
  gateway = await start({ ca });
  expect(await gateway.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
  await gateway.stop();
  gateway = await start({});
  expect((await gateway.query('{ me { name } }')).data).toEqual({ me: null });
  await secure.stop();
  await rm(folder, { recursive: true });
});

it('sends a subgraph no more calls than its `rate` allows, and other subgraphs as many as ever', async () => {
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    calls: { rate: { limit: 1000 } },
    subgraphs: { reviews: { rate: { limit: 1, window: '1h' } } },
  });
  const ask = () => gateway!.query('{ user(id: "u1") { name reviews { rating } } }');
  expect((await ask()).errors).toBeUndefined();
  const { data, errors } = await ask();
  expect(data).toEqual({ user: { name: 'Ada', reviews: null } });
  expect(errors).toMatchObject([
    {
      message: 'Subgraph "reviews" was not called: it has had as many calls as its `rate` allows.',
      path: ['user', 'reviews'],
      extensions: { code: 'SUBGRAPH_RATE_LIMITED', service: 'reviews' },
    },
  ]);
  expect(gateway.log).toContainEqual(
    expect.objectContaining({
      err: expect.objectContaining({ message: 'The limit is 1 calls in 3600000 ms.' }),
    }),
  );
});

it('refuses an operation that needs more than `planning` allows', async () => {
  const supergraph = () => sourceOf(graph.supergraphSdl);
  gateway = await startTestGateway({ supergraph: supergraph(), planning: { steps: 5 } });
  const { errors } = await gateway.query('{ user(id: "u1") { name reviews { rating author { name } } } }');
  expect(errors).toMatchObject([
    {
      message: 'The operation is too complex to be planned: it takes more than 5 steps.',
      extensions: { code: 'QUERY_TOO_COMPLEX' },
    },
  ]);
});

it('has progressive overrides on for as many percent of the requests as `overrides` says', async () => {
  const subgraph = (name: string, directive: string) =>
    startSubgraph({
      name,
      typeDefs: `
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@override"])
        type Query { ${name}: Product }
        type Product @key(fields: "id") { id: ID! stock: String ${directive} }`,
      resolvers: {
        Query: { [name]: () => ({ id: '1' }) },
        Product: { stock: () => name, __resolveReference: (it: object) => it },
      },
    });
  const older = await subgraph('older', '');
  const newer = await subgraph('newer', '@override(from: "older", label: "moving")');
  const stockWith = async (overrides?: Record<string, number>) => {
    gateway = await startTestGateway({ supergraph: sourceOf(compose([older, newer])), overrides });
    const { data } = await gateway.query('{ older { stock } }');
    await gateway.stop();
    return data.older.stock as string;
  };
  expect(await stockWith()).toBe('older');
  expect(await stockWith({ moving: 100 })).toBe('newer');
  expect(await stockWith({ moving: 0 })).toBe('older');
  gateway = undefined;
  await Promise.all([older.close(), newer.close()]);
});
