import { createServer } from 'node:http';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IntrospectAndCompose } from '@apollo/gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSmallGraph, type SmallGraph } from '../support/small-graph';
import { amountOf, timeFor } from '../support/amounts';

/** Of what is done again and again; `WEIR_ROUNDS=100` for a longer run. */
const rounds = amountOf('WEIR_ROUNDS', 3, 6);

jest.setTimeout(timeFor(rounds, 6));

let graph: SmallGraph;
let gateway: TestGateway | undefined;
let folder: string;

beforeAll(async () => {
  graph = await startSmallGraph();
  folder = await mkdtemp(join(tmpdir(), 'weir-reload-'));
});

beforeEach(() => {
  graph.accounts.answer = undefined;
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

afterAll(async () => {
  await graph.close();
  await rm(folder, { recursive: true });
});

/** The supergraph with one more field of `Query` in accounts. */
const withField = (field: string) =>
  compose([
    { ...graph.accounts, typeDefs: graph.accounts.typeDefs.replace('me: User', `me: User ${field}: User`) },
    graph.reviews,
  ]);

const queryFields = async (from: TestGateway): Promise<string[]> => {
  const { data } = await from.query('{ __schema { queryType { fields { name } } } }');
  return data.__schema.queryType.fields.map(({ name }: { name: string }) => name);
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((later) => setTimeout(later, 20));
}

it('runs a new supergraph from one request to the next', async () => {
  const supergraph = sourceOf(graph.supergraphSdl);
  gateway = await startTestGateway({ supergraph, mode: 'development' });
  expect(await queryFields(gateway)).not.toContain('owner');
  supergraph.report(withField('owner'));
  await until(async () => (await queryFields(gateway!)).includes('owner'));
  expect(await gateway.metrics()).toContain('weir_supergraph_updates_total{result="swapped"} 2');
});

it('ends a request on the supergraph that validated it', async () => {
  const supergraph = sourceOf(withField('owner'));
  gateway = await startTestGateway({ supergraph, mode: 'development' });
  let answer!: () => void;
  const asked = new Promise<void>((resolve) => {
    graph.accounts.answer = (_, response) => {
      answer = () =>
        response.setHeader('content-type', 'application/json').end('{"data":{"owner":{"name":"Ada"}}}');
      resolve();
    };
  });
  const slow = gateway.query('{ owner { name } }');
  await asked;
  supergraph.report(graph.supergraphSdl);
  await until(async () => !(await queryFields(gateway!)).includes('owner'));
  answer();
  expect((await slow).data).toEqual({ owner: { name: 'Ada' } });
});

it('refuses what cannot be run, goes on with the last good one, and takes the next good one', async () => {
  const good = graph.supergraphSdl;
  const link = '@link(url: "https://specs.apollo.dev/link/v1.0")';
  const bad = {
    'half of a supergraph': good.slice(0, good.length / 2),
    HTML: '<!doctype html><p>502</p>',
    'a schema that is no supergraph': 'type Query { a: Int }',
    'a subgraph URL with file:': good.replace(/url: "http:[^"]*"/, 'url: "file:///etc/passwd"'),
    'a link-local subgraph URL': good.replace(/url: "http:[^"]*"/, 'url: "http://169.254.169.254/"'),
    'an unknown feature': good.replace(
      link,
      `${link} @link(url: "https://example.com/lock/v1.0", for: SECURITY)`,
    ),
  };
  const supergraph = sourceOf(good);
  gateway = await startTestGateway({ supergraph });
  let refused = 0;
  for (const [name, sdl] of Object.entries(bad)) {
    supergraph.report(sdl);
    refused++;
    await until(
      () => gateway!.log.filter(({ msg }) => msg === 'a supergraph was refused').length === refused,
    );
    const answer: unknown = await gateway.query('{ me { name } }');
    expect([name, answer]).toEqual([name, { data: { me: { name: 'Ada' } } }]);
  }
  expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);
  expect(await gateway.metrics()).toContain(`weir_supergraph_updates_total{result="refused"} ${refused}`);

  supergraph.report(withField('mended'));
  await until(async () => (await gateway!.post({ query: '{ mended { name } }' })).status === 200);
});

it('loses no request and keeps no thread while supergraphs change under load, every fifth for the worse', async () => {
  const supergraphs = [withField('a'), withField('b')];
  const supergraph = sourceOf(supergraphs[0]);
  gateway = await startTestGateway({ supergraph });
  let running = true;
  const answers: string[] = [];
  const client = async () => {
    while (running)
      answers.push(JSON.stringify(await gateway!.query('{ user(id: "u1") { name reviews { rating } } }')));
  };
  const clients = [client(), client()];
  const before = threads();
  const told = (what: string) => gateway!.log.filter(({ msg }) => msg === what).length;
  for (let i = 1; i <= rounds; i++) {
    const isBad = i % 5 === 0;
    const bad = Math.floor(i / 5);
    supergraph.report(isBad ? 'type Query {' : supergraphs[(i - bad) % 2]!);
    // One more was live from the start.
    await until(
      () => told('a supergraph is live') === 1 + i - bad && told('a supergraph was refused') === bad,
    );
  }
  running = false;
  await Promise.all(clients);
  if (rounds > 10) process.stdout.write(`${rounds} rounds, ${answers.length} answers\n`);
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).not.toContain('errors');
  await until(() => threads() <= before);
});

