import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, exitOf, readLines, stopper } from './child';
import { portOf } from './ports';

export interface CommandOptions {
  /** A command line for the shell. */
  readonly line: string;
  /** The working folder. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command is ready when this URL accepts connections. */
  readonly url: string;
  /** Called with every line of its output. */
  readonly onLine: (line: string) => void;
}

/**
 * Starts a command, which may be any program and start further processes. All of them are in one process group and end
 * together. They also end when this process ends in any way, as that closes the pipe to `guarded`.
 */
export function startCommand({ line, folder, env, url, onLine }: CommandOptions): Child {
  const child = spawn('sh', ['-c', guarded, 'sh', line], {
    ...{ cwd: folder, env: forFolder(env), stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  });
  child.once('error', ({ message }) => onLine(`\`${line}\` cannot be run: ${message}`));
  child.stdin.on('error', () => undefined);
  const toGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // All processes have ended already.
    }
  };
  const printed = Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)]);
  const exit = exitOf(child).then(async (ended) => {
    // Remaining processes are to end. They would otherwise keep the output open.
    child.stdin.end();
    await Promise.race([printed, sleep(stragglers, undefined, { ref: false })]);
    toGroup('SIGKILL');
    await printed;
    return ended;
  });
  const over = new AbortController();
  void exit.then(() => over.abort());
  return {
    ready: untilListening(url, over.signal).then((isThere) => (isThere ? url : undefined)),
    exit,
    stop: stopper(toGroup, exit),
  };
}

/** The environment for a command in another folder: the file of link keys, whose path may be relative, stays the same. */
function forFolder(env: CommandOptions['env']): CommandOptions['env'] {
  const { WEIR_LINK_KEYS_FILE: file } = env;
  return file ? { ...env, WEIR_LINK_KEYS_FILE: resolve(file) } : env;
}

/**
 * A shell script: a background process waits for the end of the input, and then ends the group. `$1` is the command.
 */
const guarded = 'exec 3<&0 </dev/null; (cat <&3; kill -TERM 0) >/dev/null 2>&1 & exec 3<&-; exec sh -c "$1"';

/**
 * Milliseconds that processes have to end after the command itself, such as a service whose shell has ended at once.
 */
const stragglers = 5_000;

/**
 * Resolves with true when a URL accepts connections, and with false if `signal` is aborted before. It is tried at least
 * every `longestPause` milliseconds.
 */
export async function untilListening(url: string, signal: AbortSignal, longestPause = 250): Promise<boolean> {
  for (let pause = 20; !signal.aborted; pause = Math.min(2 * pause, longestPause)) {
    if (await isListening(url)) return !signal.aborted;
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return false;
}

/** Whether a URL accepts connections. */
export function isListening(url: string): Promise<boolean> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(portOf(url)), timeout: connectTimeout });
  return new Promise((answered) => {
    const answer = (is: boolean): void => {
      socket.destroy();
      answered(is);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}

/** Milliseconds to wait for a connection. */
const connectTimeout = 2_000;
