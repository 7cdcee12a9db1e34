import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, exitOf, readLines, stopper } from './child';
import { portOf } from './ports';

export interface CommandOptions {
  /** For a shell. */
  readonly line: string;
  /** Where it is run. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It is ready when somebody listens here. */
  readonly url: string;
  /** Called with every line that it prints. */
  readonly onLine: (line: string) => void;
}

/**
 * Starts a command, which may be any program and start others: all of them are in one process group and end together.
 * They end as well when this process is gone, however it went: then the pipe to `guarded` is closed.
 */
export function startCommand({ line, folder, env, url, onLine }: CommandOptions): Child {
  const child = spawn('sh', ['-c', guarded, 'sh', line], {
    ...{ cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  });
  child.once('error', ({ message }) => onLine(`\`${line}\` cannot be run: ${message}`));
  child.stdin.on('error', () => undefined);
  const toGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // They have all ended.
    }
  };
  const printed = Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)]);
  const exit = exitOf(child).then(async (ended) => {
    // What it has left behind is told to end, and would hold its output open if it did not.
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

/** The first process of the group waits for the end of its input, and then ends the group; `$1` is the command. */
const guarded = 'exec 3<&0 </dev/null; (cat <&3; kill -TERM 0) >/dev/null 2>&1 & exec 3<&-; exec sh -c "$1"';

/** Milliseconds that processes which outlive the command have to end: a service may, whose shell has ended at once. */
const stragglers = 5_000;

/**
 * Resolves with true when somebody listens at a URL, with false when `signal` is aborted before. Looks are at most
 * `longestPause` milliseconds apart.
 */
export async function untilListening(url: string, signal: AbortSignal, longestPause = 250): Promise<boolean> {
  for (let pause = 20; !signal.aborted; pause = Math.min(2 * pause, longestPause)) {
    if (await isListening(url)) return !signal.aborted;
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return false;
}

/** Whether somebody takes connections at a URL. */
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

/** Milliseconds. */
const connectTimeout = 2_000;
