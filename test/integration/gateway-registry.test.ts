import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from '../../schema';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const variant = { graph: 'shop', variant: 'prod' };
const author = { by: 'ana' };
let graph: SmallGraph;
let folder: string;
let stores: TestRegistryStores;
let registry: Registry;
const gateways: TestGateway[] = [];

beforeAll(async () => {
  graph = await startSmallGraph();
});
afterAll(() => graph.close());
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'weir-gateway-registry-'))));
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
  await stores.close();
  rmSync(folder, { recursive: true, force: true });
});

async function prepare(start: () => Promise<TestRegistryStores>): Promise<void> {
  stores = await start();
  registry = new Registry({ store: await stores.open(), variant });
}

async function start(more: object = {}): Promise<TestGateway> {
  const supergraph = {
    registry: stores.location,
    graph: 'shop@prod',
    keep: join(folder, 'kept.graphql'),
    ...more,
  };
  const gateway = await startTestGateway({ supergraph, introspection: true });
  gateways.push(gateway);
  return gateway;
}

const changes = (field?: string) =>
  [graph.accounts, graph.reviews].map(({ name, url, typeDefs }) => ({
    name,
    routingUrl: url,
    file: `${name}.graphql`,
    sdl:
      field !== undefined && name === 'accounts'
        ? `${typeDefs} extend type Query { ${field}: Int }`
        : typeDefs,
  }));
const publish = (field?: string) => registry.publish(changes(field), author);
const fieldsOf = async (gateway: TestGateway): Promise<string[]> =>
  (await gateway.query('{ __type(name: "Query") { fields { name } } }')).data.__type.fields.map(
    ({ name }: { name: string }) => name,
  );
const hasField = (gateway: TestGateway, field: string) =>
  eventually(async () => (await fieldsOf(gateway)).includes(field), 30_000);
const reported = (condition: (reports: Awaited<ReturnType<typeof registry.gateways.running>>) => boolean) =>
  eventually(async () => condition(await registry.gateways.running()), 30_000);

describe.each(registryStoreKinds)('a gateway of a registry in %s', (_, startStores) => {
  beforeEach(() => prepare(startStores));

  it('runs what is published and what is rolled back, and says so', async () => {
    await publish();
    const gateway = await start();
    expect(await gateway.query('{ user(id: "u1") { name reviews { rating } } }')).toEqual({
      data: { user: { name: 'Ada', reviews: [{ rating: 5 }, { rating: 3 }] } },
    });
    await reported(([report]) => report?.version === 1);
    await publish('fresh');
    await hasField(gateway, 'fresh');
    await reported(([report]) => report?.version === 2);
    await registry.rollback({}, author);
    await eventually(async () => !(await fieldsOf(gateway)).includes('fresh'), 30_000);
    await reported(([report]) => report?.version === 3);
    await gateways.pop()!.stop();
    expect(await registry.gateways.running()).toEqual([]);
  });

  it('keeps a preview that expires, reports nothing more, and runs the one that begins after it', async () => {
    await publish();
    let now = Date.now();
    const preview = new Registry({
      store: await stores.open(),
      variant: { graph: 'shop', variant: 'pr-7' },
      now: () => now,
    });
    const begin = (field: string) =>
      preview.preview([changes(field)[0]!], { from: 'shop@prod', lifetime: 3_600_000 }, author);
    await begin('first');
    const gateway = await start({ graph: 'shop@pr-7', pollInterval: 50 });
    await hasField(gateway, 'first');
    await preview.endPreview();
    const left = async () =>
      (await stores.keys()).filter((key) => key.startsWith('shop@pr-7/') && !key.includes('current'));
    await eventually(() => gateway.log.some(({ msg }) => msg === 'the preview has expired'));
    expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
    expect(await fieldsOf(gateway)).toContain('first');
    expect(await left()).toEqual([]);
    now += 3_600_000;
    await preview.variants.deleteExpired();
    now = Date.now();
    expect(await begin('second')).toMatchObject({ version: { number: 1 } });
    await hasField(gateway, 'second');
  });

  it('stays at the version that it is told to', async () => {
    await publish();
    await publish('fresh');
    const gateway = await start({ version: 1 });
    expect(await fieldsOf(gateway)).not.toContain('fresh');
    await reported(([report]) => report?.version === 1 && report.pinned === 1);
  });
});

/** Composes, but no gateway runs it: cloud providers hand out credentials there. */
const refusedUrl = 'http://169.254.169.254/graphql';

describe('a gateway of a registry', () => {
  beforeEach(() => prepare(registryStoreKinds[0]![1]));

  it('refuses what it cannot run, says why, and takes what comes after it', async () => {
    await publish();
    const gateway = await start();
    const [accounts, reviews] = changes();
    const result = await registry.publish([{ ...accounts!, routingUrl: refusedUrl }, reviews!], author);
    expect(result.outcome).toBe('published');
    await reported(([report]) => report?.refused?.version === 2 && /link-local/.test(report.refused.reason));
    expect(await registry.gateways.running()).toMatchObject([{ version: 1 }]);
    expect(await gateway.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
    await publish('fresh');
    await hasField(gateway, 'fresh');
    await reported(([report]) => report?.version === 3 && report.refused === undefined);
  });

  it('counts a rejected version as one that it runs', async () => {
    await publish();
    await start();
    await registry.publish([{ ...changes()[0]!, sdl: 'type Query { x: Nowhere }' }], author);
    await reported(([report]) => report?.version === 2);
  });

  it('starts with the last good supergraph while the registry is down, says so, and catches up', async () => {
    await publish('first');
    await start();
    await gateways.pop()!.stop();
    expect(readFileSync(join(folder, 'kept.graphql'), 'utf8')).toContain('first');
    await rename(stores.location, `${stores.location}-gone`);

    const gateway = await start();
    expect(await fieldsOf(gateway)).toContain('first');
    const said = gateway.log.map(({ msg }) => msg);
    expect(said).toContain('the supergraph is unavailable');
    expect(said).toContain('the last good supergraph runs');

    // What the gateway said of itself meanwhile is in the way of the folder that comes back.
    for (let isBack = false; !isBack;) {
      rmSync(stores.location, { recursive: true, force: true });
      try {
        await rename(`${stores.location}-gone`, stores.location);
        isBack = true;
      } catch (error) {
        // It reports again and again, also between these two.
        if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      }
    }
    await publish('second');
    await hasField(gateway, 'second');
  });

  it('starts with the last good supergraph when it cannot run the newest', async () => {
    await publish('first');
    await start();
    await gateways.pop()!.stop();
    expect(readFileSync(join(folder, 'kept.graphql'), 'utf8')).toContain('first');
    const [accounts, reviews] = changes();
    await registry.publish([{ ...accounts!, routingUrl: refusedUrl }, reviews!], author);
    expect(await fieldsOf(await start())).toContain('first');
    await reported(([report]) => report?.refused?.version === 2);
  });

  it('starts without a supergraph where nothing was published yet, and runs the first', async () => {
    const gateway = await start();
    expect((await gateway.post({ query: '{ me { name } }' })).status).toBe(503);
    await publish();
    await eventually(async () => (await gateway.post({ query: '{ me { name } }' })).status === 200, 30_000);
  });
});
