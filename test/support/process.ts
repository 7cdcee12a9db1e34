import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process';
import { join } from 'node:path';

export const weirMain = join(__dirname, '../../dist/cli/main.js');
const running = new Set<ChildProcess>();

/** Ends every process that this test file started and that did not end yet, at once. */
export async function endAll(): Promise<void> {
  await Promise.all(
    Array.from(running, (child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      return ended;
    }),
  );
}

export interface WeirProcess {
  readonly pid: number;
  /** All that was printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the first match in what is printed, from now on or before. Rejects when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** Asks it to stop, as Ctrl-C does, and waits for its end. */
  stop(): Promise<number | null>;
  /** Resolves with the exit code; `null` after a signal. */
  readonly exit: Promise<number | null>;
}

/** Starts `weir` as people do, from its build. What is in `env` is all that it knows of this machine. */
export function startWeir(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): WeirProcess {
  return startProcess([weirMain, ...args], env, cwd);
}

export function startProcess(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = process.cwd(),
): WeirProcess {
  return follow(process.execPath, args, env, { cwd });
}

/** Starts a line of shell in a folder, as a terminal does: all that it starts gets its signals. */
export function startShell(line: string, cwd: string): WeirProcess {
  return follow('sh', ['-c', line], {}, { cwd, detached: true });
}

function follow(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  options: Pick<SpawnOptions, 'cwd' | 'detached'> = {},
): WeirProcess {
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (options.detached) child.kill = (signal) => process.kill(-child.pid!, signal);
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  // Not at `close`, which waits for whoever has inherited its output.
  child.once('exit', () => running.delete(child));
  return {
    pid: child.pid!,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (match) resolve(match);
          return match !== null;
        };
        if (check()) return;
        child.stdout.on('data', check);
        child.stderr.on('data', check);
        void exit.then((code) => {
          if (!check()) reject(new Error(`ended with ${code} and without ${pattern}:\n${stdout}${stderr}`));
        });
      }),
    signal: (signal) => void child.kill(signal),
    stop() {
      child.kill('SIGINT');
      return exit;
    },
    exit,
  };
}

/** An answer of the gateway; its data has the shape of the query. */
export interface Answer {
  // oxlint-disable-next-line typescript/no-explicit-any -- the shape is the query's
  readonly data?: any;
  readonly errors?: readonly Record<string, unknown>[];
}

export interface DevProcess extends WeirProcess {
  readonly url: string;
  /** The answer to an operation. */
  query(query: string, headers?: Record<string, string>): Promise<Answer>;
}

/** Starts `weir dev` on free ports, in a folder, and waits until it runs; `main` is that of another build. */
export async function startDev(
  args: readonly string[],
  env: Record<string, string> = {},
  main = weirMain,
  cwd?: string,
): Promise<DevProcess> {
  const weir = startProcess([main, 'dev', '--port', '0', ...args], env, cwd);
  const url = (await weir.printed(/Endpoint +(http:\S+)/))[1]!;
  await weir.printed(/curl/);
  return Object.assign(Object.create(weir) as WeirProcess, {
    url,
    async query(query: string, headers: Record<string, string> = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
      return (await response.json()) as Answer;
    },
  });
}

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The children of a process, by asking the system. */
export function childrenOf(pid: number): ProcessInfo[] {
  return listProcesses().filter(({ parent }) => parent === pid);
}

export function isAlive(pid: number): boolean {
  return listProcesses().some((info) => info.pid === pid);
}

/** Resolves when `condition` holds; rejects after `timeout` milliseconds: by default a minute, for a busy machine. */
export async function eventually(condition: () => unknown, timeout = 60_000): Promise<void> {
  const deadline = Date.now() + timeout;
  // Most things are so at once or soon; what takes long is not asked all the time.
  for (let pause = 1; !(await condition()); pause = Math.min(2 * pause, 50)) {
    if (Date.now() > deadline) throw new Error(`Still not so after ${timeout} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function listProcesses(): ProcessInfo[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    // A zombie is gone; nobody has looked after it yet.
    if (pid === undefined || state!.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), command: command! }];
  });
}