// It would look up the name of each address.
Object.assign(process.report, { excludeNetwork: true });

const threads = (): number =>
  (process.report.getReport() as { readonly workers: readonly unknown[] }).workers.length;

describe('from a file', () => {
  it('runs what is written to it, and survives that it is emptied or removed', async () => {
    const file = join(folder, 'supergraph.graphql');
    await writeFile(file, graph.supergraphSdl);
    gateway = await startTestGateway({ supergraph: file, mode: 'development' });
    await writeFile(file, '');
    await until(() => gateway!.log.some(({ reason }) => reason === `${file} is empty.`));
    await rm(file);
    await until(() => gateway!.log.some(({ reason }) => reason === `${file} does not exist.`));
    expect((await gateway.query('{ me { name } }')).data).toEqual({ me: { name: 'Ada' } });

    await writeFile(`${file}.new`, withField('fresh'));
    await rename(`${file}.new`, file);
    await until(async () => (await queryFields(gateway!)).includes('fresh'));
  });
});

it('starts without its supergraph URL, says so, and is ready once it has one', async () => {
  const served: { supergraphSdl?: string } = {};
  const server = createServer((_, response) => {
    if (served.supergraphSdl === undefined) response.writeHead(503).end('<html>');
    else response.end(served.supergraphSdl);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/supergraph`;

  gateway = await startTestGateway({ supergraph: { url, pollInterval: 50 } });
  const ready = await fetch(new URL('/health/ready', gateway.url));
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 'not ready', reasons: ['no supergraph'] },
  ]);
  const answer = await gateway.post({ query: '{ me { name } }' });
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'NO_SUPERGRAPH' } }] });

  served.supergraphSdl = graph.supergraphSdl;
  await until(async () => (await fetch(new URL('/health/ready', gateway!.url))).status === 200);
  expect(await gateway.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

it('stops while it has no supergraph yet', async () => {
  const supergraph = sourceOf(undefined);
  const waiting = await startTestGateway({ supergraph });
  await waiting.stop();
  expect(supergraph.stopped).toBe(true);
});

it("takes Apollo's managers, such as IntrospectAndCompose", async () => {
  const subgraphs = [graph.accounts, graph.reviews].map(({ name, url }) => ({ name, url }));
  gateway = await startTestGateway({
    supergraph: new IntrospectAndCompose({ subgraphs, subgraphHealthCheck: true }),
  });
  expect(await gateway.query('{ user(id: "u1") { name reviews { rating } } }')).toEqual({
    data: { user: { name: 'Ada', reviews: [{ rating: 5 }, { rating: 3 }] } },
  });
});
