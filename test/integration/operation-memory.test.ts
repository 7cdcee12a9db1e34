/** What a gateway keeps of operations that anybody may send, in a process whose heap is small. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { amountOf } from '../support/amounts';
import { heapOf, inspectable } from '../support/inspector';
import { endAll, startProcess, type WeirProcess } from '../support/process';
import { compose } from '../support/small-graph';

const support = join(__dirname, '../support');
const megabyte = 1024 ** 2;
/** Megabytes. A gateway that has answered nothing yet has some 50 of them. */
const heapLimit = 128;
/** Of 125 operations each: two fill what may be kept. */
const rounds = amountOf('WEIR_ROUNDS', 3, 7);

let subgraph: Server;
let folder: string;

beforeAll(async () => {
  subgraph = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json').end('{"data":{"me":null}}');
  });
  await new Promise<void>((listening) => subgraph.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/graphql`;
  folder = mkdtempSync(join(tmpdir(), 'weir-operation-memory-'));
  const typeDefs = 'type Query { me: User } type User { id: ID! name: String }';
  writeFileSync(join(folder, 'supergraph.graphql'), compose([{ name: 'users', url, typeDefs }]));
});

afterEach(endAll);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  subgraph.closeAllConnections();
  await new Promise((closed) => subgraph.close(closed));
});

interface Started {
  readonly gateway: WeirProcess;
  readonly url: string;
  readonly adminUrl: string;
}

async function start(): Promise<Started> {
  const gateway = startProcess([
    ...[
      inspectable,
      `--max-old-space-size=${heapLimit}`,
      '--max-semi-space-size=1',
      '--require',
      join(support, 'typescript.cjs'),
    ],
    ...[join(support, 'gateway-process.ts'), join(folder, 'supergraph.graphql')],
  ]);
  const [urls] = await gateway.printed(/^\{.*\}$/m);
  return { gateway, ...(JSON.parse(urls) as { url: string; adminUrl: string }) };
}

/** Sends operations of which no two are the same, 16 at a time. Resolves with how many were answered with data. */
async function ask(url: string, count: number, operation: (i: number) => string): Promise<number> {
  let next = 0;
  let answered = 0;
  const ask = async (): Promise<void> => {
    while (next < count) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: operation(next++) }),
      });
      if ('data' in ((await response.json()) as object)) answered++;
    }
  };
  await Promise.all(Array.from({ length: 16 }, ask));
  return answered;
}

async function keptBy({ adminUrl }: Started): Promise<number> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(/^weir_operations_kept_bytes (\d+)/m.exec(metrics)![1]);
}

/** Of several fields, which takes much memory for the time that planning takes. */
const operation = (name: string): string =>
  `{${Array.from({ length: 8 }, (_, i) => `${name}_${i}:me{name}`).join(' ')}}`;

it('survives more distinct operations than its heap has room for, and keeps no more than it says', async () => {
  const started = await start();
  await ask(started.url, 60, (i) => operation(`a${i}`));
  const before = (await heapOf(started.gateway)) - (await keptBy(started));
  // Each takes some 140 KB: without a bound, 53 MB, and 120 MB of seven rounds.
  const sizes: number[] = [];
  let answered = 0;
  for (let round = 0; round < rounds; round++) {
    answered += await ask(started.url, 125, (i) => operation(`b${round}_${i}`));
    sizes.push(await keptBy(started));
  }
  // A busy machine is late for some.
  expect(answered).toBeGreaterThan(rounds * 115);
  // All along: where the heap is nearly full, much is given back, but it should not come to that.
  expect(Math.max(...sizes)).toBeLessThan((heapLimit / 4) * 1.2 * megabyte);
  expect(sizes.at(-1)).toBeGreaterThan((heapLimit / 4) * 0.8 * megabyte);
  const kept = await keptBy(started);
  // What it says is what it takes.
  const taken = (await heapOf(started.gateway)) - before;
  expect(kept / taken).toBeGreaterThan(1 / 1.3);
  expect(kept / taken).toBeLessThan(1.3);
});
