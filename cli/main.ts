#!/usr/bin/env node
import cluster from 'node:cluster';
import { runCli } from './program';

// It would be printed between the lines of every command that uses the AWS SDK.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Ctrl-C reaches workers, too; the process that started them will tell them when to go.
    if (cluster.isWorker && signal === 'SIGINT') return;
    // Whoever asks a second time does not want to wait for the graceful end.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

// SIGHUP may reach them as well; the process that started them replaces them one by one.
if (cluster.isWorker) process.on('SIGHUP', () => undefined);

void runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
}).then((exitCode) => {
  process.exitCode = exitCode;
  // The channel to the process that started it would keep a worker alive.
  cluster.worker?.disconnect();
});
