/**
 * `node bench/slow-clients.mjs [--connections 50] [--requests 500] [--seconds 20]`: do clients that do not read pile up
 * memory?
 *
 * Clients ask for *nested* (about 90 KB) many times over each of their connections, pipelined over HTTP/1.1, and read
 * nothing of the answers. Tells how much memory the gateway takes meanwhile, and whether others are answered. Fails when
 * it takes 300 MB more than before: `overload.unread` is 128 MiB, and what is worked on comes on top.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { processTree, residentBytes } from './lib/processes.mjs';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '50' },
    requests: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
  },
});
const [connections, requests, seconds] = [values.connections, values.requests, values.seconds].map(Number);

await withHelpers(async ({ replay, urls, folder, start }) => {
  await replay.ask({ command: 'prepare' });
  const file = join(folder, 'supergraph.graphql');
  writeFileSync(file, supergraphSdl(urls));
  const { nested, tiny } = workloads;
  const running = await start(file, nested.operation, [0]);
  const body = JSON.stringify(nested.operation);
  for (let i = 0; i < 200; i += 1) await running.ask(body, `Bearer warm ${i}`);
  const resident = () => residentBytes(processTree(running.pid)) / 1e6;
  const before = resident();
  let most = before;
  const watching = setInterval(() => (most = Math.max(most, resident())), 100);
  const sockets = Array.from({ length: connections }, (_, c) => {
    const socket = connect(running.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    for (let i = 0; i < requests; i += 1)
      socket.write(
        `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: ${c}-${i}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    return socket;
  });
  const others = { answered: 0, refused: 0, slowest: 0 };
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const began = performance.now();
    const { status } = await running.ask(JSON.stringify(tiny.operation)).catch(() => ({ status: 0 }));
    others.slowest = Math.max(others.slowest, performance.now() - began);
    if (status === 200) others.answered += 1;
    else others.refused += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const during = resident();
  const open = sockets.filter((socket) => !socket.destroyed).length;
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  clearInterval(watching);
  process.stdout.write(
    `resident ${before.toFixed(0)} MB before, at most ${most.toFixed(0)}, ${during.toFixed(0)} at the end, ` +
      `${resident().toFixed(0)} afterwards; ${open} of ${connections} connections were open; others: ` +
      `${others.answered} answered, ${others.refused} not, the slowest after ${others.slowest.toFixed(0)} ms\n`,
  );
  if (most - before > 300) process.exitCode = 1;
  await running.stop();
});
