/** Why there is no connection, and what is sent first. Over a real server: test/e2e/redis-secure.test.ts. */
import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { RedisServer } from '../../../../gateway/redis/open-redis';
import { freePort } from '../../../support/free-port';
import { certificates } from '../../../support/tls-certificates';

afterEach(() => jest.restoreAllMocks());

it('says why no address of a name takes a connection', async () => {
  const port = await freePort();
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const answer = (_: string, __: object, done: (error: null, found: object[]) => void) =>
    done(null, addresses);
  jest.spyOn(dns, 'lookup').mockImplementation(answer as never);
  const opening = new RedisServer({ url: `redis://cache.test:${port}` }, []).open({ key: 'k' });
  await expect(opening).rejects.toThrow(`cache.test:${port} cannot be used: ECONNREFUSED`);
});

it.each([
  ['100%', '100%'],
  ['p%40ss', 'p@ss'],
])('sends the password that a URL has as %s', async (written, password) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const opening = new RedisServer({ url: `redis://:${written}@127.0.0.1:${port}` }, []).open({ key: 'k' });
  const refused = expect(opening).rejects.toThrow('closed the connection');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [sent] = (await once(socket, 'data')) as [Buffer];
  expect(sent.toString()).toContain(`\r\n${password}\r\n`);
  socket.destroy();
  await refused;
  await new Promise((closed) => server.close(closed));
});

it.each([
  ['redis', 'If it speaks TLS, it needs rediss://.'],
  ['rediss', 'If it does not speak TLS, it needs redis://.'],
])('says what else may be meant where a server closes a connection of %s://', async (protocol, hint) => {
  const close = (socket: Socket) => socket.once('data', () => socket.destroy());
  const server = createServer(close).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const opening = new RedisServer({ url: `${protocol}://127.0.0.1:${port}` }, []).open({ key: 'k' });
  await expect(opening).rejects.toThrow(`127.0.0.1:${port} closed the connection. ${hint}`);
  await new Promise((closed) => server.close(closed));
});

it('trusts what the file of certificates holds when a connection is opened, or held before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-trust-'));
  const ca = join(folder, 'ca.pem');
  const put = (pem: Buffer | string) => writeFileSync(ca, pem);
  const close = (socket: Socket) => socket.once('data', () => socket.destroy());
  const server = createTlsServer(certificates.first, close).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  put(certificates.second.cert);
  const redis = new RedisServer({ url: `rediss://127.0.0.1:${port}`, ca }, []);
  const opening = () => redis.open({ key: 'k' });
  await expect(opening()).rejects.toThrow('is not trusted');
  put(certificates.first.cert);
  await expect(opening()).rejects.toThrow('closed the connection');
  put('');
  await expect(opening()).rejects.toThrow('closed the connection');
  rmSync(folder, { recursive: true });
  await expect(opening()).rejects.toThrow('closed the connection');
  await new Promise((closed) => server.close(closed));
});
