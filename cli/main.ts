#!/usr/bin/env node
import cluster from 'node:cluster';
import { keepCompiled } from './compile-cache';
import type * as Program from './program';

// Before the rest is loaded.
keepCompiled(process.env);
const { runCli } = require('./program') as typeof Program;

// The AWS SDK's warning would appear in the output of every command that uses the SDK.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Ctrl-C reaches workers, too. The primary tells them when to stop.
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
}).then((exitCode) => {
  process.exitCode = exitCode;
  // The IPC channel to the primary would keep the worker alive.
  cluster.worker?.disconnect();
});
