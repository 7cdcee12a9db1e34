import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GatewayReport, openRegistryStore, Registry, type Version } from '../../../../schema';
import { startCli } from '../../../support/run-cli';

let folder: string;
let env: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  env = {
    WEIR_REGISTRY: join(folder, 'registry'),
    WEIR_GRAPH: 'shop@prod',
    GITHUB_ACTOR: 'ana',
    GITHUB_SHA: 'c0ffee',
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => startCli(args, env).result;
function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
const publish = (name: string, sdl: string) =>
  run(
    'publish',
    name,
    '--schema',
    write(`${name}.graphql`, sdl),
    '--routing-url',
    `http://${name}.test/graphql`,
  );

describe('weir publish', () => {
  it('says which version is live', async () => {
    expect(await publish('a', 'type Query { x: Int }')).toEqual({
      exitCode: 0,
      stdout: 'shop@prod is at version 1: added a.\n',
      stderr: '',
    });
    expect(await publish('a', 'type Query { x: Int, y: Int }')).toMatchObject({
      stdout: 'shop@prod is at version 2: changed a.\n',
    });
    expect(await publish('a', 'type Query { x: Int, y: Int }')).toMatchObject({
      exitCode: 0,
      stdout: 'shop@prod has this already: nothing to do at version 2.\n',
    });
  });

  it('exits 1 with file and line when the subgraphs do not compose', async () => {
    const { exitCode, stderr } = await publish('a', 'type Query {\n  x: Nowhere\n}');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `error INVALID_GRAPHQL: Unknown type Nowhere\n  ${join(folder, 'a.graphql')}:2:6 (a)`,
    );
    expect(stderr).toMatch(
      /weir: does not compose: version 1 of shop@prod is rejected, and the running graph is unchanged.\n$/,
    );
  });

  it('publishes all subgraphs of a configuration', async () => {
    write('a.graphql', 'type Query { x: Int }');
    const config = write(
      'supergraph.yaml',
      'subgraphs: { a: { routing_url: http://a.test, schema: { file: a.graphql } }, b: { routing_url: http://b.test, schema: { sdl: "type Query { y: Int }" } } }',
    );
    expect(await run('publish', '--config', config)).toMatchObject({
      exitCode: 0,
      stdout: 'shop@prod is at version 1: added a, added b.\n',
    });
  });

  it('removes a subgraph', async () => {
    await publish('a', 'type Query { x: Int }');
    await publish('b', 'type Query { y: Int }');
    expect(await run('publish', 'a', '--remove')).toMatchObject({
      stdout: 'shop@prod is at version 3: removed a.\n',
    });
  });

  it.each([
    [['publish'], 'which subgraph? Name it, or all with --config FILE.'],
    [['publish', 'a'], 'which schema has a? Name it with --schema FILE.'],
    [
      ['publish', 'a', '--schema', 'nowhere.graphql'],
      '--schema names nowhere.graphql, which does not exist.',
    ],
    [
      ['publish', 'a', '--schema', 'x', '--routing-url', 'a.test'],
      '--routing-url must be an http or https URL, but got: "a.test".',
    ],
    [
      ['publish', 'a', '--config', 'x'],
      '--config names all subgraphs: leave SUBGRAPH, --schema and --routing-url out.',
    ],
    [['publish', '--remove'], '--remove takes the name of a subgraph, and neither --schema nor --config.'],
    [['history', '--registry', ''], 'which registry? Name it with --registry LOCATION, or in WEIR_REGISTRY.'],
    [['history', '--graph', ''], 'which graph? Name it with --graph GRAPH@VARIANT, or in WEIR_GRAPH.'],
    [
      ['history', '--graph', 'shop'],
      'A graph must be named with its variant, such as shop@prod, both of letters, digits, - and _, but got: shop',
    ],
    [['history'], 'Nothing was published to shop@prod yet: `weir publish` does.'],
  ])('answers %j with one sentence, and does nothing', async (args, sentence) => {
    expect(await run(...args)).toEqual({ exitCode: 2, stdout: '', stderr: `weir: ${sentence}\n` });
  });
});

describe('weir history', () => {
  it('lists who changed what', async () => {
    await publish('a', 'type Query { x: Int }');
    await publish('b', 'type Query { y: Nowhere }');
    const { stdout } = await run('history');
    const [second, first] = stdout.replace(/\S+Z/g, 'TIME').split('\n');
    expect(first).toBe('   1  published    TIME  added a, by ana from c0ffee');
    expect(second).toBe('   2  rejected     TIME  added b, by ana from c0ffee');
    expect(JSON.parse((await run('history', '--limit', '1', '--format', 'json')).stdout)).toMatchObject([
      { number: 2, kind: 'rejected' },
    ]);
  });

  it('tells why a version was rejected', async () => {
    await publish('a', 'type Query { x: Int }');
    await publish('b', 'type Query { y: Nowhere }');
    const { stdout } = await run('history', '2');
    expect(stdout).toContain('  a  http://a.test/graphql  since version 1\n');
    expect(stdout).toContain('error INVALID_GRAPHQL: Unknown type Nowhere');
  });
});

