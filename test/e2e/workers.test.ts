import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const running: ChildProcess[] = [];

afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});

/** Runs `weir gateway --workers 2` and waits until it says something that matches. */
async function start(...args: string[]) {
  const child = spawn(
    process.execPath,
    [join(root, 'dist/cli/main.js'), 'gateway', '--workers', '2', '--log-level', 'warn', ...args],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  running.push(child);
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const check of waiting) check();
  });
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve) => {
      const check = (): void => {
        const match = pattern.exec(stderr);
        if (match === null) return;
        waiting.delete(check);
        resolve(match);
      };
      waiting.add(check);
      check();
    });
  return { child, printed, stderr: () => stderr };
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const supergraph = join(root, 'schema/supergraph.graphql');

describe('weir gateway --workers 2', () => {
  it('serves from two processes, replaces one that dies and all on SIGHUP, and stops without an orphan', async () => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const gateway = await start(
      '--supergraph',
      supergraph,
      '--port',
      `${port}`,
      '--admin-port',
      `${adminPort}`,
    );
    await gateway.printed(/2 workers answer at /);
    const ask = async (): Promise<unknown> => {
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: '{"query":"{ __typename }"}',
      });
      return response.json();
    };
    const workers = async (): Promise<Set<string>> => {
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return new Set(
        [...metrics.matchAll(/requests_in_flight\{worker="(\d)"/g)].map(([, number]) => number!),
      );
    };

    for (let i = 0; i < 6; i++) expect(await ask()).toEqual({ data: { __typename: 'Query' } });
    expect(await workers()).toEqual(new Set(['1', '2']));

    const { execFileSync } = await import('node:child_process');
    const pids = execFileSync('pgrep', ['-P', `${gateway.child.pid}`])
      .toString()
      .trim()
      .split('\n')
      .map(Number);
    expect(pids).toHaveLength(2);
    process.kill(pids[0]!, 'SIGKILL');
    await gateway.printed(/worker \d+ died \(SIGKILL\); starting another/);
    for (let i = 0; i < 6; i++) expect(await ask()).toEqual({ data: { __typename: 'Query' } });

    gateway.child.kill('SIGHUP');
    await gateway.printed(/the workers are replaced/);
    for (let i = 0; i < 6; i++) expect(await ask()).toEqual({ data: { __typename: 'Query' } });
    expect(await workers()).toEqual(new Set(['1', '2']));

    const replaced = execFileSync('pgrep', ['-P', `${gateway.child.pid}`])
      .toString()
      .trim()
      .split('\n')
      .map(Number);
    gateway.child.kill('SIGTERM');
    expect(await once(gateway.child, 'exit')).toEqual([0, null]);
    for (const pid of [...pids, ...replaced]) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('exits 2 with the sentence of one that cannot start', async () => {
    const gateway = await start('--supergraph', 'nowhere.graphql', '--port', '0', '--admin-port', '0');
    expect(await once(gateway.child, 'exit')).toEqual([2, null]);
    expect(gateway.stderr()).toContain('nowhere.graphql does not exist');
  });
});
