import { join } from 'node:path';
import {
  loadSupergraphConfig,
  openRegistryStore,
  type Problem,
  Registry,
  type SupergraphConfig,
  SupergraphConfigError,
} from '../../../../schema';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { registryStoreKinds } from '../../../support/registry-stores';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const file = join(folder, 'supergraph.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('loadSupergraphConfig', () => {
  it("reads Rover's format: files, introspection and inline schemas", async () => {
    const config = await load(`
      federation_version: =2.14.4
      subgraphs:
        accounts:
          routing_url: http://127.0.0.1:4001/graphql
          schema:
            file: ../accounts/schema.graphql
        reviews:
          schema:
            subgraph_url: https://reviews.test/graphql
            introspection_headers: { x-secret: 7 }
        orders:
          routing_url: http://127.0.0.1:4005/graphql
          schema:
            sdl: 'type Query { orders: Int }'
    `);

    expect(config).toEqual({
      file,
      federationVersion: '=2.14.4',
      subgraphs: [
        {
          name: 'accounts',
          routingUrl: 'http://127.0.0.1:4001/graphql',
          schema: { kind: 'file', path: join(folder, '../accounts/schema.graphql') },
        },
        {
          name: 'reviews',
          routingUrl: 'https://reviews.test/graphql',
          schema: { kind: 'url', url: 'https://reviews.test/graphql', headers: { 'x-secret': '7' } },
        },
        {
          name: 'orders',
          routingUrl: 'http://127.0.0.1:4005/graphql',
          schema: { kind: 'sdl', sdl: 'type Query { orders: Int }' },
        },
      ],
    });
  });

  it('reads overlays and how `weir dev` runs a subgraph, with files that are relative to the configuration', async () => {
    const config = await load(`
      subgraphs:
        a:
          routing_url: http://127.0.0.1:4001/graphql
          schema: { file: a/schema.graphql }
          command: node a/index.mjs
          watch: a
          overlay: a/a.join.graphql
        b:
          schema: { subgraph_url: 'http://127.0.0.1:4002/graphql' }
          command: npm run dev
          watch: [b/src, shared.json]
    `);

    expect(config.subgraphs.map(({ overlay }) => overlay)).toEqual([
      join(folder, 'a/a.join.graphql'),
      undefined,
    ]);
    expect(config.subgraphs.map(({ command }) => command)).toEqual([
      { line: 'node a/index.mjs', folder, watch: [join(folder, 'a')] },
      { line: 'npm run dev', folder, watch: [join(folder, 'b/src'), join(folder, 'shared.json')] },
    ]);
  });

  it('reads the example of the documentation', async () => {
    const page = readFileSync(join(__dirname, '../../../../docs/getting-started.md'), 'utf8');
    const [, yaml] = /```yaml\n(# supergraph\.yaml\n[^]*?)```/.exec(page)!;
    const { subgraphs } = await load(yaml!, { ACCOUNTS_KEY: 'secret' });

    expect(subgraphs.map(({ name }) => name)).toEqual(['products', 'accounts']);
  });

  it('replaces environment variables', async () => {
    const config = await load(
      "subgraphs: { a: { routing_url: 'http://${env.HOST}/graphql', schema: { file: a.graphql } } }",
      { HOST: 'a.test' },
    );

    expect(config.subgraphs[0]?.routingUrl).toBe('http://a.test/graphql');
  });

  it.each([
    ['an empty file', '', 'The configuration must be a map, but got: null.', '1:1'],
    ['no subgraphs', 'federation_version: 2', '`subgraphs` is missing.', '1:1'],
    ['an empty list', 'subgraphs: {}', '`subgraphs` must list at least one subgraph.', '1:1'],
    [
      'an unknown key',
      'subgraphs:\n  a:\n    routing_ulr: http://a.test\n    schema: { subgraph_url: http://a.test }',
      '`subgraphs.a.routing_ulr` is unknown; did you mean `routing_url`?',
      '3:5',
    ],
    [
      'a key that is near to none',
      'subgraphs:\n  a:\n    routing_url: http://a.test\n    schema: { uplink: x@y, file: a.graphql }',
      '`subgraphs.a.schema.uplink` is unknown; known here: file, subgraph_url, introspection_headers, sdl, openapi, registry, graph, version.',
      '4:15',
    ],
    [
      'a routing URL that is none',
      'subgraphs:\n  a:\n    routing_url: a.test/graphql\n    schema: { file: a.graphql }',
      '`subgraphs.a.routing_url` must be an http or https URL, but got: "a.test/graphql".',
      '3:18',
    ],
    [
      'no routing URL',
      'subgraphs:\n  a:\n    schema: { file: a.graphql }',
      '`subgraphs.a` must have a `routing_url`, where the gateway sends its operations.',
      '2:3',
    ],
    [
      'no schema',
      'subgraphs:\n  a:\n    routing_url: http://a.test',
      '`subgraphs.a.schema` is missing.',
      '2:3',
    ],
    [
      'two schemas',
      'subgraphs:\n  a:\n    routing_url: http://a.test\n    schema: { file: a.graphql, sdl: x }',
      '`subgraphs.a.schema` must have exactly one of `file`, `subgraph_url`, `sdl`, `openapi` and `registry`.',
      '4:5',
    ],
    [
      'an overlay of what was published',
      'subgraphs:\n  a:\n    schema: { registry: r, graph: g@v }\n    overlay: a.join.graphql',
      '`subgraphs.a` may not have an `overlay` beside `registry`: what was published has it.',
      '2:3',
    ],
    [
      'an OpenAPI document at a URL',
      'subgraphs:\n  a:\n    routing_url: http://a.test\n    schema: { openapi: https://a.test/openapi.yaml }\n    overlay: a.graphql',
      '`subgraphs.a.schema.openapi` must be the path of a file, but got: "https://a.test/openapi.yaml".',
      '4:24',
    ],
    [
      'an OpenAPI document without an overlay',
      'subgraphs:\n  a:\n    routing_url: http://a.test\n    schema: { openapi: a.yaml }',
      '`subgraphs.a` must have an `overlay` beside `openapi`: it names the operations to import.',
      '2:3',
    ],
    [
      'something to watch without a command',
      'subgraphs:\n  a:\n    routing_url: http://a.test\n    schema: { file: a.graphql }\n    watch: src',
      '`subgraphs.a` may have `watch` only beside `command`, which an edit starts anew.',
      '2:3',
    ],
    [
      'a watch that is no list',
      'subgraphs:\n  a:\n    routing_url: http://a.test\n    schema: { file: a.graphql }\n    command: x\n    watch: 7',
      '`subgraphs.a.watch` must be a file or folder, or a list of them, but got: 7.',
      '6:12',
    ],
    [
      'Federation 1',
      'federation_version: 1\nsubgraphs: { a: { routing_url: http://a.test, schema: { file: a.graphql } } }',
      '`federation_version` must be a version of Federation 2, such as 2 or =2.14.4, but got: 1.',
      '1:21',
    ],
    ['broken YAML', 'subgraphs:\n\ta: 1', 'Tabs are not allowed as indentation.', '2:1'],
    ['a name twice', 'subgraphs:\n  a: 1\n  a: 2', 'Map keys must be unique.', '3:3'],
    ['an alias without anchor', 'subgraphs: *a', '*a names no anchor.', '1:12'],
    [
      'a variable that is not set',
      'subgraphs:\n  a: ${env.NOPE}',
      'The environment variable NOPE is not set.',
      '2:6',
    ],
  ])('says where %s is', async (_what, yaml, message, place) => {
    const [problem, ...others] = await problemsOf(yaml);

    expect(problem).toMatchObject({ level: 'error', code: 'CONFIG_INVALID', message });
    expect(problem?.locations.map((at) => `${at.file} ${at.line}:${at.column}`)).toEqual([
      `${file} ${place}`,
    ]);
    expect(others).toEqual([]);
  });

  it.each(registryStoreKinds)(
    'reads subgraphs from a registry in %s, at any version, with the URL from there',
    async (_, start) => {
      const stores = await start();
      try {
        const registry = new Registry({
          store: await stores.open(),
          variant: { graph: 'shop', variant: 'prod' },
        });
        const publish = (sdl: string) =>
          registry.publish([{ name: 'a', sdl, file: 'a', routingUrl: 'http://a.test/' }], { by: 'ana' });
        await publish('type Query { old: Int }');
        await publish('type Query { a: Int }');
        await publish('type Query {');
        const from = `registry: "${stores.location}", graph: shop@prod`;
        const read = async (yaml: string) => (await load(`subgraphs: { a: ${yaml} }`)).subgraphs[0];

        expect(await read(`{ schema: { ${from} } }`)).toEqual({
          name: 'a',
          routingUrl: 'http://a.test/',
          schema: { kind: 'sdl', sdl: 'type Query { a: Int }' },
        });
        const other = 'http://127.0.0.1:4001/';
        expect(await read(`{ routing_url: "${other}", schema: { ${from}, version: 1 } }`)).toMatchObject({
          routingUrl: other,
          schema: { sdl: 'type Query { old: Int }' },
        });
        const problems = await problemsOf(`subgraphs: { b: { schema: { ${from} } } }`);
        expect(problems.map(({ message }) => message)).toEqual([
          'The schema of b cannot be read: shop@prod has no subgraph b at version 2; it has: a.',
        ]);
      } finally {
        await stores.close();
      }
    },
  );

  it('takes a registry from the folder of the file, and only with its graph', async () => {
    const published = { name: 'a', sdl: 'type Query { a: Int }', file: 'a', routingUrl: 'http://a.test/' };
    const store = await openRegistryStore(join(folder, 'registry'));
    await new Registry({ store, variant: { graph: 'shop', variant: 'prod' } }).publish([published], {
      by: 'ana',
    });
    const { subgraphs } = await load(
      'subgraphs: { a: { schema: { registry: registry, graph: shop@prod } } }',
    );
    expect(subgraphs[0]!.routingUrl).toBe('http://a.test/');
    const problems = await problemsOf('subgraphs: { a: { schema: { registry: registry } } }');
    expect(problems[0]!.message).toContain('must have `registry` and `graph` together');
  });

  it('reports every mistake at once', async () => {
    const problems = await problemsOf('subgraphs:\n  a: 1\n  b: { scema: {} }');

    expect(problems.map(({ message }) => message)).toEqual([
      '`subgraphs.a` must be a map, but got: 1.',
      '`subgraphs.b.schema` is missing.',
      '`subgraphs.b.scema` is unknown; did you mean `schema`?',
    ]);
  });

  it('says that a file does not exist', async () => {
    await expect(loadSupergraphConfig({ file: 'nowhere.yaml' })).rejects.toThrow(
      'nowhere.yaml does not exist.',
    );
  });
});

function load(yaml: string, env?: Record<string, string>): Promise<SupergraphConfig> {
  writeFileSync(file, yaml);
  return loadSupergraphConfig({ file, ...(env ? { env } : {}) });
}

async function problemsOf(yaml: string): Promise<readonly Problem[]> {
  const error: unknown = await load(yaml).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof SupergraphConfigError ? error.problems : [];
}
