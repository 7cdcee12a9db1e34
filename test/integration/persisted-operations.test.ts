/** Operations that clients name in place of sending them, over real sockets. Over 300 lines: each way to name one, in one gateway or many. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionsInput } from '../../gateway';
import { RedisStore } from '../../gateway/cache/stores/redis';
import { RedisServer } from '../../gateway/redis/open-redis';
import { readTrustedOperations } from '../../gateway/request/persisted/trusted-operations';
import { eventually } from '../support/process';
import { redisProgram, sayWithoutRedis, startRedis } from '../support/redis-server';
import { startCli } from '../support/run-cli';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { processorTime } from '../support/times';

const folder = mkdtempSync(join(tmpdir(), 'weir-persisted-'));
const supergraph = join(folder, 'supergraph.graphql');
let graph: SmallGraph;
const gateways: TestGateway[] = [];

beforeAll(async () => {
  sayWithoutRedis();
  graph = await startSmallGraph();
  writeFileSync(supergraph, graph.supergraphSdl);
});
afterEach(async () => {
  graph.accounts.headers = {};
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});
afterAll(async () => {
  await graph.close();
  rmSync(folder, { recursive: true });
});

const fixed: OptionsInput = { supergraph, port: 0, admin: { port: 0 }, limits: { batch: 5 } };

async function start(options: OptionsInput = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ ...fixed, ...options });
  gateways.push(gateway);
  return gateway;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const named = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
const query = '{ me { name } }';
const other = '{ me { id } }';
const byHash = named(sha256(query));
const data = { data: { me: { name: 'Ada' } } };

/** The data, or what the answer says in place of it. */
const said = (status: number, { data: found, errors }: Json): Json =>
  errors ? `${status} ${errors[0].extensions.code}` : { data: found };

async function post(gateway: TestGateway, body: Json): Promise<Json> {
  const response = await gateway.post(body);
  return said(response.status, await response.json());
}

async function postBatch(gateway: TestGateway, body: Json[]): Promise<Json> {
  const response = await gateway.post(body);
  const answers: Json = await response.json();
  return Array.isArray(answers)
    ? answers.map((each) => said(response.status, each))
    : said(response.status, answers);
}

const getUrl = (gateway: TestGateway, parameters: Json): string =>
  `${gateway.url}?${new URLSearchParams(
    Object.entries<Json>(parameters).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ).toString()}`;

async function get(gateway: TestGateway, parameters: Json) {
  const headers = { 'apollo-require-preflight': 'yes' };
  const response = await fetch(getUrl(gateway, parameters), { headers });
  return {
    control: response.headers.get('cache-control'),
    cache: response.headers.get('x-cache'),
    allow: response.headers.get('allow'),
    said: said(response.status, await response.json()),
  };
}

