/**
 * What attacks leave in a gateway that is a process of its own: where it shares its heap with those who attack it, as in
 * the integration tests, nobody can say whose memory it is.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { amountOf, timeFor } from '../support/amounts';
import { refusedDocuments } from '../support/attack-documents';
import { type Canary, startCanary } from '../support/canary';
import { type Footprint, footprintOf, inspectable } from '../support/inspector';
import { endAll, eventually, startProcess, type WeirProcess, weirMain } from '../support/process';
import {
  compose,
  type SmallGraph,
  startSmallGraph,
  startSubgraph,
  type TestSubgraph,
} from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';
import { waysIn } from '../support/ways-in';

let folder: string;
let graph: SmallGraph;
let broken: TestSubgraph;
let weir: WeirProcess;
let url: string;
let canary: Canary | undefined;
/** So that no two attacks are the same: what is kept of each would show. */
let count = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-attacks-'));
  graph = await startSmallGraph();
  broken = await startSubgraph({ name: 'broken', typeDefs: 'type Query { thing: String }', resolvers: {} });
  writeFileSync(join(folder, 'supergraph.graphql'), compose([graph.accounts, graph.reviews, broken]));
});

afterEach(async () => {
  await canary?.stop();
  canary = undefined;
  await endAll();
});

afterAll(async () => {
  await graph.close();
  await broken.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: string): Promise<void> {
  const config = join(folder, 'weir.yaml');
  writeFileSync(config, options);
  weir = startProcess([
    ...[
      inspectable,
      weirMain,
      'gateway',
      '--config',
      config,
      '--supergraph',
      join(folder, 'supergraph.graphql'),
    ],
    ...['--port', '0', '--admin-port', '0', '--log-level', 'info'],
  ]);
  url = (await weir.printed(/"url":"([^"]+)"/))[1]!;
}

const timeouts = 'timeouts: { request: 1s, subgraph: 200ms, client: 1s }\nlogging: { sampling: 1000000 }\n';

/** Sends bytes as they are; resolves when the connection is closed, by the gateway or, after a moment, by this side. */
function raw(bytes: string, patience?: number): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.resume();
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    if (patience !== undefined) setTimeout(() => socket.destroy(), patience);
  });
}

const head = (more: string): string =>
  `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more}\r\n\r\n`;
const bomb = gzipSync(Buffer.alloc(60_000_000, 'x'));

const post = (
  body: string | Buffer,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<unknown> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close', ...headers },
    body,
    ...(signal && { signal }),
  }).then(
    (response) => response.text(),
    () => undefined,
  );

const repeat = (times: number, attack: (i: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: times }, () => attack(count++)));

async function documents(): Promise<void> {
  for (const [, query] of refusedDocuments)
    await Promise.all(
      [...waysIn, ...waysIn].map(async (way) => {
        const request = way.request(url, { query: `#${count++}\n${query}` });
        request.headers.set('connection', 'close');
        await (await fetch(request)).text();
      }),
    );
}

async function overHttp1(): Promise<void> {
  await repeat(2, () => post(bomb, { 'content-encoding': 'gzip' }));
  await repeat(50, (i) => post(`{"query":"{me{name}}" ${i}`));
  await repeat(50, (i) => post('{}', { 'content-type': `text/x-${i}` }));
  await repeat(50, (i) => raw(`garbage ${i}\r\n\r\n`));
  await repeat(50, (i) => raw(head(`content-length: ${i}\r\ncontent-length: 5`)));
  await repeat(50, (i) => raw(head(`x-long: ${String(i).repeat(17_000)}`)));
  // What does not end: of clients that leave, and of those that wait to be cut.
  await Promise.all([
    repeat(50, (i) => raw(head('content-length: 9999') + String(i), 50)),
    repeat(50, (i) => raw(head('content-length: 9999') + String(i))),
    repeat(50, (i) => raw(`POST /graphql HTTP/1.1\r\nx-${i}: `)),
  ]);
}

