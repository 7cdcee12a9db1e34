import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface ChildOptions {
  /** A JavaScript file, run by this Node. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with every line that the child prints. */
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** A child process that says when it is ready, and ends when its parent does. */
export interface Child {
  /** Resolves with the address in the child's ready message; with `undefined` if it ends before. */
  readonly ready: Promise<string | undefined>;
  /** Resolves when it ended and all its output was seen. Never rejects. */
  readonly exit: Promise<ChildExit>;
  /** Asks it to end, and forces it to after `grace` milliseconds. */
  stop(grace?: number): Promise<void>;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts a child process with an IPC channel. The channel is what ties it to its parent: when the parent is
 * gone, however it went, the child gets `disconnect` and ends. It has a process group of its own, so that
 * Ctrl-C reaches the parent alone, which then stops its children in the right order.
 */
export function startChild({ script, args, env, onLine }: ChildOptions): Child {
  const child = spawn(process.execPath, [script, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  const exit = Promise.all([
    new Promise<ChildExit>((ended) => {
      child.once('exit', (code, signal) => ended({ code, signal }));
      child.once('error', () => ended({ code: null, signal: null }));
    }),
    readLines(child.stdout!, (line) => onLine(line, 'stdout')),
    readLines(child.stderr!, (line) => onLine(line, 'stderr')),
  ]).then(([ended]) => ended);
  let stopping: Promise<void> | undefined;
  return {
    ready: Promise.race([readyMessage(child), exit.then(() => undefined)]),
    exit,
    // A second signal might mean "at once" to it.
    stop: (grace = 5_000) => (stopping ??= stop(child, exit, grace)),
  };
}

async function stop(child: ChildProcess, exit: Promise<ChildExit>, grace: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), grace);
  await exit;
  clearTimeout(force);
}

function readyMessage(child: ChildProcess): Promise<string> {
  return new Promise((ready) => {
    child.on('message', (message: { type?: string; url?: string; endpoint?: string }) => {
      if (message.type === 'ready') ready(message.url ?? message.endpoint ?? '');
    });
  });
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  lines.on('line', onLine);
  await new Promise<void>((closed) => lines.once('close', closed));
}
