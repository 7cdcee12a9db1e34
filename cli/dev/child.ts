import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface ChildOptions {
  /** A JavaScript file, run with the same Node. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with every line of the child's output. */
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Called with every message on the IPC channel. */
  readonly onMessage?: (message: object) => void;
}

/** A child process that reports when it is ready, and ends when its parent does. */
export interface Child {
  /** Resolves with the address in the child's ready message, or with `undefined` if it ends before. */
  readonly ready: Promise<string | undefined>;
  /** Resolves when the child has ended and all its output has been read. Never rejects. */
  readonly exit: Promise<ChildExit>;
  /** Asks it to end, and kills it after `grace` milliseconds. */
  stop(grace?: number): Promise<void>;
}

export interface ChildWithChannel extends Child {
  /** Sends a message on the IPC channel. One to a child that has ended is lost. */
  send(message: object): void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts a child process with an IPC channel. When the parent ends in any way, the child gets `disconnect` on the
 * channel and ends. It has a process group of its own, so that Ctrl-C reaches only the parent, which then stops its
 * children in the right order.
 */
export function startChild({ script, args, env, onLine, onMessage }: ChildOptions): ChildWithChannel {
  const child = spawn(process.execPath, [script, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  if (onMessage) child.on('message', onMessage);
  const exit = Promise.all([
    exitOf(child),
    readLines(child.stdout!, (line) => onLine(line, 'stdout')),
    readLines(child.stderr!, (line) => onLine(line, 'stderr')),
  ]).then(([ended]) => ended);
  return {
    ready: Promise.race([readyMessage(child), exit.then(() => undefined)]),
    exit,
    stop: stopper((signal) => child.kill(signal), exit),
    // A channel that is closed is known by the exit.
    send: (message) => void child.send(message, () => undefined),
  };
}

/** Creates the `stop` of a {@link Child}. @param kill sends a signal to the child */
export function stopper(kill: (signal: NodeJS.Signals) => unknown, exit: Promise<ChildExit>): Child['stop'] {
  let hasEnded = false;
  void exit.then(() => (hasEnded = true));
  let stopping: Promise<void> | undefined;
  // Sent only once, as a child may end immediately on a second signal.
  return (grace = 5_000) => (stopping ??= stop(grace));

  async function stop(grace: number): Promise<void> {
    if (hasEnded) return;
    kill('SIGTERM');
    const force = setTimeout(() => kill('SIGKILL'), grace);
    await exit;
    clearTimeout(force);
  }
}

export function exitOf(child: ChildProcess): Promise<ChildExit> {
  return new Promise((ended) => {
    child.once('exit', (code, signal) => ended({ code, signal }));
    child.once('error', () => ended({ code: null, signal: null }));
  });
}

function readyMessage(child: ChildProcess): Promise<string> {
  return new Promise((ready) => {
    child.on('message', (message: { type?: string; url?: string; endpoint?: string }) => {
      if (message.type === 'ready') ready(message.url ?? message.endpoint ?? '');
    });
  });
}

/** Resolves when the stream has ended. */
export async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  lines.on('line', onLine);
  await new Promise<void>((closed) => lines.once('close', closed));
}