let files = 0;
function manifest(content: unknown): string {
  const file = join(folder, `manifest-${files++}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const apolloManifest = (...bodies: string[]) => ({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: bodies.map((body, i) => ({ id: `id-${i}`, name: 'Me', type: 'query', body })),
});

describe('automatic persisted queries', () => {
  it('are registered once, and known by their hash on every way in', async () => {
    const gateway = await start();
    expect(await post(gateway, byHash)).toBe('200 PERSISTED_QUERY_NOT_FOUND');
    expect(await postBatch(gateway, [byHash, { query: other }])).toEqual([
      '200 PERSISTED_QUERY_NOT_FOUND',
      { data: { me: { id: 'u1' } } },
    ]);
    expect(await post(gateway, { query, ...byHash })).toEqual(data);
    for (let i = 0; i < 3; i++) expect(await post(gateway, byHash)).toEqual(data);
    expect(await post(gateway, { documentId: `sha256:${sha256(query)}` })).toEqual(data);
    expect(await postBatch(gateway, [byHash, byHash])).toEqual([data, data]);
    expect((await get(gateway, byHash)).said).toEqual(data);
    const metrics = await gateway.metrics();
    expect(metrics).toContain('weir_persisted_operations_total{result="registered"} 1');
    expect(metrics).toContain('weir_persisted_operations_total{result="not_found"} 2');
    expect(metrics).toContain('weir_persisted_operations_total{result="found"} 7');
  });

  it('take variables and an operation name', async () => {
    const gateway = await start();
    const two = 'query One { me { id } } query Two($id: ID!) { user(id: $id) { name } }';
    const request = { ...named(sha256(two)), operationName: 'Two', variables: { id: 'u2' } };
    expect(await post(gateway, { query: two, ...request })).toEqual({ data: { user: { name: 'Grace' } } });
    for (let i = 0; i < 2; i++)
      expect(await post(gateway, { ...request, variables: { id: 'u1' } })).toEqual({
        data: { user: { name: 'Ada' } },
      });
  });

  it('are answered by GET so that a CDN can keep the answer, but not that they are unknown', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    const gateway = await start({ cache: { cdn: { enabled: true } } });
    const unknown = await get(gateway, byHash);
    expect([unknown.said, unknown.control]).toEqual([
      '200 PERSISTED_QUERY_NOT_FOUND',
      'private, no-cache, must-revalidate',
    ]);
    await post(gateway, { query, ...byHash });
    for (const parameters of [byHash, byHash, { documentId: `sha256:${sha256(query)}` }])
      expect(await get(gateway, parameters)).toMatchObject({
        control: 'public, max-age=0, s-maxage=60',
        cache: 'HIT',
        said: data,
      });
  });

  it('that are mutations are refused over GET, by their hash too', async () => {
    const gateway = await start();
    const mutation = 'mutation { rename(id: "u9", name: "x") { name } }';
    await post(gateway, { query: mutation, ...named(sha256(mutation)) });
    graph.accounts.requests.length = 0;
    expect(await get(gateway, named(sha256(mutation)))).toMatchObject({
      said: '405 METHOD_NOT_ALLOWED',
      allow: 'POST',
    });
    expect(graph.accounts.requests).toEqual([]);
  });

  it('are not sent to a page of somebody else: a GET needs a header that such a page cannot set', async () => {
    const gateway = await start();
    await post(gateway, { query, ...byHash });
    const response = await fetch(getUrl(gateway, byHash));
    expect(said(response.status, await response.json())).toBe('400 BAD_REQUEST');
  });

  it('are not taken under the hash of another operation, and not if they are not valid', async () => {
    const gateway = await start();
    expect(await post(gateway, { query: other, ...byHash })).toBe('400 BAD_REQUEST');
    expect(await post(gateway, byHash)).toBe('200 PERSISTED_QUERY_NOT_FOUND');
    const wrong = '{ nobody }';
    expect(await post(gateway, { query: wrong, ...named(sha256(wrong)) })).toBe(
      '400 GRAPHQL_VALIDATION_FAILED',
    );
    expect(await post(gateway, named(sha256(wrong)))).toBe('200 PERSISTED_QUERY_NOT_FOUND');
  });

  it.each([
    ['a hash that is none', named('constructor')],
    ['a hash that is no text', { extensions: { persistedQuery: { version: 1, sha256Hash: { a: 1 } } } }],
    ['a hash of a megabyte', named('a'.repeat(900_000))],
    ['an id of a prototype', { documentId: '__proto__' }],
  ])('are not found by %s', async (_, body) => {
    expect(await post(await start(), body)).toBe('200 PERSISTED_QUERY_NOT_FOUND');
  });

  it('ask of every client what it may ask, whoever registered them', async () => {
    const gateway = await start({
      auth: { anonymous: true, apiKeys: [{ client: 'staff', sha256: sha256('key') }] },
      limits: { depth: 3, classes: [{ client: 'staff', depth: 10 }] },
    });
    const deep = '{ me { reviews { author { name } } } }';
    const staff = { headers: { 'x-api-key': 'key' } };
    expect((await gateway.post({ query: deep, ...named(sha256(deep)) }, staff)).status).toBe(200);
    for (let i = 0; i < 2; i++) {
      expect(await post(gateway, named(sha256(deep)))).toBe('400 MAX_DEPTH_LIMIT');
      expect((await get(gateway, named(sha256(deep)))).said).toBe('400 MAX_DEPTH_LIMIT');
      expect((await gateway.post(named(sha256(deep)), staff)).status).toBe(200);
    }
  });

  it('are forgotten when more are registered than there is room for', async () => {
    const gateway = await start({ cache: { memory: '1MiB' } });
    const long = (i: number): string => `${query} # ${i} ${'x'.repeat(500_000)}`;
    const count = 20;
    await post(gateway, { query, ...byHash });
    for (let i = 0; i < count; i++) {
      const text = long(i);
      expect(await post(gateway, { query: text, ...named(sha256(text)) })).toEqual(data);
    }
    expect(await post(gateway, byHash)).toBe('200 PERSISTED_QUERY_NOT_FOUND');
    expect(await post(gateway, named(sha256(long(count - 1))))).toEqual(data);
  });

  it('outlive new options', async () => {
    const gateway = await start();
    await post(gateway, { query, ...byHash });
    await gateway.reload(() => ({ ...fixed, limits: { ...fixed.limits, depth: 10 } }));
    expect(await post(gateway, byHash)).toEqual(data);
  });

  it('can be off', async () => {
    const gateway = await start({ persistedOperations: { automatic: false } });
    expect(await post(gateway, { query, ...byHash })).toBe('200 PERSISTED_QUERY_NOT_SUPPORTED');
    expect(await post(gateway, byHash)).toBe('200 PERSISTED_QUERY_NOT_SUPPORTED');
    expect(await post(gateway, { query })).toEqual(data);
  });
});

