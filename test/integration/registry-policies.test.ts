import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiSchemaOf, readUsage, Registry } from '../../schema';
import { guardDynamoDB, type Statement } from '../support/guarded-dynamodb';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startCli } from '../support/run-cli';
import { startTestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

/** The policies of docs/registry.md, in its order. */
const [reader, team, gateway, previews] = Array.from(
  readFileSync(join(__dirname, '../../docs/registry.md'), 'utf8').matchAll(/```json\n(.*?)```/gs),
  ([, json]) => [JSON.parse(json!) as Statement | Statement[]].flat(),
) as [Statement[], Statement[], Statement[], Statement[]];
const [, startStores] = registryStoreKinds.find(([kind]) => kind === 'DynamoDB')!;

let graph: SmallGraph;
let folder: string;
let stores: TestRegistryStores;
let guard: Awaited<ReturnType<typeof guardDynamoDB>> | undefined;

beforeAll(async () => (graph = await startSmallGraph()));
afterAll(() => graph.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-policies-'));
  stores = await startStores();
  const all = [graph.accounts, graph.reviews].map(({ name, url, typeDefs }) => ({
    ...{ name, routingUrl: url, sdl: typeDefs, file: name },
  }));
  const registry = await open('prod');
  await registry.publish(all, { by: 'ana' });
  await registry.publish([{ ...all[0]!, sdl: changed('a') }], { by: 'ana' });
});
afterEach(async () => {
  await guard?.close();
  await stores.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = async (variant: string) =>
  new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } });
const changed = (...fields: string[]) =>
  `${graph.accounts.typeDefs} extend type Query { ${fields.map((field) => `${field}: Int`).join(' ')} }`;

/** The registry as a role sees it. */
async function as(statements: readonly Statement[]): Promise<string> {
  const [table, endpoint] = stores.location.split('endpoint=');
  guard = await guardDynamoDB(endpoint!, statements);
  return `${table}endpoint=${guard.endpoint}`;
}

function weir(registry: string, ...args: string[]) {
  const env = { WEIR_REGISTRY: registry, WEIR_GRAPH: 'shop@prod', GITHUB_ACTOR: 'ana', GITHUB_SHA: 'c0' };
  return startCli(args, env).result;
}

/** With one field more than what runs. */
function schemaFile(field: string): string {
  const file = join(folder, 'accounts.graphql');
  writeFileSync(file, changed('a', field));
  return file;
}

/** "The same for these", where a variant has contracts. */
const withContract = (statements: readonly Statement[]): Statement[] => [
  ...statements,
  ...(JSON.parse(JSON.stringify(statements).replaceAll('shop@prod', 'shop@public')) as Statement[]),
];

const readerCommands = (): string[][] => [
  ['check', 'accounts', '--schema', schemaFile('b')],
  ['history'],
  ['history', '1'],
  ['diff'],
  ['status'],
];

