/** A system that was started for one measurement, pinned, and is stopped after it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Agent, request } from 'undici';
import { onCores } from './helper.mjs';

const START_LIMIT = 60_000;
const STOP_LIMIT = 3_000;

/**
 * Starts a system and asks it until it answers with status 200. `headers` are those of a client that it lets in, and `ca`
 * the certificate of one that serves HTTPS alone. `env` has further environment variables.
 *
 * @returns `{ pid, port, startSeconds, said(), ask(body, authorization), stop() }`: seconds from the start to the first
 *   answer, and what the system has printed
 */
export async function startSystem(
  system,
  {
    supergraph,
    script,
    operation,
    cores,
    nodeFlags = [],
    env = {},
    headers = { authorization: 'Bearer first' },
    ca,
  },
) {
  const port = await freePort();
  const args = onCores(cores, [...nodeFlags, ...system.command({ port, supergraph, script })], system.node);
  const output = [];
  const started = performance.now();
  const child = spawn('taskset', args, {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => output.length < 100 && output.push(chunk));
  const exited = once(child, 'exit');
  let hasExited = false;
  running.add(child);
  void exited.then(() => {
    hasExited = true;
    running.delete(child);
  });

  const said = () => Buffer.concat(output).toString();
  const url = ca === undefined ? `http://127.0.0.1:${port}/graphql` : `https://localhost:${port}/graphql`;
  const dispatcher = ca === undefined ? undefined : new Agent({ connect: { ca } });
  const ask = async (body, authorization = headers.authorization) => {
    const response = await request(url, {
      ...{ method: 'POST', dispatcher },
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers, authorization },
      body,
    });
    return { status: response.statusCode, text: await response.body.text() };
  };

  const stop = async () => {
    if (hasExited) return;
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    await exited;
    clearTimeout(killer);
  };

  for (;;) {
    const answer = await ask(operation).catch(() => undefined);
    if (answer?.status === 200) break;
    if (hasExited || performance.now() - started > START_LIMIT) {
      await stop();
      throw new Error(
        `${system.label} did not start.\n${answer?.text.slice(0, 500) ?? ''}\n${said().slice(-2000)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { pid: child.pid, said, port, startSeconds: (performance.now() - started) / 1000, ask, stop };
}

/** For a bench that is interrupted: nothing that it started may outlive it. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

const running = new Set();

/** Below those that the system gives to whoever wants any, such as the inspector of a process that starts. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