describe('weir rollback', () => {
  it('restores the previous schema of a subgraph', async () => {
    await publish('a', 'type Query { x: Int }');
    await publish('a', 'type Query { mistake: Int }');
    await publish('b', 'type Query { y: Int }');
    expect(await run('rollback', 'a')).toEqual({
      exitCode: 0,
      stdout: 'shop@prod is at version 4: back to version 1 (changed a).\n',
      stderr: '',
    });
    expect(await run('rollback', '--to', '2')).toMatchObject({
      stdout: 'shop@prod is at version 5: back to version 2 (changed a, removed b).\n',
    });
    expect(await run('rollback', '--to', '9')).toMatchObject({
      exitCode: 2,
      stderr: 'weir: shop@prod has no version 9: it has 1 to 5.\n',
    });
  });
});

describe('weir status', () => {
  const report = async (more: Partial<GatewayReport>) => {
    const store = await openRegistryStore(env['WEIR_REGISTRY']!);
    const { gateways } = new Registry({ store, variant: { graph: 'shop', variant: 'prod' } });
    const at = new Date().toISOString();
    await gateways.put({ id: 'h-1', host: 'h', startedAt: 'then', at, state: 'running', ...more });
    return gateways;
  };
  const supergraph = async () =>
    (JSON.parse((await run('history', '1', '--format', 'json')).stdout) as Version).supergraph!;

  it('tells which gateways run which version', async () => {
    await publish('a', 'type Query { x: Int }');
    expect(await run('status')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('No gateway has reported in the last 90 seconds.\n') as string,
    });
    await report({ version: 1, supergraph: await supergraph() });
    await report({ id: 'h-2', supergraph: 'c0ffee', refused: { version: 1, reason: 'No.' } });
    await report({ id: 'gone', at: '2020-01-01T00:00:00Z' });
    await report({ id: 'stopped', state: 'stopped' });
    expect((await run('status')).stdout).toMatch(
      /gateways\n {2}h-1 {2}runs version 1, up since then\n {2}h-2 {2}runs a supergraph that it kept \(c0ffee\), up since then; refuses version 1: No\.\n$/,
    );
  });

  it('shows which events wait for a webhook, and why', async () => {
    const origin = 'https://deploys.test';
    const at = '2026-12-01T12:00:00.000Z';
    for (const name of ['a', 'b', 'c']) await publish(name, `type Query { ${name}: Int }`);
    await publish('c', 'type Query {');
    await report({
      webhooks: { deploys: { origin, events: ['published'] }, new: { origin, events: ['published'] } },
    });
    const store = await openRegistryStore(env['WEIR_REGISTRY']!);
    const { webhooks } = new Registry({ store, variant: { graph: 'shop', variant: 'prod' } });
    const cursor = { attempts: 0, by: 'x', isSending: false };
    const failure = { version: 2, at, attempts: 3, reason: 'HTTP\u001b[0m 500', isDropped: false };
    await webhooks.put(
      'deploys',
      { ...cursor, delivered: 1, delivery: { version: 1, at }, failure, retryAt: at },
      0,
    );
    await webhooks.put('gone', { ...cursor, delivered: 3, failure: { ...failure, isDropped: true } }, 0);
    const { stdout } = await run('status');
    expect(stdout.slice(stdout.indexOf('webhooks')).replaceAll(/ of \S+Z/g, ' of TIME')).toBe(
      `webhooks
  deploys  ${origin}
    waiting        2 events, since version 2 of TIME; next attempt by ${at}
    last delivery  version 1 at ${at}
    last failure   version 2 at ${at}, attempt 3: HTTP\\u001b[0m 500
  gone  in the options of no running gateway
    waiting        1 event, since version 4 of TIME
    last failure   version 2 at ${at}, attempt 3, dropped: HTTP\\u001b[0m 500
  new  ${origin}
    waiting        0 events
`,
    );
  });

  it('waits until all gateways run the newest version', async () => {
    await publish('a', 'type Query { x: Int }');
    await report({ supergraph: 'old' });
    expect(await run('status', '--wait', '1s')).toMatchObject({
      exitCode: 1,
      stderr: 'weir: 1 of 1 gateways do not run version 1.\n',
    });
    const waiting = run('status', '--wait', '5m');
    await report({ version: 1, supergraph: await supergraph() });
    expect(await waiting).toMatchObject({ exitCode: 0 });
  });
});

