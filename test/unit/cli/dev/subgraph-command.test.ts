import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type CommandOptions,
  isListening,
  startCommand,
  untilListening,
} from '../../../../cli/dev/subgraph-command';
import type { Child } from '../../../../cli/dev/child';
import { freePorts, withPort } from '../../../../cli/dev/ports';
import { eventually, isAlive } from '../../../support/process';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-test-')));
const node = JSON.stringify(process.execPath);
let started: Child | undefined;
let url: string;
beforeEach(async () => {
  const [port] = await freePorts(1);
  url = withPort('http://127.0.0.1/graphql', port);
});
afterEach(() => started?.stop(0));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Listens at PORT, and starts a process that would outlive it. */
const service = script(
  'service.cjs',
  `const { spawn } = require('node:child_process');
   const { writeFileSync } = require('node:fs');
   const below = spawn('sleep', ['100'], { stdio: 'inherit' });
   writeFileSync('pids', [process.pid, below.pid].join(' '));
   require('node:net').createServer().listen(process.env.PORT, '127.0.0.1');`,
);

describe('startCommand', () => {
  it('runs a shell command in its folder, and passes its output on', async () => {
    const lines: string[] = [];
    const { exit } = start({
      line: 'pwd; echo "$GREETING" >&2; exit 3',
      env: { ...process.env, GREETING: 'hello' },
      onLine: (line) => lines.push(line),
    });

    expect(await exit).toEqual({ code: 3, signal: null });
    expect(lines.sort()).toEqual([folder, 'hello']);
  });

  it('names the file of link keys as this process sees it, which is in another folder', async () => {
    const lines: string[] = [];
    const env = { ...process.env, WEIR_LINK_KEYS_FILE: 'keys/link' };
    const { exit } = start({ line: 'echo "$WEIR_LINK_KEYS_FILE"', env, onLine: (line) => lines.push(line) });

    await exit;
    expect(lines).toEqual([resolve('keys/link')]);
  });

  it('is ready when the URL accepts connections', async () => {
    expect(await start({ line: `${node} ${service}` }).ready).toBe(url);
    expect(await isListening(url)).toBe(true);
  });

  it('is never ready if it ends before', async () => {
    expect(await start({ line: 'exit 0' }).ready).toBeUndefined();
  });

  it('ends with all its processes when it is stopped', async () => {
    const child = start({ line: `${node} ${service} && true` });
    await child.ready;
    await child.stop();

    expect(await child.exit).toEqual({ code: null, signal: 'SIGTERM' });
    await eventually(() => !pids().some(isAlive));
  });

  it('is killed with all its processes if it does not end within the grace period', async () => {
    const stubborn = script(
      'stubborn.cjs',
      `process.on('SIGTERM', () => undefined);
       require('node:fs').writeFileSync('pids', String(process.pid));
       require('node:net').createServer().listen(process.env.PORT, '127.0.0.1');`,
    );
    const child = start({ line: `${node} ${stubborn}` });
    await child.ready;
    await child.stop(20);

    // Some shells become the command that they run, others wait for it and end themselves.
    expect(await child.exit).toEqual({ code: null, signal: expect.stringMatching(/^SIG(TERM|KILL)$/) });
    await eventually(() => !pids().some(isAlive));
  });

  it('leaves no process behind when it ends by itself', async () => {
    const { exit } = start({ line: 'sleep 100 & echo $! > pids' });

    expect(await exit).toEqual({ code: 0, signal: null });
    await eventually(() => !pids().some(isAlive));
  });

  it('says that its folder is missing', async () => {
    const lines: string[] = [];
    const { exit } = start({
      line: 'true',
      folder: join(folder, 'nowhere'),
      onLine: (line) => lines.push(line),
    });

    expect(await exit).toEqual({ code: null, signal: null });
    expect(lines).toEqual([expect.stringMatching(/^`true` cannot be run: .*ENOENT/)]);
  });

  it('ends when its parent is killed', async () => {
    // As `startCommand` starts it: what counts is the shell's part.
    const parts = /'(exec 3<&0[^\n]+)';/.exec(
      readFileSync(join(__dirname, '../../../../cli/dev/subgraph-command.ts'), 'utf8'),
    )!;
    const parent = spawn(process.execPath, [
      '-e',
      `require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(parts[1])}, 'sh', ${JSON.stringify(`${node} ${service}`)}],
         { cwd: ${JSON.stringify(folder)}, env: { ...process.env, PORT: ${JSON.stringify(new URL(url).port)} }, stdio: ['pipe', 'inherit', 'inherit'], detached: true })`,
    ]);
    await untilListening(url, AbortSignal.timeout(10_000));
    expect(pids().every(isAlive)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');

    await eventually(() => !pids().some(isAlive));
  });
});

describe('untilListening', () => {
  it('waits for a listener on either loopback address', async () => {
    const found = untilListening(url, AbortSignal.timeout(10_000));
    const server = createServer();
    await new Promise<void>((listening) => server.listen(Number(new URL(url).port), '127.0.0.1', listening));
    expect(await found).toBe(true);
    await new Promise((closed) => server.close(closed));
  });

  it('stops when it is aborted', async () => {
    expect(await untilListening(url, AbortSignal.timeout(30))).toBe(false);
  });

  it('finds a listener on IPv6', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '::1', listening));
    const { port } = server.address() as AddressInfo;
    expect(await isListening(`http://[::1]:${port}/graphql`)).toBe(true);
    await new Promise((closed) => server.close(closed));
  });
});

function start(options: Partial<CommandOptions> & { readonly line: string }): Child {
  started = startCommand({
    folder,
    url,
    env: { ...process.env, PORT: new URL(url).port },
    onLine: () => undefined,
    ...options,
  });
  return started;
}

function pids(): number[] {
  return readFileSync(join(folder, 'pids'), 'utf8').trim().split(' ').map(Number);
}

function script(name: string, code: string): string {
  writeFileSync(join(folder, name), code);
  return name;
}