async function faults(): Promise<void> {
  const answers: TestSubgraph['answer'][] = [
    (_, response) => response.socket!.resetAndDestroy(),
    (_, response) => response.writeHead(500).end('x'.repeat(10_000)),
    (_, response) => response.end('{"data":{"thing":'),
    (_, response) => response.end('[]'),
    (_, response) => response.write('{"data":{"thing":"'),
    () => undefined,
  ];
  for (broken.answer of answers)
    await repeat(30, (i) =>
      post(JSON.stringify({ query: '{ me { name } thing }' }), { authorization: `Bearer ${i}` }),
    );
  await repeat(200, async (i) => {
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(), 50);
    await post(JSON.stringify({ query: '{ thing }' }), { authorization: `Bearer ${i}` }, leaving.signal);
  });
  broken.requests.length = 0;
}

async function overHttp2(): Promise<void> {
  const open = () => {
    const opened = connectHttp2(new URL(url).origin, { ca: certificate });
    return opened.on('error', () => undefined);
  };
  let session = open();
  const send = (headers: Record<string, string>, body?: string | Buffer, cancel = false): Promise<void> =>
    new Promise((resolve) => {
      // Who is cut comes again.
      if (session.destroyed) session = open();
      const stream = session.request({
        ':method': 'POST',
        ':path': '/graphql',
        'content-type': 'application/json',
        ...headers,
      });
      stream.on('error', () => undefined);
      stream.on('close', () => resolve());
      stream.resume();
      if (cancel) stream.close(constants.NGHTTP2_CANCEL);
      else if (body !== undefined) stream.end(body);
    });
  for (const [, query] of refusedDocuments)
    await send({}, JSON.stringify({ query: `#${count++}\n${query}` }));
  await repeat(100, (i) => send({}, `{"query":${i}`));
  await repeat(2, () => send({ 'content-encoding': 'gzip' }, bomb));
  // A connection of which many are cancelled is closed.
  for (let i = 0; i < 2; i++) {
    await repeat(150, (i) => send({ 'x-i': String(i) }, undefined, true));
    session.destroy();
    session = open();
  }
  // Bodies that do not end.
  await repeat(50, (i) => send({ 'x-i': String(i) }));
  session.destroy();
}

const rounds = amountOf('WEIR_ROUNDS', 2, 10);
/** The canary's connections and timers come and go. */
const slack = 12;

async function expectNothingLeft(attack: () => Promise<void>): Promise<void> {
  const { open } = await footprintOf(weir);
  const memoryAtRest = async (): Promise<number> => {
    let now!: Footprint;
    await eventually(async () => (now = await footprintOf(weir)).open <= open + slack, 30_000);
    return now.memory;
  };
  // What runs for the first times is compiled, and stays; what is kept of the last operations is kept.
  for (let i = 0; i < 2; i++) await attack();
  const before = await memoryAtRest();
  // Some hundred attacks in each round: 12 KB that each of them left would show; with 10 rounds, 2 KB.
  for (let i = 0; i < rounds; i++) await attack();
  const after = await memoryAtRest();
  expect(after).toBeLessThan(before * 1.15);
  expect(await weir.stop()).toBe(0);
}

it.each([
  ['documents', documents],
  ['what is no HTTP, does not arrive, or is too much', overHttp1],
  ['faults of subgraphs, and clients that leave', faults],
])(
  '%s leave no memory and nothing open behind',
  async (_, attack) => {
    await start(timeouts);
    canary = await startCanary({ url });
    await expectNothingLeft(attack);
  },
  timeFor(rounds, 2),
);

it(
  'attacks over HTTP/2 leave no memory and nothing open behind',
  async () => {
    const tls = join(__dirname, '../support/tls');
    // Behind a proxy: the resets of one address are bounded, and this side has one address for all that it sends.
    await start(
      `${timeouts}trustedProxies: [127.0.0.1]\ntls: { cert: ${join(tls, 'cert.pem')}, key: ${join(tls, 'key.pem')} }\n`,
    );
    await expectNothingLeft(overHttp2);
  },
  timeFor(rounds, 2),
);
