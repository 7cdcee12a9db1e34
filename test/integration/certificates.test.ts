/** Certificates of the port for clients that change while the gateway runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import {
  bothCertificates,
  certificates,
  certificateServedAt,
  derOf,
  putCertificates,
} from '../support/tls-certificates';

let graph: SmallGraph;
let folder: string;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  graph = await startSmallGraph();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  put(certificates.first);
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  rmSync(folder, { recursive: true });
});
afterAll(() => graph.close());

const put = (contents: Parameters<typeof putCertificates>[1]): void => putCertificates(folder, contents);

async function start(more: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
    ...more,
  });
  return gateway;
}

async function untilServed(name: string, port: number): Promise<void> {
  while ((await certificateServedAt(port, 'h2')) !== name) await wait(50);
  expect(await certificateServedAt(port, 'http/1.1')).toBe(name);
}

const query = JSON.stringify({ query: '{ me { name } }' });
const answer = '{"data":{"me":{"name":"Ada"}}}';

it('uses new files for new connections, and cuts none of the others', async () => {
  await start();
  const port = Number(new URL(gateway!.url).port);
  expect([await certificateServedAt(port, 'h2'), await certificateServedAt(port, 'http/1.1')]).toEqual([
    'first',
    'first',
  ]);
  const session = connectHttp2(new URL(gateway!.url).origin, { ca: bothCertificates });
  const ask = (): Promise<string> => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' },
    });
    stream.end(query);
    return text(stream);
  };
  expect(await ask()).toBe(answer);
  put(certificates.second);
  await untilServed('second', port);
  expect(await ask()).toBe(answer);
  const socket = (session as unknown as { socket: TLSSocket }).socket;
  expect(socket.getPeerX509Certificate()!.raw.equals(derOf(certificates.first.cert))).toBe(true);
  session.close();
  expect(await askHttp1(gateway!.url)).toBe(answer);
});

it('goes on with the files from before where new ones cannot be used, and says so', async () => {
  await start();
  const port = Number(new URL(gateway!.url).port);
  const errors = () =>
    gateway!.log.filter(({ msg }) => String(msg).startsWith('new certificates cannot be used'));
  put({ cert: 'broken' });
  while (errors().length < 1) await wait(50);
  put({ cert: certificates.second.cert });
  while (errors().length < 2) await wait(50);
  expect(errors().map(({ level }) => level)).toEqual(['error', 'error']);
  expect(errors()[1].reason).toMatch(/^`tls` must have files in PEM, .*mismatch/);
  expect([await certificateServedAt(port, 'h2'), await certificateServedAt(port, 'http/1.1')]).toEqual([
    'first',
    'first',
  ]);
  put({ key: certificates.second.key });
  await untilServed('second', port);
  const changes = gateway!.log.filter(({ msg }) => msg === 'new certificates are in use');
  expect(changes).toHaveLength(1);
});

it('uses new files for connections that another process accepts, too', async () => {
  let take: (socket: Socket) => void;
  const acceptor = createServer({ pauseOnConnect: true }, (socket) => take(socket));
  await new Promise<void>((listening) => acceptor.listen(0, '127.0.0.1', listening));
  const { port } = acceptor.address() as AddressInfo;
  await start({
    clientConnections: {
      start: (taker) => (take = taker),
      stop: () => new Promise((stopped) => acceptor.close(() => stopped())),
    },
  });
  expect(await certificateServedAt(port, 'h2')).toBe('first');
  put(certificates.second);
  await untilServed('second', port);
});

const askHttp1 = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    request(url, { method: 'POST', ca: bothCertificates, headers, agent: false }, (response) =>
      resolve(text(response)),
    )
      .on('error', reject)
      .end(query);
  });
