#!/usr/bin/env node
import cluster from 'node:cluster';
import { extname, join } from 'node:path';
import { type CachedCode, runCached } from '../gateway/code-cache/run-cached';
import { keepCompiled } from './gateway/compile-cache';
import type * as GatewayProgram from './gateway-program';
import type * as Program from './program';
import { setServingFlags, withServingFlags } from './gateway/v8-flags';

/** Milliseconds in which a gateway has started, and answered first requests. V8 forgets in minutes what it compiled for them. */
const startTakes = 10_000;

/** Milliseconds after which a process ends that has nothing more to do. */
const lastWrites = 1_000;

// Before the rest is loaded.
keepCompiled(process.env);
const gateway = process.argv[2] === 'gateway' ? loadGateway() : undefined;
const { runCli } = gateway?.exports ?? (require('./program') as typeof Program);

// The AWS SDK's warning would appear in the output of every command that uses the SDK.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** Flags come first, as V8 takes what it has compiled only with the same ones. */
function loadGateway(): CachedCode<typeof GatewayProgram> {
  setServingFlags();
  return runCached(join(__dirname, `gateway-program${extname(__filename)}`), process.env);
}

/** Keeps what V8 has compiled, after some time or at the end. */
function keepStarted({ save }: CachedCode<unknown>): void {
  let isSaved = false;
  const saveOnce = (): void => {
    if (!isSaved) withServingFlags(save);
    isSaved = true;
  };
  setTimeout(saveOnce, startTakes).unref();
  process.once('exit', saveOnce);
}

// Whoever reads the output may leave before its end, as `head` does. A gateway goes on serving without its log.
for (const output of [process.stdout, process.stderr])
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (gateway === undefined) process.exit();
  });

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Ctrl-C reaches workers, too. The primary stops them.
    if (cluster.isWorker && signal === 'SIGINT') return;
    // A second signal ends the process at once.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

// SIGHUP may reach workers, too. The primary replaces them one by one.
if (cluster.isWorker) process.on('SIGHUP', () => undefined);

void runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
  ...(gateway && { started: () => keepStarted(gateway) }),
}).then((exitCode) => {
  process.exitCode = exitCode;
  // The IPC channel to the primary would keep the worker alive.
  cluster.worker?.disconnect();
  // Timers of an extension would keep the process alive.
  setInterval(() => {
    if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
  }, lastWrites).unref();
});