(redisProgram === undefined ? describe.skip : describe)('with a store that gateways share', () => {
  const cache = (url: string) => ({ store: url, timeout: '5s' });

  it('what one registers is known to all, and nothing fails while the store is away', async () => {
    const redis = await startRedis();
    try {
      const [one, two] = [await start({ cache: cache(redis.url) }), await start({ cache: cache(redis.url) })];
      await post(one, { query, ...byHash });
      // It is registered beside the answer.
      await eventually(async () => typeof (await post(two, byHash)) === 'object');
      await redis.kill();
      expect(await post(two, byHash)).toEqual(data);
      expect(await post(two, named(sha256(other)))).toBe('200 PERSISTED_QUERY_NOT_FOUND');
      expect(await post(two, { query: other, ...named(sha256(other)) })).toEqual({
        data: { me: { id: 'u1' } },
      });
      expect(await post(two, named(sha256(other)))).toEqual({ data: { me: { id: 'u1' } } });
    } finally {
      await redis.stop();
    }
  });

  it('a text that is not the one of its hash is not run, whoever wrote it there', async () => {
    const redis = await startRedis();
    const store = new RedisStore({
      server: new RedisServer(redis, []),
      ...{ prefix: 'weir', longest: 60_000, proofInterval: 250 },
    });
    try {
      const until = Date.now() + 60_000;
      const value = Buffer.from('mutation { rename(id: "u9", name: "x") { name } }');
      const entry = { value, tags: [], storedAt: Date.now(), freshUntil: until, keptUntil: until };
      const write = async () =>
        store.set(new Map([[`operation:${sha256(query)}`, entry]]), (await store.get([])).clock);
      await eventually(() =>
        write().then(
          () => true,
          () => false,
        ),
      );
      expect(await post(await start({ cache: cache(redis.url) }), byHash)).toBe(
        '200 PERSISTED_QUERY_NOT_FOUND',
      );
    } finally {
      await store.close();
      await redis.stop();
    }
  });

  it('what is registered there is run by no gateway that takes operations of its manifest only', async () => {
    const redis = await startRedis();
    try {
      const open = await start({ cache: cache(redis.url) });
      const closed = await start({
        cache: cache(redis.url),
        persistedOperations: { manifest: manifest(apolloManifest(query)), mode: 'reject' },
      });
      await post(open, { query: other, ...named(sha256(other)) });
      expect(await post(closed, named(sha256(other)))).toBe('200 PERSISTED_QUERY_NOT_FOUND');
      expect(await post(closed, { query: other })).toBe('400 QUERY_NOT_IN_SAFELIST');
    } finally {
      await redis.stop();
    }
  });
});

