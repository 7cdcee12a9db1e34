import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildOptions, startChild } from '../../../../cli/dev/child';
import { isRefused, supervise, type Supervised, type SuperviseOptions } from '../../../../cli/dev/supervisor';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
let supervised: Supervised | undefined;
afterEach(() => supervised?.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reports its process id as its address, and ends with its parent. */
const healthy = script(
  'healthy.js',
  `process.on('disconnect', () => process.exit(0));
   console.log('hello'); console.error('careful');
   process.send({ type: 'ready', url: 'pid:' + process.pid });`,
);

describe('supervise', () => {
  it('resolves with the address of a ready child, and passes its output on', async () => {
    const lines: string[] = [];
    const child = start({ script: healthy, onLine: (line, stream) => lines.push(`${stream} ${line}`) });

    expect(await child.started).toEqual({ url: expect.stringMatching(/^pid:\d+$/) });
    await child.stop();

    expect(lines.sort()).toEqual(['stderr careful', 'stdout hello']);
  });

  it('restarts a child that was killed', async () => {
    const deaths: unknown[] = [];
    const recovered = new Promise<void>((resolve) => {
      const child = start({
        script: healthy,
        onDeath: (exit, delay) => deaths.push([exit, delay]),
        onRecovery: resolve,
      });
      void child.started.then((first) => process.kill(pidOf(first), 'SIGKILL'));
    });
    await recovered;

    expect(deaths).toEqual([[{ code: null, signal: 'SIGKILL' }, 20]]);
  });

  it('waits longer each time when a child keeps dying', async () => {
    const delays: number[] = [];
    const script2 = script('dying.js', 'process.exit(3)');
    await new Promise<void>((resolve) => {
      start({
        script: script2,
        onDeath: (exit, delay) => {
          expect(exit).toEqual({ code: 3, signal: null });
          if (delays.push(delay) === 3) resolve();
        },
      });
    });

    expect(delays).toEqual([20, 40, 80]);
  });

  it('does not retry a start that the child refuses, and says how it ended', async () => {
    const onDeath = jest.fn();
    const child = start({ script: script('failing.js', 'process.exit(2)'), onDeath });

    expect(await child.started).toEqual({ code: 2, signal: null });
    expect(await child.restart()).toEqual({ code: 2, signal: null });
    expect(onDeath).not.toHaveBeenCalled();
  });

  it('restarts with new arguments, without reporting a death', async () => {
    const onDeath = jest.fn();
    let generation = 0;
    const echo = script(
      'echo.js',
      `process.send({ type: 'ready', url: process.argv[2] }); process.on('disconnect', () => process.exit())`,
    );
    const child = start({ script: echo, args: () => [String((generation += 1))], onDeath });

    expect(await child.started).toEqual({ url: '1' });
    expect(await child.restart()).toEqual({ url: '2' });
    expect(onDeath).not.toHaveBeenCalled();
  });

  it('leaves nothing behind when it is stopped', async () => {
    const child = start({ script: healthy });
    const pid = pidOf(await child.started);
    await child.stop();

    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

function start({
  script,
  args = () => [],
  onLine = () => undefined,
  ...options
}: Partial<SuperviseOptions> & {
  readonly script: string;
  readonly args?: () => readonly string[];
  readonly onLine?: ChildOptions['onLine'];
}): Supervised {
  supervised = supervise({
    startChild: () => startChild({ script, args: args(), env: process.env, onLine }),
    isRefusal: isRefused,
    onDeath: () => undefined,
    delay: 20,
    ...options,
  });
  return supervised;
}

function pidOf(started: Awaited<Supervised['started']>): number {
  return 'url' in started ? Number(started.url.replace('pid:', '')) : NaN;
}

function script(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}