describe('the policies in the documentation', () => {
  it('let a reader do all that changes nothing, and nothing else', async () => {
    const registry = await as(reader);
    for (const command of readerCommands())
      expect(await weir(registry, ...command)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(guard!.refused).toEqual([]);

    const published = await weir(registry, 'publish', 'accounts', '--schema', schemaFile('b'));
    expect(published.exitCode).toBe(2);
    expect(published.stderr).toContain('AccessDeniedException: no policy allows dynamodb:PutItem on shop');
  });

  it('let a team publish, roll back and remove', async () => {
    const registry = await as([...reader, ...team]);
    for (const command of [
      ['publish', 'accounts', '--schema', schemaFile('b')],
      ['rollback', 'accounts'],
      ['publish', 'reviews', '--remove'],
    ])
      expect(await weir(registry, ...command)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(guard!.refused).toEqual([]);
  });

  it('let teams and readers of a variant with contracts do the same, given the same for these', async () => {
    const contract = await open('public');
    await contract.contract({ of: 'shop@prod', include: [], exclude: ['internal'] }, { by: 'ana' });
    const registry = await as(withContract([...reader, ...team]));
    for (const command of [
      ...readerCommands(),
      ['publish', 'accounts', '--schema', schemaFile('b')],
      ['rollback', 'accounts'],
      ['contract', 'shop@public'],
      ['contract', 'shop@public', '--remove'],
    ]) {
      const { exitCode, stderr } = await weir(registry, ...command);
      expect([command[0], exitCode, stderr.replace(/warning CONTRACT_TAG_UNUSED.*\s+/g, '')]).toEqual([
        command[0],
        0,
        '',
      ]);
    }
    expect(guard!.refused).toEqual([]);
  });

  it('let a role publish previews and delete them, and nothing else', async () => {
    const registry = await as([...reader, ...previews]);
    const graph = ['--graph', 'shop@pr-7'];
    for (const command of [
      [
        'publish',
        'accounts',
        '--schema',
        schemaFile('b'),
        ...graph,
        '--from',
        'shop@prod',
        '--expires',
        '1h',
      ],
      ['diff', ...graph],
      ['status', '--graph', 'shop'],
      ['publish', ...graph, '--expires', 'now'],
    ])
      expect(await weir(registry, ...command)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(guard!.refused).toEqual([]);
    expect(await weir(registry, 'publish', 'accounts', '--schema', schemaFile('b'))).toMatchObject({
      exitCode: 2,
    });
  });

  it.each([
    ['the newest version', {}],
    ['a certain version', { version: 1 }],
  ])('let a gateway run %s, count its use and report', async (_, which) => {
    const running = await startTestGateway({
      logging: { level: 'warn' },
      supergraph: {
        registry: await as(gateway),
        graph: 'shop@prod',
        keep: join(folder, 'kept'),
        ...which,
      },
    });
    expect(await running.query('query Me { me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
    const registry = await open('prod');
    await eventually(async () => (await registry.gateways.running()).length === 1);
    await running.stop();
    expect(running.log).toEqual([]);
    expect(guard!.refused).toEqual([]);
    const schema = apiSchemaOf(await registry.supergraph(await registry.newest()));
    const usage = await readUsage(registry.usage, { since: new Date(Date.now() - 86_400_000), schema });
    expect(usage.operations).toMatchObject([{ name: 'Me', requests: 1 }]);
  });

  it('let a gateway run previews, and delete those that have expired', async () => {
    const preview = await open('pr-7');
    const { name, url } = graph.accounts;
    const publish = (lifetime: number) =>
      preview.preview(
        [{ name, routingUrl: url, sdl: changed('b'), file: name }],
        { from: 'shop@prod', lifetime },
        { by: 'ana' },
      );
    await publish(3_600_000);
    const forPreviews = JSON.stringify(gateway).replaceAll('shop@prod', 'shop@pr-*');
    const registry = await as([...gateway, ...(JSON.parse(forPreviews) as Statement[]), ...previews]);
    const running = await startTestGateway({
      logging: { level: 'warn' },
      auth: { anonymous: true },
      supergraph: { registry, pollInterval: 50, keep: join(folder, 'kept') },
      usage: { interval: 100 },
      graphs: {
        default: 'shop@prod',
        choose: [{ host: '127.0.0.1', graph: 'shop@pr-7' }],
        allow: [{ graph: 'shop@pr-*', modes: ['none'] }],
      },
    });
    expect(await running.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
    const kept = async () => (await stores.keys()).filter((key) => key.startsWith('shop@pr-7/'));
    await eventually(async () => (await kept()).some((key) => key.includes('usage')));
    await publish(1);
    await eventually(async () => (await kept()).join() === 'shop@pr-7/current');
    await running.stop();
    expect(running.log.filter(({ msg }) => msg !== 'the preview has expired')).toEqual([]);
    expect(guard!.refused).toEqual([]);
  });
});
