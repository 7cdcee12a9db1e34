import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../../package.json';
import { childrenOf, endAll, eventually, isAlive, startWeir } from '../support/process';

const root = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('weir', () => {
  it('is there as `npx weir` in the checkout', () => {
    expect(execFileSync('npx', ['weir', '--version'], { cwd: root, encoding: 'utf8' })).toBe(`${version}\n`);
  });
});

describe('weir compose', () => {
  it('composes the reference graph and exits', async () => {
    const out = join(folder, 'supergraph.graphql');
    const weir = startWeir(['compose', join(root, 'schema/supergraph.yaml'), '--out', out]);

    expect(await weir.exit).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(readFileSync(join(root, 'schema/supergraph.graphql'), 'utf8'));
  });

  it('ends on SIGTERM while it watches', async () => {
    const config = join(folder, 'watched.yaml');
    writeFileSync(
      config,
      "subgraphs: { a: { routing_url: http://a.test, schema: { sdl: 'type Query { x: Int }' } } }",
    );
    const weir = startWeir(['compose', config, '--watch', '--out', join(folder, 'watched.graphql')]);
    await weir.printed(/composed 1 subgraph/);
    weir.signal('SIGTERM');

    expect(await weir.exit).toBe(0);
  });
});

describe('weir gateway', () => {
  it('exits 2 for a manifest that is not there, whether or not its cache store can be reached', async () => {
    const config = join(folder, 'weir.yaml');
    const manifest = join(folder, 'nowhere.json');
    writeFileSync(
      config,
      `cache: { store: 'redis://127.0.0.1:1' }\npersistedOperations: { manifest: ${manifest} }\n`,
    );
    const supergraph = join(root, 'schema/supergraph.graphql');
    const weir = startWeir(['gateway', '--config', config, '--supergraph', supergraph, '--port', '0']);

    expect(await weir.exit).toBe(2);
    expect(weir.stderr).toContain(manifest);
  });

  it('starts from a supergraph file though none of its subgraphs is up', async () => {
    const supergraph = join(folder, 'far.graphql');
    const sdl = readFileSync(join(root, 'schema/supergraph.graphql'), 'utf8');
    writeFileSync(supergraph, sdl.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:9'));
    const weir = startWeir(['gateway', '--supergraph', supergraph, '--port', '0', '--admin-port', '0']);
    const [, url] = await weir.printed(/weir: the gateway answers at (http:\S+)/);

    const response = await fetch(new URL('/health/ready', url));
    expect(response.status).toBe(200);
    expect(await weir.stop()).toBe(0);
  });
});

describe('weir subgraph', () => {
  it('runs one subgraph alone, until it is asked to stop', async () => {
    const weir = startWeir(['subgraph', 'accounts', '--port', '0', '--data', join(folder, 'accounts')]);
    const [, url] = await weir.printed(/(http:\/\/127\.0\.0\.1:\d+\/graphql)/);
    const response = await fetch(url!, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ user(id: \\"u1\\") { id } }"}',
    });
    expect(await response.json()).toEqual({ data: { user: { id: 'u1' } } });
    weir.signal('SIGTERM');

    expect(await weir.exit).toBe(0);
  });

  it('leaves no subgraph behind when it is killed', async () => {
    const weir = startWeir(['subgraph', 'accounts', '--port', '0', '--data', join(folder, 'accounts')]);
    await weir.printed(/http:\/\/127\.0\.0\.1:\d+\/graphql/);
    const [child] = childrenOf(weir.pid);
    weir.signal('SIGKILL');

    await eventually(() => !isAlive(child!.pid));
  });

  it('hands on the exit code of the subgraph, which says why', async () => {
    const weir = startWeir(['subgraph', 'accounts', '--prot', '1']);

    expect(await weir.exit).toBe(2);
    expect(weir.stderr).toContain('--prot');
  });
});
