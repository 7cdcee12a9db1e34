import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { saySkipped, usesPrograms, whySkipped } from './programs';

const hasMoto =
  'from importlib.util import find_spec; exit(not all(map(find_spec, ("moto", "flask", "flask_cors"))))';

/**
 * The Python that has moto (https://docs.getmoto.org), which stands in for AWS: `WEIR_TEST_PYTHON`, else the one of the
 * path. Undefined where there is none, and in `npm test`.
 */
export const motoPython = (usesPrograms ? [process.env['WEIR_TEST_PYTHON'], 'python3', 'python'] : [])
  .filter((python) => python !== undefined)
  .find((python) => spawnSync(python, ['-c', hasMoto]).status === 0);

/** Why tests that need moto are skipped. Undefined where they run. */
export const skippedWithoutMoto =
  motoPython === undefined ? whySkipped("no Python with moto (pip install 'moto[server]')") : undefined;

/** Reports in the output of the tests that those of `what` do not run without moto. */
export function sayWithoutMoto(what: string): void {
  if (skippedWithoutMoto !== undefined) saySkipped(what, skippedWithoutMoto);
}

/** A server that answers as AWS does. All is in its memory. */
export interface Moto {
  readonly url: string;
  /** For the clients of `@aws-sdk`. */
  readonly config: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Forgets all resources. */
  reset(): Promise<void>;
  /** Sets options of moto itself, such as `{ stepfunctions: { execute_state_machine: true } }`. */
  configure(options: object): Promise<void>;
  /** Stops it in its tracks: it neither answers nor closes connections. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Starts a server on a free port, some 0.6 s of a processor. One for a test file is enough. */
export async function startMoto(): Promise<Moto> {
  const server = spawn(motoPython!, [join(__dirname, 'moto-server.py')], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const url = await urlOf(server);
  const post = async (path: string, body?: object): Promise<void> => {
    const { status } = await fetch(`${url}/moto-api/${path}`, {
      method: 'POST',
      ...(body && { body: JSON.stringify(body) }),
    });
    if (status >= 300) throw new Error(`moto answers ${status} to POST /moto-api/${path}.`);
  };
  return {
    url,
    config: {
      endpoint: url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    reset: () => post('reset'),
    configure: (options) => post('config', options),
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop: () =>
      new Promise((resolve) => {
        if (server.exitCode !== null || server.signalCode !== null) resolve();
        server.once('exit', () => resolve());
        server.kill('SIGKILL');
      }),
  };
}

function urlOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      // A line for each request follows, which nobody needs.
      if (said.length < 10_000) said += text;
      const [, url] = /Running on (http:\S+)/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`moto ended with ${code}:\n${said}`)));
  });
}