describe('trusted documents', () => {
  it.each([
    ["Apollo's tools", apolloManifest(query)],
    ["Relay's compiler", { 'id-0': query }],
  ])('are known by their ids in a manifest of %s, on every way in', async (_, content) => {
    const gateway = await start({
      persistedOperations: { manifest: manifest(content), mode: 'reject', automatic: false },
    });
    const ways: Json[] = [
      { documentId: 'id-0' },
      { documentId: `sha256:${sha256(query)}` },
      { doc_id: 'id-0' },
      { id: 'id-0' },
      named('id-0'),
      byHash,
      { query },
      { query, ...byHash },
    ];
    for (const body of ways) {
      for (let i = 0; i < 2; i++) expect(await post(gateway, body)).toEqual(data);
      expect((await get(gateway, body)).said).toEqual(data);
      expect(await postBatch(gateway, [body, body])).toEqual([data, data]);
    }
  });

  it('are all that is run with `mode: reject`, on every way in', async () => {
    const gateway = await start({
      persistedOperations: {
        manifest: [manifest({ a: query }), manifest({ b: '{ me { id name } }' })],
        mode: 'reject',
      },
    });
    expect(await post(gateway, { id: 'b' })).toEqual({ data: { me: { id: 'u1', name: 'Ada' } } });
    graph.accounts.requests.length = 0;
    const ways: Json[] = [
      { query: other },
      { query: `${query} ` },
      { query: other, ...named(sha256(other)) },
      { query: other, documentId: 'a' },
    ];
    for (const body of ways) {
      for (let i = 0; i < 2; i++) expect(await post(gateway, body)).toBe('400 QUERY_NOT_IN_SAFELIST');
      expect((await get(gateway, body)).said).toBe('400 QUERY_NOT_IN_SAFELIST');
      expect(await postBatch(gateway, [{ id: 'a' }, body])).toBe('400 QUERY_NOT_IN_SAFELIST');
    }
    for (const body of [named(sha256(other)), { documentId: 'c' }]) {
      expect(await post(gateway, body)).toBe('200 PERSISTED_QUERY_NOT_FOUND');
      expect((await get(gateway, body)).said).toBe('200 PERSISTED_QUERY_NOT_FOUND');
      expect(await postBatch(gateway, [{ query }, body])).toEqual([data, '200 PERSISTED_QUERY_NOT_FOUND']);
      graph.accounts.requests.length = 0;
    }
    expect(graph.accounts.requests).toEqual([]);
  });

  it('leave others be, but for a line in the log for each, without what clients wrote in quotes', async () => {
    const gateway = await start({ persistedOperations: { manifest: manifest(apolloManifest(query)) } });
    const secret = '{ user(id: "secret") { name } }';
    for (let i = 0; i < 3; i++) for (const text of [query, secret]) await post(gateway, { query: text });
    expect(gateway.log.filter(({ msg }) => msg === 'an operation is in no manifest')).toEqual([
      expect.objectContaining({ sha256: sha256(secret), document: '{ user(id: "") { name } }' }),
    ]);
    expect(await gateway.metrics()).toContain('weir_persisted_operations_total{result="untrusted"} 3');
    // Who is not in the manifest can still be registered.
    await post(gateway, { query: other, ...named(sha256(other)) });
    expect(await post(gateway, named(sha256(other)))).toEqual({ data: { me: { id: 'u1' } } });
  });

  it('take no longer for a text whose quotes do not close, and tell none of it', async () => {
    const gateway = await start({ persistedOperations: { manifest: manifest(apolloManifest(query)) } });
    // Of 150 KB each quote was searched for another one to the end, for 5 s.
    const quotes = String.raw`"a\ `.trim();
    const took = await processorTime(async () => {
      for (const document of [quotes.repeat(50_000), `{ me } """${String.raw`\"""`.repeat(40_000)}`])
        expect(await post(gateway, { query: document })).toBe('400 GRAPHQL_PARSE_FAILED');
    });
    expect(took).toBeLessThan(2_000);
    const told = gateway.log.filter(({ msg }) => msg === 'an operation is in no manifest');
    expect(told.map(({ document }) => document)).toEqual(['', '{ me }']);
  });

  it('leave others be without a word with `mode: allow-unknown`', async () => {
    const gateway = await start({
      persistedOperations: { manifest: manifest(apolloManifest(query)), mode: 'allow-unknown' },
    });
    expect(await post(gateway, { query: other })).toEqual({ data: { me: { id: 'u1' } } });
    expect(gateway.log.filter(({ msg }) => msg === 'an operation is in no manifest')).toEqual([]);
  });

  it('are live where the supergraph does not have them, and the log says so with each supergraph', async () => {
    const source = sourceOf(graph.supergraphSdl);
    const content = {
      a: query,
      b: '{ nope }',
      c: '{ me { nope } }',
      d: '{ me { ...F } } fragment F on User { id }',
    };
    const gateway = await startTestGateway({
      supergraph: source,
      persistedOperations: { manifest: manifest(content) },
    });
    gateways.push(gateway);
    const told = () =>
      gateway.log.filter(({ msg }) => msg === 'operations of manifests do not fit the supergraph');
    await eventually(() => told().length === 1);
    expect(told()).toMatchObject([{ level: 'warn', count: 2, ids: ['b', 'c'] }]);
    expect(await post(gateway, { documentId: 'a' })).toEqual(data);
    expect(await post(gateway, { documentId: 'b' })).toBe('400 GRAPHQL_VALIDATION_FAILED');

    source.report(`${graph.supergraphSdl}\n# newer`);
    await eventually(() => told().length === 2);
  });

  it('are read while others are served, however many they are', async () => {
    const texts = Object.fromEntries(
      Array.from({ length: 30_000 }, (_, i) => [`id${i}`, `{ a${i}: me { name } }`]),
    );
    let turns = 0;
    let isRead = false;
    const count = (): void => {
      turns++;
      if (!isRead) setImmediate(count);
    };
    setImmediate(count);
    const { texts: read, byName } = await readTrustedOperations([manifest(texts)]);
    isRead = true;
    expect([read.size, byName.size]).toEqual([30_000, 60_000]);
    expect(byName.get('id29999')).toBe('{ a29999: me { name } }');
    expect(turns).toBeGreaterThan(20);
  });

  it('are read again with the options; a manifest that is wrong changes nothing', async () => {
    const file = manifest(apolloManifest(query));
    const options: OptionsInput = { ...fixed, persistedOperations: { manifest: file, mode: 'reject' } };
    const gateway = await start(options);
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    expect(await post(gateway, { id: 'id-0' })).toEqual(data);

    writeFileSync(file, '{');
    await expect(gateway.reload(() => options)).rejects.toThrow(
      `\`persistedOperations.manifest\` names ${file}, which is not valid JSON`,
    );
    expect(await post(gateway, { id: 'id-0' })).toEqual(data);

    // The same id, which now names something else: nobody gets the answer of before.
    writeFileSync(file, JSON.stringify(apolloManifest(other)));
    await gateway.reload(() => options);
    for (let i = 0; i < 2; i++)
      expect(await post(gateway, { id: 'id-0' })).toEqual({ data: { me: { id: 'u1' } } });
    expect(await post(gateway, { query })).toBe('400 QUERY_NOT_IN_SAFELIST');
  });

  it('are watched by the command: an edit is live, one that is wrong is said and changes nothing', async () => {
    const file = manifest(apolloManifest(query));
    const config = join(folder, 'watched.yaml');
    writeFileSync(
      config,
      JSON.stringify({
        ...fixed,
        admin: { enabled: false },
        logging: { level: 'silent' },
        persistedOperations: { manifest: file, mode: 'reject' },
      }),
    );
    const cli = startCli(['gateway', '--config', config]);
    await cli.printed(/answers at (\S+)/);
    const url = /answers at (\S+)/.exec(cli.stderr)![1]!;
    const ask = async (): Promise<Json> =>
      (
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        })
      ).json();
    expect(await ask()).toEqual(data);

    writeFileSync(file, '{');
    await cli.printed(/is not valid JSON[^]*the previous options stay in use/);
    expect(await ask()).toEqual(data);

    writeFileSync(file, JSON.stringify(apolloManifest(other)));
    await cli.printed(/the new options are live/);
    expect((await ask()).errors[0].extensions.code).toBe('QUERY_NOT_IN_SAFELIST');
    expect((await cli.stop()).exitCode).toBe(0);
  });

  it.each([
    ['that is not there', undefined, 'does not exist'],
    ['that is no JSON', '{"one":', 'is not valid JSON'],
    ['that is a list', [], "is neither a manifest of Apollo's tools nor a map from ids to operations"],
    ['without a text', { one: 1 }, 'but has something else under "one"'],
    ['of another version', { ...apolloManifest(query), version: 2 }, 'look at `version`'],
    ['without operations', { ...apolloManifest(), operations: [{ id: 'a' }] }, 'look at `operations.0.body`'],
    [
      'with something else than GraphQL',
      { one: '{ me { name }' },
      'has no GraphQL under the id "one": Syntax Error',
    ],
    [
      'with two operations of one id',
      apolloManifestOfTwins(),
      'has another operation under the id "a" than before',
    ],
  ])('are refused at the start in a manifest %s', async (_, content, reason) => {
    const file = content === undefined ? join(folder, 'nowhere.json') : manifest(content);
    await expect(start({ persistedOperations: { manifest: file } })).rejects.toThrow(
      new RegExp(
        `^\`persistedOperations.manifest\` names ${file}, which .*${reason.replace(/[[\]{}()*+?.$^|\\]/g, '\\$&')}`,
      ),
    );
  });

  it('are named in the file of options relative to it, and a wrong one ends the start with exit code 2', async () => {
    const file = manifest('[]');
    const config = join(folder, 'weir.yaml');
    writeFileSync(
      config,
      `supergraph: supergraph.graphql\npersistedOperations:\n  manifest: [${file.slice(folder.length + 1)}]\n`,
    );
    const { exitCode, stderr } = await startCli(['gateway', '--config', config]).result;
    expect(stderr).toContain(
      `weir: ${config}:3: \`persistedOperations.manifest\` names ${file}, which is neither`,
    );
    expect(exitCode).toBe(2);
  });
});

function apolloManifestOfTwins() {
  const [one, two] = apolloManifest(query, other).operations as [Json, Json];
  return {
    ...apolloManifest(),
    operations: [
      { ...one, id: 'a' },
      { ...two, id: 'a' },
    ],
  };
}
