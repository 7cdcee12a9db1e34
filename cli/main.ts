#!/usr/bin/env node
import { runCli } from './program';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever asks a second time does not want to wait for the graceful end.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

void runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
