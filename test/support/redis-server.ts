import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { freePort } from './free-port';
import { eventually } from './process';
import { saySkipped, usesPrograms, whySkipped } from './programs';

/** The program of a Valkey or Redis server. Undefined where there is none, and in `npm test`. */
export const redisProgram = (usesPrograms ? ['valkey-server', 'redis-server'] : []).find(
  (program) => spawnSync(program, ['--version']).status === 0,
);

/** Why tests that need a server are skipped. Undefined where they run. */
export const skippedWithoutRedis =
  redisProgram === undefined ? whySkipped('no valkey-server or redis-server') : undefined;

/** Reports in the output of the tests that those that need a server do not run. */
export function sayWithoutRedis(): void {
  if (skippedWithoutRedis !== undefined) saySkipped('the tests of the Redis store', skippedWithoutRedis);
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** The first bytes of its answer to a command, such as `REPLICAOF NO ONE`. */
  send(command: string): Promise<string>;
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

interface StartRedis {
  /** Serves TLS, with the certificate in `tlsCertificate`. @default false */
  readonly isSecure?: boolean;
  /** Further settings, as on its command line. @default none */
  readonly settings?: readonly string[];
}

/** A file with the certificate of secure servers, for localhost and 127.0.0.1, signed by itself. */
export const tlsCertificate = join(__dirname, 'tls', 'cert.pem');

const tlsSettings = [
  ...['--tls-cert-file', tlsCertificate, '--tls-ca-cert-file', tlsCertificate],
  ...['--tls-key-file', join(__dirname, 'tls', 'key.pem'), '--tls-auth-clients', 'no'],
];

/** Starts a server on a free port, with a folder of its own. */
export async function startRedis({ isSecure = false, settings = [] }: StartRedis = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-redis-'));
  let port: number;
  let server: ChildProcess;
  const send = (command: string) => ask(port, command, isSecure);

  /** False if another process has taken the port meanwhile. */
  async function start(): Promise<boolean> {
    const ports = isSecure ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
    const started = spawn(
      redisProgram!,
      [...always, ...ports, '--dir', folder, ...(isSecure ? tlsSettings : []), ...settings],
      { stdio: 'ignore' },
    );
    server = started;
    const isOwn = () =>
      send('INFO server').then(
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
    url: `${isSecure ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    port,
    send,
    kill,
    restart: async () => {
      if (!(await start())) throw new Error(`The port ${port} is taken.`);
    },
    save: async () => {
      await send('SAVE');
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const always = [
  ...['--bind', '127.0.0.1', '127.0.0.2', '--loglevel', 'warning'],
  ...['--save', '', '--appendonly', 'no'],
];

function ask(port: number, command: string, isSecure: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const write = (): void => void socket.write(`${command}\r\n`);
    const place = { port, host: '127.0.0.1' };
    const socket = isSecure
      ? connectTls({ ...place, rejectUnauthorized: false }, write)
      : connectPlain(place, write);
    // A connection with TLS may have more than one.
    socket.on('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}
