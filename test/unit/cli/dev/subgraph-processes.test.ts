import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Output } from '../../../../cli/dev/output';
import { SubgraphProcesses, type SubgraphProcessesOptions } from '../../../../cli/dev/subgraph-processes';
import type { SubgraphSchema, SupergraphConfig } from '../../../../schema';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
/** Prints what it was told and reports its address; refuses a schema that says so. */
const script = join(folder, 'subgraph.js');
writeFileSync(
  script,
  `const { readFileSync } = require('node:fs');
   const { values } = require('node:util').parseArgs({
     options: { host: { type: 'string' }, port: { type: 'string' }, schema: { type: 'string' } } });
   const sdl = readFileSync(values.schema, 'utf8');
   process.on('disconnect', () => process.exit());
   if (sdl.includes('refuse')) { console.error(sdl.includes('table') ? 'delete the table' : 'no'); process.exit(2); }
   console.log([sdl, process.env.A_URL, process.env.B_URL].join(' '));
   process.send({ type: 'ready', url: 'http://127.0.0.1:' + values.port + '/graphql' });`,
);

let printed: string[];
let processes: SubgraphProcesses;
beforeEach(() => {
  printed = [];
  processes = create('configured');
});
afterEach(() => processes.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('SubgraphProcesses', () => {
  it('starts the subgraphs that can be run here, and gives each the URLs of the others', async () => {
    await processes.start(config('a', 'b', 'elsewhere'), schemas({ a: 'one', b: 'two', elsewhere: 'three' }));

    expect([...processes.urls]).toEqual([
      ['a', 'http://127.0.0.1:5001/graphql'],
      ['b', 'http://127.0.0.1:5002/graphql'],
    ]);
    await processes.stop();
    const urls = 'http://127.0.0.1:5001/graphql http://127.0.0.1:5002/graphql';
    expect(printed.sort()).toEqual([`a one ${urls}`, `b two ${urls}`]);
  });

  it('takes free ports when it is asked to', async () => {
    processes = create('free');
    await processes.start(config('a', 'b'), schemas({ a: 'one', b: 'two' }));

    const ports = Array.from(processes.urls.values(), (url) => Number(new URL(url).port));
    expect(new Set(ports).size).toBe(2);
    for (const port of ports) expect(port).toBeGreaterThan(10_000);
  });

  it('fails if a subgraph refuses to start', async () => {
    await expect(processes.start(config('a', 'b'), schemas({ a: 'one', b: 'refuse' }))).rejects.toThrow(
      /^weir: b cannot be started\.$/,
    );
  });

  it('says what may help, where something helps for the reason that it has printed', async () => {
    const start = processes.start(config('a', 'b'), schemas({ a: 'one', b: 'refuse a table' }));
    await expect(start).rejects.toThrow(/^weir: b cannot be started\. Try --reset\.$/);
  });

  it('says in one sentence which port is taken, before anything is started', async () => {
    const other = await listen(5002);
    const start = processes.start(config('a', 'b'), schemas({ a: 'one', b: 'two' }));
    await expect(start).rejects.toThrow(
      /^weir: the port 5002 \(b\) is taken by another process, perhaps another `weir dev`; --port 0 takes a free port for each process\.$/,
    );
    await close(other);
    expect(printed).toEqual([]);
  });

  it('also says which ports of the gateway are taken', async () => {
    const others = await Promise.all([
      listen(5001),
      listen(5002),
      listen(0), // for the gateway
    ]);
    const ports = others.map((each) => (each.address() as AddressInfo).port);
    const free = await listen(0);
    const { port } = free.address() as AddressInfo;
    await close(free);
    processes = create('configured', () => [
      { port: ports[2]!, of: 'gateway' },
      { port, of: 'metrics' },
      { port: 0, of: 'nothing' },
    ]);
    await expect(processes.start(config('a', 'b'), schemas({ a: 'one', b: 'two' }))).rejects.toThrow(
      `weir: the ports ${ports[2]} (gateway), 5001 (a), 5002 (b) are taken by other processes, perhaps another \`weir dev\`;`,
    );
    await Promise.all(others.map(close));
  });

  it('restarts those whose schema changed, and no other', async () => {
    await processes.start(config('a', 'b'), schemas({ a: 'one', b: 'two' }));

    expect(await processes.applySchemas(schemas({ a: 'one', b: 'three' }))).toEqual([]);
    await processes.stop();
    expect(printed.map((line) => line.split(' http')[0]).sort()).toEqual(['a one', 'b three', 'b two']);
  });

  it('restores the old schema if a subgraph does not start with the new one', async () => {
    await processes.start(config('a'), schemas({ a: 'one' }));

    expect(await processes.applySchemas(schemas({ a: 'refuse' }))).toEqual(['a']);
    expect(await processes.applySchemas(schemas({ a: 'one' }))).toEqual([]);
    await processes.stop();
    expect(printed.map((line) => line.split(' http')[0])).toEqual(['a one', 'a no', 'a one']);
  });

  it('follows a configuration: starts new subgraphs, stops removed ones', async () => {
    await processes.start(config('a'), schemas({ a: 'one' }));
    await processes.start(config('a', 'b'), schemas({ a: 'one', b: 'two' }));
    expect([...processes.urls.keys()]).toEqual(['a', 'b']);

    await processes.prune(config('b'));
    expect([...processes.urls.keys()]).toEqual(['b']);
    expect(printed.filter((line) => line.startsWith('a'))).toHaveLength(1);
  });
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return server;
}

const close = (server: Server): Promise<unknown> => new Promise((closed) => server.close(closed));

function create(
  ports: 'free' | 'configured',
  otherPorts: SubgraphProcessesOptions['otherPorts'] = () => [],
): SubgraphProcesses {
  const output: Output = {
    say: () => undefined,
    print: () => undefined,
    line: (name, line) => printed.push(`${name} ${line}`),
  };
  const ours = (name: string) => (name === 'elsewhere' ? undefined : script);
  return new SubgraphProcesses({
    ...{ ports, script: ours, otherPorts, env: process.env, output },
    remedyFor: (reason) => (reason === 'delete the table' ? 'Try --reset.' : undefined),
  });
}

function config(...names: string[]): SupergraphConfig {
  const port = (name: string) => (name === 'a' ? 5001 : 5002);
  return {
    file: 'supergraph.yaml',
    subgraphs: names.map((name) => ({
      name,
      routingUrl: `http://127.0.0.1:${port(name)}/graphql`,
      schema: { kind: 'file', path: join(folder, `${name}.graphql`) },
    })),
  };
}

function schemas(sdls: Record<string, string>): SubgraphSchema[] {
  return Object.entries(sdls).map(([name, sdl]) => ({ name, sdl, routingUrl: '', file: `${name}.graphql` }));
}
