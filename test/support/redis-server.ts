import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';
import { eventually } from './process';

/** The program of a Valkey or Redis server, where there is one. */
export const redisProgram = ['valkey-server', 'redis-server'].find(
  (program) => spawnSync(program, ['--version']).status === 0,
);

/** Says in the output of the tests that those that need a server do not run. */
export function sayWithoutRedis(): void {
  if (redisProgram === undefined)
    process.stderr.write(
      '\nNo valkey-server or redis-server here: THE TESTS OF THE REDIS STORE ARE SKIPPED.\n\n',
    );
}

export interface RedisServer {
  readonly url: string;
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again, with the data that was saved last. */
  restart(): Promise<void>;
  /** Takes a snapshot of the data to the disk. */
  save(): Promise<void>;
  /** Stops it in its tracks; it neither answers nor closes connections. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Starts a server on a free port, with a folder of its own. */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-redis-'));
  let port: number;
  let server: ChildProcess;

  /** False if another process has taken the port meanwhile. */
  async function start(): Promise<boolean> {
    const started = spawn(redisProgram!, [...settings, '--port', String(port), '--dir', folder], {
      stdio: 'ignore',
    });
    server = started;
    const isOwn = () =>
      send(port, 'INFO server').then(
        (answer) => answer.includes(`process_id:${started.pid}\r`),
        () => false,
      );
    await eventually(async () => started.exitCode !== null || (await isOwn()));
    return started.exitCode === null;
  }
  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
  }
  do port = await freePort();
  while (!(await start()));
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    restart: async () => {
      if (!(await start())) throw new Error(`The port ${port} is taken.`);
    },
    save: async () => {
      await send(port, 'SAVE');
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--loglevel', 'warning'];

/** The first bytes of the answer to a command. */
function send(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}