describe('weir diff', () => {
  it('compares versions that ran, not rejected ones, unless these are named', async () => {
    await publish('a', 'type Query { x: Int }');
    await publish('a', 'type Query {');
    await publish('a', 'type Query { x: Int, y: Int }');
    await publish('b', 'type Query {');
    const { exitCode, stdout } = await run('diff', '--format', 'json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      from: { number: 1 },
      to: { number: 3 },
      changes: [{ severity: 'safe' }],
    });
    expect((await run('diff', '2', '3')).stdout).toMatch(/ {3}2 {2}rejected[^]*Field `y` was added/);
  });

  it('says of the first version that ran that there is none before it', async () => {
    await publish('a', 'type Query {');
    expect(await run('diff')).toMatchObject({
      exitCode: 2,
      stderr: 'weir: shop@prod has no supergraph at version 1: nothing composed until then.\n',
    });
    await publish('a', 'type Query { x: Int }');
    expect((await run('diff')).stdout).toMatch(/This is the first version of shop@prod that ran/);
  });

  it('shows the differences of the API schema between two versions', async () => {
    await publish('a', 'type Query { x: Int  y: Int }');
    await publish('a', 'type Query { x: Int  z: Int }');
    await publish('b', 'type Query { w: Int }');
    expect((await run('diff', '1', '2')).stdout).toMatch(
      /breaking {3}Field `y` was removed.*\n {2}safe {7}Field `z` was added/,
    );
    expect((await run('diff')).stdout).toMatch(/safe {7}Field `w` was added/);
    expect(JSON.parse((await run('diff', '2', '--format', 'json')).stdout)).toMatchObject({
      from: { number: 2 },
      to: { number: 3 },
      changes: [{ severity: 'safe' }],
    });
  });
});

describe('weir contract', () => {
  const sdl = (fields: string) =>
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@tag"]) type Query { ${fields} }`;
  const make = (...flags: string[]) => run('contract', 'shop@public', ...flags);

  it('makes a variant that follows publishes, and that every other command accepts', async () => {
    await publish('a', sdl('x: Int, y: Int @tag(name: "internal")'));
    expect(await make('--of', 'shop@prod', '--exclude', 'internal')).toEqual({
      exitCode: 0,
      stdout: 'shop@public is at version 1: added a, as shop@prod at version 1.\n',
      stderr: '',
    });
    expect(await publish('a', sdl('x: Int, z: Int, y: Int! @tag(name: "internal")'))).toMatchObject({
      stdout:
        'shop@prod is at version 2: changed a.\n' +
        'shop@public is at version 2: changed a, as shop@prod at version 2.\n',
    });
    expect((await run('diff', '--graph', 'shop@public')).stdout).toMatch(
      /\n {2}safe +Field `z` was added to object type `Query`\n$/,
    );
    expect((await run('history', '--graph', 'shop@public')).stdout).toMatch(/changed a, as shop@prod/);
    const schema = write('proposed.graphql', sdl('x: Int, z: Int @tag(name: "internal")'));
    const checked = await run('check', 'a', '--schema', schema, '--graph', 'shop@public');
    expect(checked.exitCode).toBe(1);
    expect(checked.stdout).toContain('Field `z` was removed from object type `Query`');
    expect(checked.stdout).not.toContain('Field `y`');
  });

  it('exits 1 for a publish that leaves the contract empty, while the publish is live', async () => {
    await publish('a', sdl('x: Int'));
    await make('--of', 'shop@prod', '--exclude', 'internal');
    const { exitCode, stdout, stderr } = await publish('a', sdl('x: Int @tag(name: "internal")'));
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'shop@prod is at version 2: changed a.\n' });
    expect(stderr).toMatch(
      /weir: does not compose: version 2 of shop@public is rejected, and the running graph is unchanged.\n$/,
    );
  });

  it('ends it', async () => {
    await publish('a', sdl('x: Int'));
    await make('--of', 'shop@prod', '--exclude', 'internal');
    expect(await make('--remove', '--exclude', 'internal')).toMatchObject({ exitCode: 2 });
    expect(await make('--remove')).toMatchObject({
      exitCode: 0,
      stdout: 'shop@public is at version 2: no contract any more.\n',
    });
    expect(await publish('a', sdl('x: Int, y: Int'))).toMatchObject({
      stdout: 'shop@prod is at version 2: changed a.\n',
    });
    expect(await make('--remove')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('shop@public is no contract'),
    });
    expect(await run('rollback', '--graph', 'shop@public')).toMatchObject({
      exitCode: 2,
      stderr:
        'weir: Version 1 of shop@public was a contract of shop@prod: `weir contract` makes it one again.\n',
    });
    expect(await make('--of', 'shop@prod', '--exclude', 'internal')).toMatchObject({ exitCode: 0 });
    const { stdout } = await run('history', '--graph', 'shop@public');
    expect(stdout.split('\n').map((line) => line.slice(6, 17).trim())).toEqual([
      'published',
      'ended',
      'published',
      '',
    ]);
  });

  it('requires the other variant', async () => {
    expect(await make('--exclude', 'internal')).toMatchObject({
      exitCode: 2,
      stderr: 'weir: --include and --exclude need --of: the variant that the contract shows a part of.\n',
    });
  });
});
