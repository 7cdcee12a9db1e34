/** Options files that are half-written, emptied, spliced or replaced while the gateway runs, over real sockets. */
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { type RunningCli, startCli } from '../support/run-cli';
import type { Json } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-protections-'));
const config = join(folder, 'weir.yaml');
const deep = '{ me { reviews { author { reviews { author { name } } } } } }';

let graph: SmallGraph;
let cli: RunningCli;
beforeAll(async () => {
  graph = await startSmallGraph();
  writeFileSync(join(folder, 'supergraph.graphql'), graph.supergraphSdl);
  const operations = [deep, '{ me { name } }', introspection].map((body, id) => ({ id: `${id}`, body }));
  writeFileSync(
    join(folder, 'safe.json'),
    JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations }),
  );
  writeFileSync(config, whole);
  cli = startCli(['gateway', '--config', config]);
  await cli.printed(/answers at (\S+)/);
});
afterAll(async () => {
  expect((await cli.stop()).exitCode).toBe(0);
  await graph.close();
  rmSync(folder, { recursive: true });
});

const introspection = '{ __schema { queryType { name } } }';
const key = 'the-key-of-the-web-application';
const sha256 = createHash('sha256').update(key).digest('hex');
/** What the file has. Development lets in all that it does not protect. */
const options = {
  supergraph: 'supergraph.graphql',
  mode: 'development',
  port: 0,
  logging: { level: 'silent' },
  admin: { enabled: false },
  introspection: false,
  auth: { apiKeys: [{ client: 'web', sha256 }] },
  limits: { depth: 5, classes: [{ client: 'web', aliases: 1 }] },
  persistedOperations: { manifest: 'safe.json', mode: 'reject' },
  headers: { exclude: ['x-secret'], forward: ['x-*'] },
};
const whole = stringify(options);

const ask = async (query: string, headers: Record<string, string>): Promise<Json> => {
  const url = /answers at (\S+)/.exec(cli.stderr)![1]!;
  const request = { method: 'POST', body: JSON.stringify({ query }) };
  return (
    await fetch(url, { ...request, headers: { 'content-type': 'application/json', ...headers } })
  ).json();
};

/** What the options of the file refuse: each is refused still. */
async function refusesAll(): Promise<void> {
  const withKey = { 'x-api-key': key };
  const codes = await Promise.all([
    ask('{ me { name } }', {}),
    ask(introspection, withKey),
    ask(deep, withKey),
    ask('{ me { id } }', withKey),
  ]);
  expect(codes.map(({ data, errors }) => [data ?? undefined, errors?.[0].extensions.code])).toEqual([
    [undefined, 'UNAUTHENTICATED'],
    [undefined, expect.stringMatching(/INTROSPECTION|VALIDATION/)],
    [undefined, 'MAX_DEPTH_LIMIT'],
    [undefined, 'QUERY_NOT_IN_SAFELIST'],
  ]);
  const { data } = await ask('{ me { name } }', { ...withKey, 'x-secret': 's' });
  expect(data).toEqual({ me: { name: 'Ada' } });
  expect(graph.accounts.requests.at(-1)!.headers['x-secret']).toBeUndefined();
}

/** What was printed of a file that is read at once. */
async function reload(yaml: string): Promise<string> {
  writeFileSync(config, yaml);
  return hangUp();
}

async function hangUp(): Promise<string> {
  const before = cli.stderr.length;
  process.emit('SIGHUP');
  await cli.printed(new RegExp(`^[^]{${before}}[^]*(stay in use|are live|as they were)\n`));
  return cli.stderr.slice(before);
}

it('names all protections that are left out, and goes on', async () => {
  const printed = await reload('supergraph: supergraph.graphql\nmode: development\nport: 0\n');
  for (const name of ['introspection', 'auth.apiKeys', 'limits.depth', 'limits.classes', 'admin.enabled'])
    expect(printed).toContain(`\`${name}\` is missing, which is in the options in use.`);
  expect(printed).toContain('the previous options stay in use');
  await refusesAll();
});

it('goes on while the file is empty, is gone, or is another one behind a link', async () => {
  expect(await reload('')).toContain('has no options');
  await refusesAll();
  rmSync(config);
  expect(await hangUp()).toContain('does not exist');
  const [next, older] = [join(folder, 'next.yaml'), join(folder, 'older.yaml')];
  writeFileSync(older, 'supergraph: supergraph.graphql\nport: 0\n');
  symlinkSync(older, next);
  renameSync(next, config);
  expect(await hangUp()).toContain('`auth.apiKeys` is missing');
  await refusesAll();
  rmSync(config);
});

it('refuses whatever the file refuses, however much of it is written', async () => {
  await reload(whole);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
      expect(await reload(whole.slice(0, length))).toContain('the previous options stay in use');
    }),
    { numRuns: 60 },
  );
  await refusesAll();
  expect(await reload(whole)).toContain('the options are as they were');
});

it('refuses whatever the file refuses, however it is spliced from two versions', async () => {
  const older = {
    ...{ supergraph: 'supergraph.graphql', mode: 'development', port: 0, limits: { depth: 4, aliases: 2 } },
    headers: { forward: ['x-*'], exclude: [] },
    persistedOperations: { automatic: true },
    timeouts: { request: '20s' },
    auth: { anonymous: false },
  };
  let live = 0;
  await fc.assert(
    fc.asyncProperty(spliced(options, older), async (given) => {
      if ((await reload(stringify(given))).includes('are live')) {
        live++;
        await refusesAll();
      }
    }),
    // The last of them mostly has everything.
    { numRuns: 60, examples: [[{ ...options, limits: { ...options.limits, depth: 4 } }]] },
  );
  expect(live).toBeGreaterThan(0);
  await refusesAll();
});

/** For each key either value, both spliced, or none. */
function spliced(a: Json, b: Json): fc.Arbitrary<Json> {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const isMap = (value: unknown): boolean => typeof value === 'object' && !Array.isArray(value);
  const members = keys.map((name) => {
    const [left, right] = [a[name], b[name]];
    const both = [left, right].filter((value) => value !== undefined).map((value) => fc.constant(value));
    const inner = isMap(left) && isMap(right) ? [spliced(left, right)] : [];
    const choice = fc.oneof(...inner, ...both, ...(both.length === 1 ? [both[0]!, both[0]!] : []));
    return [name, fc.option(choice, { nil: undefined, freq: 15 })] as const;
  });
  return fc
    .record(Object.fromEntries(members))
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

it('takes a protection away that is set to null', async () => {
  const { headers, ...others } = options;
  const { manifest } = options.persistedOperations;
  const yaml = stringify({
    ...others,
    introspection: null,
    headers: { ...headers, exclude: [{ off: 'x-secret' }] },
    limits: { ...options.limits, aliases: null },
    persistedOperations: { manifest, mode: null },
    timeouts: 'off',
  });
  expect(await reload(yaml)).toContain('are live');
  const { data } = await ask(introspection, { 'x-api-key': key, 'x-secret': 's' });
  expect(data).toEqual({ __schema: { queryType: { name: 'Query' } } });
  expect((await ask('{ me { id } }', { 'x-api-key': key })).data).toEqual({ me: { id: 'u1' } });
});
