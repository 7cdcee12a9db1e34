/** The page *Versions* of the console, of gateways with a registry, with a file, and with secrets in every option. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  OptionsView,
  PublishedVersion,
  VersionDifference,
  VersionsView,
} from '../../gateway/console/versions-api';
import { readOptions } from '../../gateway/options';
import { openRegistryStore, Registry } from '../../schema';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { temporaryFolder } from '../support/subgraph-kit';

const folder = temporaryFolder();
let graph: SmallGraph;

beforeAll(async () => {
  graph = await startSmallGraph();
});
afterAll(async () => {
  await graph.close();
  folder.remove();
});

async function read<Answer>({ adminUrl }: TestGateway, path: string): Promise<Answer> {
  const response = await fetch(`${adminUrl}/console/api/${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

describe('with a registry', () => {
  let stores: TestRegistryStores;
  let gateway: TestGateway;

  beforeAll(async () => {
    stores = await registryStoreKinds[0]![1]();
    const registry = new Registry({
      store: await stores.open(),
      variant: { graph: 'shop', variant: 'prod' },
    });
    const { accounts, reviews } = graph;
    const publish = (sdl: string, by: string, commit?: string) =>
      registry.publish(
        [
          { name: 'accounts', routingUrl: accounts.url, sdl: accounts.typeDefs, file: 'accounts' },
          { name: 'reviews', routingUrl: reviews.url, sdl, file: 'reviews' },
        ],
        { by, commit },
      );
    await publish(reviews.typeDefs, 'ana');
    await publish(reviews.typeDefs.replace('rating: Int', 'stars: Int'), 'ben', 'a1b2c3d4e5f6a7b8');
    await publish('type Query {', 'eve');
    await registry.rollback({ to: 1 }, { by: 'ana' });
    gateway = await startTestGateway({
      supergraph: { registry: stores.location, graph: 'shop@prod', keep: folder.write('kept', '') },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await stores.close();
  });

  it('shows who has published, rejected and rolled back what, and when', async () => {
    const { source, registry, troubles } = await read<VersionsView>(gateway, 'versions');
    expect({ source, troubles }).toEqual({ source: 'the registry, shop@prod', troubles: [] });
    const line = ({ number, kind, by, changes }: PublishedVersion) =>
      `${number} ${kind} by ${by}: ${changes}`;
    expect(registry!.versions.map(line)).toEqual([
      '4 rolled-back by ana: back to version 1 (changed reviews)',
      '3 rejected by eve: changed reviews',
      '2 published by ben: changed reviews',
      '1 published by ana: added accounts, added reviews',
    ]);
    expect(registry).toMatchObject({
      hasMore: false,
      versions: [{}, {}, { commit: 'a1b2c3d4e5f6a7b8' }, {}],
    });
    expect(Date.now() - registry!.versions[0]!.at).toBeLessThan(60_000);
  });

  it('shows which process runs which version', async () => {
    await eventually(async () => (await read<VersionsView>(gateway, 'versions')).gateways.length === 1);
    const [running] = (await read<VersionsView>(gateway, 'versions')).gateways;
    expect(running).toMatchObject({ version: 4, supergraph: expect.stringMatching(/^[0-9a-f]{12}$/) });
  });

  it('shows what clients see of a version that they did not see before', async () => {
    const { before, changes } = await read<VersionDifference>(gateway, 'versions/2');
    expect(before).toBe(1);
    expect(changes).toEqual([
      { severity: 'breaking', message: expect.stringMatching(/rating.*removed/) },
      { severity: 'safe', message: expect.stringMatching(/stars.*added/) },
    ]);
    // The version before was rejected: it never ran.
    expect((await read<VersionDifference>(gateway, 'versions/4')).before).toBe(2);
    expect(await read(gateway, 'versions/1')).toEqual({ changes: [], errors: [] });
  });

  it('shows why a version was rejected', async () => {
    const { changes, errors } = await read<VersionDifference>(gateway, 'versions/3');
    expect(changes).toEqual([]);
    expect(errors).toEqual([expect.stringMatching(/Syntax Error.*\(reviews:1\)$/)]);
  });

  it.each(['5', '0', 'newest', '99999999999'])('has no version %s', async (number) => {
    expect((await fetch(`${gateway.adminUrl}/console/api/versions/${number}`)).status).toBe(404);
  });
});

it('shows why a registry cannot be read, where a difference is looked for', async () => {
  const location = join(folder.path, 'registry');
  const registry = new Registry({
    store: await openRegistryStore(location),
    variant: { graph: 'shop', variant: 'prod' },
  });
  const { accounts } = graph;
  await registry.publish(
    [{ name: 'accounts', routingUrl: accounts.url, sdl: accounts.typeDefs, file: 'accounts' }],
    { by: 'ana', commit: undefined },
  );
  const gateway = await startTestGateway({
    supergraph: { registry: location, graph: 'shop@prod', keep: folder.write('kept', '') },
  });
  try {
    for (const file of readdirSync(location, { recursive: true, withFileTypes: true }))
      if (file.isFile()) writeFileSync(join(file.parentPath, file.name), 'no JSON');
    const response = await fetch(`${gateway.adminUrl}/console/api/versions/1`);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      errors: [{ message: expect.stringMatching(/^The registry cannot be read: \S+/) }],
    });
  } finally {
    await gateway.stop();
  }
});

describe('without a registry', () => {
  it('shows what was loaded, refused and reloaded', async () => {
    const source = sourceOf(graph.supergraphSdl);
    const gateway = await startTestGateway({ supergraph: source });
    const loads = async () => (await read<VersionsView>(gateway, 'versions')).loads;
    try {
      source.report('type Query {');
      await eventually(async () => (await loads()).length === 2);
      await expect(gateway.reload(() => ({ limits: { depth: -1 } }))).rejects.toThrow();
      const { gateways, loads: found, registry } = await read<VersionsView>(gateway, 'versions');
      expect(registry).toBeUndefined();
      expect(found).toMatchObject([
        { what: 'options', result: 'refused', reason: expect.stringContaining('limits.depth') },
        { what: 'supergraph', result: 'refused', reason: expect.stringMatching(/Syntax Error/) },
        { what: 'supergraph', result: 'live' },
      ]);
      const { supergraph, at } = found[2]!;
      expect(gateways).toEqual([{ supergraph, since: at, processes: 1 }]);
    } finally {
      await gateway.stop();
    }
  });

  it('shows the reload of a file of options, and the line of each option', async () => {
    const supergraph = folder.write('supergraph.graphql', graph.supergraphSdl);
    const options = (yaml: string) =>
      readOptions({
        config: folder.write('weir.yaml', `supergraph: ${supergraph}\nport: 0\nadmin: { port: 0 }\n${yaml}`),
      });
    let used = options('limits: { depth: 9 }');
    const gateway = await startTestGateway({ ...used.options, optionSources: () => used.sources });
    try {
      used = options('limits: { depth: 11 }');
      await gateway.reload(() => used.options);
      const { loads } = await read<VersionsView>(gateway, 'versions');
      expect(loads).toMatchObject([
        { what: 'options', result: 'live', changed: ['limits.depth'] },
        { what: 'supergraph', result: 'live' },
      ]);
      const view = await read<OptionsView>(gateway, 'options');
      expect(view.options.filter(({ isChanged }) => isChanged)).toMatchObject([
        { name: 'port' },
        { name: 'supergraph.file', value: supergraph },
        { name: 'limits.depth', value: 11, default: expect.any(Number), origin: { kind: 'file', line: 4 } },
        { name: 'admin.port' },
      ]);
    } finally {
      await gateway.stop();
    }
  });
});
