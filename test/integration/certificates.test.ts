/** Certificates of the port for clients that change while the gateway runs. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

const files = join(__dirname, '../support/tls');
const certificates = {
  first: { cert: readFileSync(join(files, 'cert.pem')), key: readFileSync(join(files, 'key.pem')) },
  second: {
    cert: readFileSync(join(files, 'other-cert.pem')),
    key: readFileSync(join(files, 'other-key.pem')),
  },
};
const ca = [certificates.first.cert, certificates.second.cert];

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

/** Replaces files as tools do that renew certificates. */
function put(contents: Partial<Record<'cert' | 'key', Buffer | string>>): void {
  for (const [name, content] of Object.entries(contents)) {
    const file = join(folder, `${name}.pem`);
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  }
}

async function start(more: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
    ...more,
  });
  return gateway;
}

/** The certificate that a new connection gets. */
async function servedAt(port: number, protocol: string): Promise<keyof typeof certificates | 'another'> {
  const socket = connect({ port, host: '127.0.0.1', ca, ALPNProtocols: [protocol] });
  await new Promise<void>((connected, failed) =>
    socket.once('secureConnect', connected).once('error', failed),
  );
  expect(socket.alpnProtocol).toBe(protocol);
  const { raw } = socket.getPeerX509Certificate()!;
  socket.destroy();
  for (const name of ['first', 'second'] as const)
    if (raw.equals(derOf(certificates[name].cert))) return name;
  return 'another';
}

const derOf = (pem: Buffer): Buffer =>
  Buffer.from(pem.toString().replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');

async function untilServed(name: string, port: number): Promise<void> {
  while ((await servedAt(port, 'h2')) !== name) await wait(50);
  expect(await servedAt(port, 'http/1.1')).toBe(name);
}

const query = JSON.stringify({ query: '{ me { name } }' });
const answer = '{"data":{"me":{"name":"Ada"}}}';

it('uses new files for new connections, and cuts none of the others', async () => {
  await start();
  const port = Number(new URL(gateway!.url).port);
  expect([await servedAt(port, 'h2'), await servedAt(port, 'http/1.1')]).toEqual(['first', 'first']);
  const session = connectHttp2(new URL(gateway!.url).origin, { ca });
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
  expect([await servedAt(port, 'h2'), await servedAt(port, 'http/1.1')]).toEqual(['first', 'first']);
  put({ key: certificates.second.key });
  await untilServed('second', port);
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
  expect(await servedAt(port, 'h2')).toBe('first');
  put(certificates.second);
  await untilServed('second', port);
});

it.each([
  [{ key: certificates.second.key }, /^`tls` must have files in PEM, .*mismatch/],
  [{ cert: 'broken' }, /^`tls` must have files in PEM, /],
])('is refused at the start with files that cannot be used', async (contents, message) => {
  put(contents);
  await expect(start()).rejects.toMatchObject({
    name: 'OptionsError',
    message: expect.stringMatching(message),
  });
});

const askHttp1 = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    request(url, { method: 'POST', ca, headers, agent: false }, (response) => resolve(text(response)))
      .on('error', reject)
      .end(query);
  });
