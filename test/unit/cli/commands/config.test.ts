/**
 * `weir gateway --check` and `weir config print`: what a configuration comes to, without a start. Over 300 lines: a case for
 * each kind of mistake.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadOptions } from '../../../../gateway';
import { composeSupergraph } from '../../../../schema';
import { startCli } from '../../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-config-'));
const config = join(folder, 'weir.yaml');
const tls = join(__dirname, '../../../support/tls');
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const run = async (args: readonly string[], yaml: string, env: Record<string, string> = {}) => {
  write('weir.yaml', yaml);
  const { exitCode, stdout, stderr } = await startCli([...args, '--config', config], env).result;
  const short = (text: string) => text.replaceAll(`${folder}/`, '');
  return { exitCode, stdout: short(stdout), stderr: short(stderr) };
};

const sdl = 'type Query { hello: String }';
const subgraphs = [{ name: 'a', routingUrl: 'http://127.0.0.1:9/', sdl, file: 'a.graphql' }];
write('supergraph.graphql', composeSupergraph({ subgraphs }).supergraphSdl!);
write(
  'stock.graphql',
  composeSupergraph({
    subgraphs: [
      {
        ...{ name: 'inventory', routingUrl: 'http://127.0.0.1:9/', file: 'a.graphql' },
        sdl: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
          type Query { product(upc: ID!): Product }
          type Subscription { stockChanged(upc: ID!): Product }
          type Product @key(fields: "upc") { upc: ID!  left: Int }`,
      },
    ],
  }).supergraphSdl!,
);
write('no-graph.graphql', 'type Query { ');
write('not-json.json', '{');
write('no-function.cjs', 'module.exports = 3;');
write('short-key', 'short\n');
write('no-cert.pem', 'x');
mkdirSync(join(folder, 'folder'));

describe('weir gateway --check', () => {
  const check = (yaml: string, env?: Record<string, string>) => run(['gateway', '--check'], yaml, env);

  it('reports success, without listening or writing', async () => {
    write('manifest.json', '{ "id": "{ hello }" }');
    write('policies.cjs', 'module.exports = () => ({});');
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const { port } = taken.address() as AddressInfo;
    write('weir.yaml', '');
    const before = readdirSync(folder).sort();
    const found = await check(
      [
        'supergraph: { file: supergraph.graphql, keep: kept.graphql }',
        `port: ${port}`,
        'persistedOperations: { manifest: manifest.json }',
        'authorization: { policies: { module: policies.cjs } }',
        `tls: { cert: ${tls}/cert.pem, key: ${tls}/key.pem }`,
        'audit: { trails: [{ to: audit.jsonl }] }',
        'cache: { store: "redis://127.0.0.1:1" }',
      ].join('\n'),
    );
    await new Promise((closed) => taken.close(closed));
    expect(found).toEqual({
      exitCode: 0,
      stdout: 'weir: the options are fine, and so is the supergraph of a.\n',
      stderr: '',
    });
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('reports nothing to a registry', async () => {
    write('a.graphql', sdl);
    const registry = join(folder, 'registry');
    const published = await startCli([
      ...['publish', 'a', '--schema', join(folder, 'a.graphql'), '--routing-url', 'http://127.0.0.1:9/'],
      ...['--registry', registry, '--graph', 'shop@prod'],
    ]).result;
    expect(published.exitCode).toBe(0);
    const filesIn = () => readdirSync(registry, { recursive: true }).sort();
    const before = filesIn();
    expect(await check('supergraph: registry:registry#shop@prod')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(filesIn()).toEqual(before);
  });

  it.each([
    ['supergraph.graphql', 'must name a registry beside `graphs`, but got: "supergraph.graphql".'],
    [
      'registry:registry#shop@dev',
      'must name the `default` of `graphs` as its graph, or none, but got: "registry:registry#shop@dev".',
    ],
  ])('names the flag that does not go with several graphs: %s', async (supergraph, rule) => {
    const yaml = 'supergraph: { registry: registry }\ngraphs: { default: shop@prod }';
    expect(await run(['gateway', '--check', '--supergraph', supergraph], yaml)).toMatchObject({
      exitCode: 2,
      stderr: `weir: --supergraph ${rule}\n`,
    });
  });

  it('names the operations that are no tools, and why', async () => {
    write('hello.graphql', 'query Hello { hello }');
    write('gone.graphql', 'query Gone { gone }');
    expect(
      await check('supergraph: supergraph.graphql\nmcp: { operations: [hello.graphql, gone.graphql] }'),
    ).toEqual({
      exitCode: 0,
      stdout:
        'weir: left out: Gone\n  Cannot query field "gone" on type "Query". gone.graphql\n' +
        'weir: the options are fine, and so is the supergraph of a.\n',
      stderr: '',
    });
  });

  it('passes with a note for options of an unknown subgraph', async () => {
    expect(
      await check('supergraph: supergraph.graphql\nsubgraphs:\n  a: { timeout: 1s }\n  b: { timeout: 1s }'),
    ).toEqual({
      exitCode: 0,
      stdout:
        'weir: weir.yaml:4: `subgraphs.b` has no effect: the supergraph has no subgraph of this name.\n' +
        'weir: the options are fine, and so is the supergraph of a.\n',
      stderr: '',
    });
  });

  it.each([
    [
      'the options alone show to be wrong',
      `events:
  sources:
    stock: { type: sqz, topic: x } # wrong
    more: { type: redis-streams, url: 'redis://a:1' } # wrong
    a.b: { type: subgraph, subgraph: a } # wrong
    extra: { type: subgraph, subgraph: a, topic: x } # wrong
  types:
    StockChanged:
      drop:
        entities:
          - { type: Product, key: { upc: subjekt } } # wrong
          - { type: Product } # wrong
          - type: Product
            key: {} # wrong
          - type: Product
            key:
              upc: data.lines[*].upcs[*] # wrong
        tags:
          - of-{subject # wrong
          - of-{upc} # wrong
      versions: [0] # wrong
    StockCounted:
      dropp: {} # wrong
  subscriptions:
    stockChanged:
      types: [] # wrong
      key: { upc: subject }
      filter:
        - subject: { equals: 1 } # wrong
        - sub: { eq: 1 } # wrong
        - subject: { in: '{$arg.upcs}' } # wrong
        - subject: { between: [1] } # wrong
      only: { data.owner: { eq: '{$args.upc}' } } # wrong
    priceChanged: # wrong
      types: [PriceChanged]`,
    ],
    [
      'the supergraph does not have',
      `events:
  sources:
    stock:
      type: subgraph
      subgraph: inventry # wrong
  types:
    StockChanged:
      drop:
        entities:
          - type: Produt # wrong
            key: { upc: subject }
          - type: Product
            key: { ups: subject } # wrong
        types:
          - Product
          - Stock # wrong
        subgraphs:
          - stok # wrong
  subscriptions:
    priceChanged: # wrong
      types: [PriceChanged]
      key: { upc: subject }
    stockChanged:
      types: [StockChanged]
      source: stok # wrong
      key: { code: subject } # wrong
      filter: [{ subject: { eq: '{$args.code}' } }] # wrong`,
    ],
    [
      'nobody would hear',
      `events: # wrong
  types:
    StockChanged: { drop: { types: [Product] } }`,
    ],
  ])('names the line of each mistake in events: what %s', async (_, events) => {
    const yaml = `supergraph: stock.graphql\n${events}`;
    const found = await check(yaml);
    const lines = found.stderr.trim().split('\n');
    const named = lines.map((line) => Number(/^weir: weir\.yaml:(\d+): .*`events\.\w+[`.]/.exec(line)?.[1]));
    const wrong = yaml.split('\n').flatMap((line, i) => (line.endsWith('# wrong') ? [i + 1] : []));
    expect([[...new Set(named)].sort((a, b) => a - b), found.exitCode]).toEqual([wrong, 2]);
  });

  it('passes while a supergraph cannot be fetched, as a gateway would start, and says so', async () => {
    const found = await check('supergraph: http://127.0.0.1:9/supergraph');
    expect(found).toMatchObject({ exitCode: 0, stderr: '' });
    expect(found.stdout).toMatch(
      /^weir: the options are fine\. The supergraph was not checked, as it cannot be fetched now: \S/,
    );
  });

  it.each([
    ['an option', 'supergraph: a\nport: x', 'weir.yaml:2: `port` must be a whole number'],
    ['no supergraph', 'port: 1', 'which supergraph?'],
    [
      'a supergraph that is missing',
      'port: 1\nsupergraph: none.graphql',
      'weir.yaml:2: The supergraph cannot be read: ',
    ],
    [
      'a supergraph that is none',
      'supergraph: no-graph.graphql',
      'weir.yaml:1: The supergraph cannot be run: ',
    ],
    [
      'a certificate that is missing',
      'supergraph: supergraph.graphql\ntls:\n  cert: none.pem\n  key: none.pem',
      'weir.yaml:3: `tls.cert` names none.pem, which does not exist.',
    ],
    [
      'a manifest that is none',
      'supergraph: supergraph.graphql\npersistedOperations:\n  manifest: not-json.json',
      'weir.yaml:3: `persistedOperations.manifest` names not-json.json, which is not valid JSON: ',
    ],
    [
      'a module of policies that is none',
      'supergraph: supergraph.graphql\nauthorization:\n  policies:\n    module: no-function.cjs',
      'weir.yaml:4: `authorization.policies.module` cannot be used: ',
    ],
    [
      'a trail that cannot be written',
      'supergraph: supergraph.graphql\naudit:\n  trails:\n    - to: none/audit.jsonl',
      'weir.yaml:4: `audit.trails.0.to` names none/audit.jsonl, which cannot be written: its folder does not exist.',
    ],
  ])('exits 2 for %s, with its line', async (_, yaml, sentence) => {
    const { exitCode, stdout, stderr } = await check(yaml);
    expect(stderr).toContain(`weir: ${sentence}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([exitCode, stdout]).toEqual([2, '']);
  });

  it('checks the keys that the environment gives', async () => {
    const found = await check('supergraph: supergraph.graphql', { WEIR_LINK_KEYS: 'short' });
    expect(found).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^weir: WEIR_LINK_KEYS: `privateLinks/),
    });
  });
});

describe('weir config print', () => {
  const yaml = [
    'port: ${PORT}',
    'admin:',
    '  token: ${file:token}',
    'cache: { store: "redis://user:hunter2@cache:6379", memory: 131072 }',
    'timeouts: { request: 90000, subgraph: 1.5s }',
    'headers: { set: { x-api-key: a-secret-value } }',
    'telemetry: { metrics: { otlp: { url: "https://me:pass-in-url@collector.example/v1/metrics?key=key-in-query" } } }',
    'rates:',
    '  - { name: a, per: client, limit: 5, window: 60000 }',
    'limits: { body: 0.5MB }',
  ].join('\n');
  const env = { PORT: '81', WEIR_LINK_KEYS: 'k'.repeat(32) };
  beforeAll(() => write('token', 'a-token-for-operators\n'));

  it('prints the options in force and their sources, without secrets', async () => {
    const { exitCode, stdout, stderr } = await run(['config', 'print', '--host', '::1'], yaml, env);
    expect([exitCode, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    for (const line of [
      'mode: production # default',
      'host: ::1 # --host',
      'port: 81 # weir.yaml:1 ${PORT}',
      "  token: '[hidden]' # weir.yaml:3 ${file:token}",
      '  store: redis://[hidden]@cache:6379 # weir.yaml:4',
      '  memory: 128KiB # weir.yaml:4',
      '  request: 90s # weir.yaml:5',
      '  subgraph: 1500ms # weir.yaml:5',
      '  client: 10s # default',
      '  body: 500kB # weir.yaml:10',
      "    x-api-key: '[hidden]' # weir.yaml:6",
      '    window: 1m # weir.yaml:9',
      '      url: https://[hidden]@collector.example/v1/metrics?key=[hidden] # weir.yaml:7',
      "  keys: '[hidden]' # WEIR_LINK_KEYS",
    ])
      expect(lines).toContain(line);
    for (const secret of [
      'hunter2',
      'a-secret-value',
      'pass-in-url',
      'key-in-query',
      'a-token-for-operators',
      'k'.repeat(32),
    ])
      expect(stdout).not.toContain(secret);
  });

  it('marks omitted options as defaults', async () => {
    const { stdout } = await run(
      ['config', 'print'],
      'supergraph: supergraph.graphql\nshutdown: { delay: 0 }',
    );
    const lines = stdout.split('\n');
    for (const line of [
      '  file: supergraph.graphql # weir.yaml:1',
      '  headers: {} # default',
      '  delay: 0s # weir.yaml:2',
    ])
      expect(lines).toContain(line);
    const { stdout: flags } = await run(['config', 'print', '--supergraph', 'a.graphql'], '{}\n');
    expect(flags).toContain('  file: a.graphql # --supergraph\n  headers: {} # default\n');
  });

  it('prints a file that means the same', async () => {
    const plain =
      'port: 81\ntimeouts: { request: 90s }\nrates: [{ name: a, per: client, limit: 5, window: day }]';
    const { stdout } = await run(['config', 'print'], plain);
    write('again.yaml', stdout);
    expect(loadOptions({ config: join(folder, 'again.yaml'), env: {} })).toEqual(
      loadOptions({ config, env: {} }),
    );
    expect(parse(stdout)).toMatchObject({ port: 81, breaker: { failures: 0.5 } });
  });

  it('prints JSON, too', async () => {
    const { stdout } = await run(['config', 'print', '--format', 'json', '--admin-port', '0'], yaml, env);
    const { options } = JSON.parse(stdout) as { options: { option: string }[] };
    expect(options).toEqual(
      expect.arrayContaining([
        { option: 'mode', value: 'production', origin: { kind: 'default' } },
        {
          option: 'port',
          value: 81,
          origin: { kind: 'file', file: 'weir.yaml', line: 1, variables: ['PORT'], files: [] },
        },
        {
          option: 'admin.token',
          hidden: true,
          origin: { kind: 'file', file: 'weir.yaml', line: 3, variables: [], files: ['token'] },
        },
        { option: 'admin.port', value: 0, origin: { kind: 'flag', flag: '--admin-port' } },
        {
          option: 'privateLinks.keys',
          hidden: true,
          origin: { kind: 'environment', variable: 'WEIR_LINK_KEYS' },
        },
        { option: 'rates.0.name', value: 'a', origin: expect.objectContaining({ line: 9 }) },
      ]),
    );
  });

  it('refuses the options that a start refuses', async () => {
    expect(await run(['config', 'print'], 'prot: 1')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'weir: weir.yaml:1: `prot` is unknown; did you mean `port`?\n',
    });
  });
});
