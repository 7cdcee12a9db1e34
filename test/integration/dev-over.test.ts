/** `weir dev --over`: a local subgraph over the others of a graph. Over 300 lines: all start the same graph. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runningGraphFile } from '../../cli/gateway/running-graph';
import { eventually } from '../support/process';
import { runCli } from '../../cli/program';
import { type RunningCli, startCli } from '../support/run-cli';
import type { Json } from '../support/running-gateway';
import {
  compose,
  type SmallGraph,
  startSmallGraph,
  startSubgraph,
  type TestSubgraph,
} from '../support/small-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const supergraph = join(folder, 'supergraph.graphql');
const registry = join(folder, 'registry');
const secret = 'Bearer planted-0123456789';
const env = { ACCOUNTS_TOKEN: secret };

let graph: SmallGraph;
let published: TestSubgraph;
let local: TestSubgraph;
let sdl: string;
let weir: RunningCli;

beforeAll(async () => {
  graph = await startSmallGraph();
  published = graph.reviews;
  local = await startSubgraph({ name: 'reviews', typeDefs: 'type Query { a: Int }', resolvers: {} });
  // The user's reviews of the local service, with its schema as it is now.
  local.answer = (_request, response) => {
    const { query, variables } = local.requests.at(-1)!.body;
    const data = query.includes('_service')
      ? { _service: { sdl } }
      : { _entities: (Object.values(variables)[0] as Json[]).map(() => ({ reviews: [{ stars: 5 }] })) };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
  };
  sdl = schemaWith('stars: Int');
  writeFileSync(supergraph, compose([graph.accounts, published]));
});

afterAll(async () => {
  await graph.close();
  await local.close();
  rmSync(folder, { recursive: true });
});

const schemaWith = (field: string): string => `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Review @key(fields: "id") { id: ID! ${field} }
type User @key(fields: "id") { id: ID! reviews: [Review!] }
`;

const start = async (over: string, ...flags: string[]): Promise<RunningCli> => {
  const started = startCli(
    ['dev', '--over', over, '--local', `reviews=${local.url}`, '--port', '0', ...flags],
    env,
  );
  await started.printed(/curl/);
  return started;
};

const ask = async (query: string): Promise<Json> => {
  const [, url] = /Endpoint +(\S+)/.exec(weir.stdout)!;
  const response = await fetch(url!, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
};

const question = '{ user(id: "u1") { name reviews { stars } } }';
const answer = { user: { name: 'Ada', reviews: [{ stars: 5 }] } };

describe('a local subgraph over a supergraph', () => {
  beforeAll(async () => {
    weir = await start(supergraph, '--header', 'authorization=ACCOUNTS_TOKEN');
  });
  afterAll(() => weir.stop());
  afterEach(() => (graph.accounts.answer = undefined));

  it('is joined with the others, in place of the published one', async () => {
    expect((await ask(question)).data).toEqual(answer);
    expect(published.requests).toEqual([]);
  });

  it('gets no credentials that are for the others', async () => {
    await ask(question);
    expect(graph.accounts.requests.at(-1)!.headers.authorization).toBe(secret);
    expect(JSON.stringify(local.requests.map(({ headers }) => headers))).not.toContain('planted');
  });

  it('that does not compose changes nothing, and is taken up when it does', async () => {
    sdl = schemaWith('stars: Itn');
    await weir.printed(/goes on with the last supergraph/);
    expect(weir.stderr).toContain('error INVALID_GRAPHQL: Unknown type Itn');
    expect(weir.stderr).toContain(`${local.url}:3:49 (reviews)`);
    expect((await ask(question)).data).toEqual(answer);
    sdl = schemaWith('stars: Int text: String');
    await weir.printed(/the new supergraph is live/);
    expect((await ask('{ __type(name: "Review") { fields { name } } }')).data.__type.fields).toEqual([
      { name: 'id' },
      { name: 'stars' },
      { name: 'text' },
    ]);
  });

  it('beside one that refuses: its fields are null, with the way out', async () => {
    // It repeats what it was sent.
    graph.accounts.answer = ({ headers }, response) =>
      response.writeHead(401).end(JSON.stringify({ errors: [{ message: `Not ${headers.authorization}!` }] }));
    const { data, errors } = await ask(question);
    expect(data).toEqual({ user: null });
    expect(errors[0].message).toBe(
      'accounts refuses this gateway with status 401: give its credentials with --header NAME=VARIABLE, or as `subgraphs.accounts.auth` in weir.yaml; if it takes calls by a private link alone, name a key of it in WEIR_LINK_KEYS; or answer for it with --mock accounts. It says: Not [hidden]!',
    );
    expect(weir.stderr).toContain('accounts refuses this gateway with status 401: give its credentials');
  });

  it('beside one that is not there: its fields are null, with the reason', async () => {
    graph.accounts.answer = (request) => request.socket.destroy();
    const { data, errors } = await ask(question);
    expect(data).toEqual({ user: null });
    expect(errors[0].message).toMatch(/^Subgraph "accounts" closed the connection/);
    expect(weir.stderr).toContain(
      `at ${graph.accounts.url}: name another address with --at accounts=URL, or answer for it with --mock accounts.`,
    );
  });

  it('shows the credentials nowhere', async () => {
    const { admin } = JSON.parse(readFileSync(runningGraphFile, 'utf8'));
    const headers = { authorization: `Bearer ${admin.token}` };
    const shown = [weir.stdout, weir.stderr, readFileSync(runningGraphFile, 'utf8')];
    const paths = ['about', 'gateways', 'requests', 'refusals', 'live', 'operations', 'errors', 'report'];
    for (const path of [...paths, 'graph', 'schema', 'options', 'versions'].map(
      (each) => `/console/api/${each}`,
    )) {
      const response = await fetch(new URL(path, admin.url), { headers });
      expect({ path, status: response.status }).toEqual({ path, status: 200 });
      shown.push(await response.text());
    }
    const requests = JSON.parse(shown[5]!) as Json[];
    for (const { id } of requests)
      shown.push(await (await fetch(new URL(`/console/api/requests/${id}`, admin.url), { headers })).text());
    shown.push(await (await fetch(new URL('/metrics', admin.url), { headers })).text());
    expect(shown.join('')).not.toContain('planted');
  });
});

describe('over a supergraph', () => {
  afterEach(() => weir.stop());

  it('takes a schema from a file, and addresses from flags', async () => {
    const file = join(folder, 'reviews.graphql');
    sdl = 'not asked for';
    writeFileSync(file, schemaWith('stars: Int'));
    writeFileSync(
      supergraph,
      compose([{ ...graph.accounts, url: 'http://accounts.invalid/graphql' }, published]),
    );
    weir = await start(
      supergraph,
      '--local-schema',
      `reviews=${file}`,
      '--at',
      `accounts=${graph.accounts.url}`,
    );
    expect((await ask(question)).data).toEqual(answer);
    writeFileSync(file, schemaWith('stars: Int text: String'));
    await weir.printed(/the new supergraph is live/);
  });

  it('takes a new subgraph, and mocks others', async () => {
    sdl = 'type Query { fresh: Int }';
    weir = startCli(
      [
        'dev',
        '--over',
        supergraph,
        '--port',
        '0',
        '--local',
        `fresh=${local.url}`,
        '--mock',
        'accounts',
        'reviews',
      ],
      env,
    );
    await weir.printed(/curl/);
    const { data, extensions } = await ask('{ latestReviews { id author { id name } } }');
    expect(data.latestReviews).toHaveLength(3);
    expect(extensions.weir.mocked).toEqual(['accounts', 'reviews']);
  });
});

describe('a local subgraph over a graph of the registry', () => {
  const weirRun = async (...args: string[]): Promise<string> => {
    let printed = '';
    const output = { write: (text: string) => (printed += text) };
    const { signal } = new AbortController();
    expect(await runCli(args, { stdout: output, stderr: output, env: {}, signal })).toBe(0);
    return printed;
  };
  const publish = (name: string, schema: string, url: string): Promise<string> => {
    const file = join(folder, `${name}.graphql`);
    writeFileSync(file, schema);
    const to = ['--registry', registry, '--graph', 'shop@prod'];
    return weirRun('publish', name, '--schema', file, '--routing-url', url, ...to);
  };

  beforeAll(async () => {
    sdl = schemaWith('stars: Int');
    await publish('accounts', graph.accounts.typeDefs, graph.accounts.url);
    await publish('reviews', published.typeDefs, published.url);
    weir = await start('shop@prod', '--registry', registry);
  });
  afterAll(() => weir.stop());

  it('is joined with the published ones, at their addresses', async () => {
    expect((await ask(question)).data).toEqual(answer);
    expect(weir.stdout).toContain('shop@prod and what is put over it are watched');
  });

  it('is joined with what others publish meanwhile', async () => {
    const schema = graph.accounts.typeDefs.replace('type Query {', 'type Query { newest: User ');
    await publish('accounts', schema, graph.accounts.url);
    await weir.printed(/the new supergraph is live/);
    await eventually(
      async () =>
        (await ask('{ newest { id } }')).errors?.[0].extensions.code !== 'GRAPHQL_VALIDATION_FAILED',
    );
  });
});

describe('refuses', () => {
  const refusal = async (...args: string[]) => {
    const { exitCode, stderr } = await startCli(['dev', '--port', '0', ...args], env).result;
    return { exitCode, stderr };
  };

  it.each([
    [
      ['--over', 'shop@prod'],
      'in which registry is shop@prod? Name it with --registry LOCATION, or in WEIR_REGISTRY.',
    ],
    [['--local', 'a=http://a.test'], '--local has no effect without --over GRAPH.'],
    [
      ['--over', 'x.graphql', '--supergraph-config', 'y.yaml'],
      '--over and --supergraph-config each name a graph: leave one out.',
    ],
    [
      ['--over', 'x.graphql', '--local', 'reviews'],
      '--local must name a subgraph, and after = what is meant, such as reviews=http://localhost:4001/graphql.',
    ],
    [
      ['--over', 'x.graphql', '--at', 'reviews=ftp://a.test'],
      '--at must name a subgraph, and after = what is meant, such as products=http://localhost:4002/graphql.',
    ],
    [
      ['--over', 'x.graphql', '--header', 'authorization=NONE'],
      '--header authorization names a variable of the environment that is not set: give the name of the variable, and export it.',
    ],
  ])('%j', async (args, sentence) => {
    expect(await refusal(...args)).toEqual({ exitCode: 2, stderr: `weir: ${sentence}\n` });
  });

  it('a password in a URL, without printing it', async () => {
    const { exitCode, stderr } = await refusal(
      '--over',
      'x.graphql',
      '--local',
      'a=http://me:planted@a.test',
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^weir: a URL must have no user name and password/);
    expect(stderr).not.toContain('planted');
  });

  it('a subgraph that is local and mocked', async () => {
    const args = ['--over', supergraph, '--local', `reviews=${local.url}`, '--mock', 'reviews'];
    expect(await refusal(...args)).toEqual({
      exitCode: 2,
      stderr: 'weir: reviews is named by --local and by --mock: leave one out.\n',
    });
  });

  it.each(['--at', '--local-schema'])('a subgraph that the graph does not have, for %s', async (flag) => {
    expect(await refusal('--over', supergraph, flag, 'review=http://a.test')).toEqual({
      exitCode: 2,
      stderr: `error CONFIG_INVALID: ${flag}: ${supergraph} has no subgraph review; it has: accounts, reviews. A new one needs --local review=URL.\n`,
    });
  });

  it('an address of the graph that is none, or holds a password, without printing it', async () => {
    const file = join(folder, 'addresses.graphql');
    for (const [address, sentence] of [
      ['', 'Subgraph "accounts" has no URL in the supergraph'],
      ['http://user:planted@a.test/?key=planted', 'must not hold a name or a password'],
      ['http://169.254.169.254/graphql', 'must not be a link-local or metadata address'],
    ] as const) {
      writeFileSync(file, compose([graph.accounts, published]).replace(graph.accounts.url, address));
      const args = ['dev', '--over', file, '--local', `reviews=${local.url}`, '--port', '0'];
      const { exitCode, stdout, stderr } = await startCli(args).result;
      expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(sentence) });
      expect(stdout + stderr).not.toContain('planted');
    }
  });

  it('a file that is no supergraph, or does not exist', async () => {
    const file = join(folder, 'subgraph.graphql');
    writeFileSync(file, 'type Query { a: Int }');
    expect((await refusal('--over', file)).stderr).toContain(`${file} is no supergraph: `);
    expect((await refusal('--over', `${file}.none`)).stderr).toContain(`${file}.none does not exist.`);
  });
});
