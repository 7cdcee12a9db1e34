import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from '../../../../schema';
import { registryStoreKinds, type TestRegistryStores } from '../../../support/registry-stores';
import { startCli } from '../../../support/run-cli';

describe.each(registryStoreKinds)('weir fetch, from a registry in %s', (_, start) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  const reviews = 'type Query { reviews: Int  secret: Int @inaccessible }';
  const linked = (sdl: string) =>
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@inaccessible"])\n${sdl}`;
  let stores: TestRegistryStores;
  let registry: Registry;

  beforeAll(async () => {
    stores = await start();
    registry = new Registry({ store: await stores.open(), variant: { graph: 'shop', variant: 'prod' } });
    const publish = (name: string, sdl: string) =>
      registry.publish([{ name, sdl, file: name, routingUrl: `http://${name}.test/` }], { by: 'ana' });
    await publish('reviews', linked(reviews));
    await publish('products', 'type Query { products: Int }');
    await publish('reviews', 'type Query {');
  });
  afterAll(async () => {
    await stores.close();
    rmSync(folder, { recursive: true });
  });

  const fetchIt = (...args: string[]) =>
    startCli(['fetch', ...args], { WEIR_REGISTRY: stores.location, WEIR_GRAPH: 'shop@prod' }).result;

  it('prints the supergraph that runs, and that of any version', async () => {
    const newest = await registry.supergraph(await registry.version(2));
    expect(await fetchIt()).toEqual({ exitCode: 0, stdout: newest, stderr: '' });
    const first = await registry.supergraph(await registry.version(1));
    expect((await fetchIt('1')).stdout).toBe(first);
    expect(first).not.toBe(newest);
  });

  it('prints the API schema, which has nothing inaccessible', async () => {
    const { stdout } = await fetchIt('--api-schema');
    expect(stdout).toMatch(
      /^type Query \{\n {2}(?:products|reviews): Int\n {2}(?:products|reviews): Int\n\}\n$/,
    );
  });

  it('prints the schema of a subgraph as it was published, and of a rejected version what was refused', async () => {
    expect((await fetchIt('--subgraph', 'reviews')).stdout).toBe(linked(reviews));
    expect((await fetchIt('1', '--subgraph', 'reviews')).stdout).toBe(linked(reviews));
    expect((await fetchIt('3', '--subgraph', 'reviews')).stdout).toBe('type Query {');
    expect((await fetchIt('3', '--subgraph', 'products')).stdout).toBe('type Query { products: Int }');
  });

  it('writes to a file', async () => {
    const file = join(folder, 'supergraph.graphql');
    expect(await fetchIt('--out', file)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe((await fetchIt()).stdout);
  });

  it('refuses what there is not, with a sentence', async () => {
    expect(await fetchIt('4')).toMatchObject({
      exitCode: 2,
      stderr: 'weir: shop@prod has no version 4: it has 1 to 3.\n',
    });
    expect(await fetchIt('1', '--subgraph', 'products')).toMatchObject({
      exitCode: 2,
      stderr: 'weir: shop@prod has no subgraph products at version 1; it has: reviews.\n',
    });
    const { exitCode, stderr } = await fetchIt('--subgraph', 'reviews', '--api-schema');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--api-schema');
  });
});
