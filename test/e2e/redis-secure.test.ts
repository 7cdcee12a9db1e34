/**
 * Redis over TLS, and with IAM authentication as ElastiCache and MemoryDB have it. Over 300 lines: both need the same
 * authority and servers.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createPlainServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { openSharedCounts, type SharedCount } from '../../gateway/admission/rates/shared-counts';
import { openStore } from '../../gateway/cache/stores/open-store';
import type { Store } from '../../gateway/cache/stores/store';
import { parseOptions } from '../../gateway/options';
import { checkGateway } from '../../gateway/process/check-gateway';
import { RedisServer as Server } from '../../gateway/redis/open-redis';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { entryAt } from '../support/cache-stores';
import { type IamCache, type IamProxy, leastRights, startIamProxy } from '../support/iam-redis';
import { eventually } from '../support/process';
import {
  redisProgram,
  type RedisServer,
  sayWithoutRedis,
  startRedis,
  tlsCertificate,
} from '../support/redis-server';
import { certificates } from '../support/tls-certificates';

/** A record of TLS: fatal, decode error. */
const alert = Buffer.from([21, 3, 3, 0, 2, 2, 50]);

sayWithoutRedis();
const describeWithRedis = redisProgram === undefined ? describe.skip : describe;

const open: Store[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});

const quiet = { warn: () => undefined, info: () => undefined };
const timeout = 1_000;
/** What the log says of the store. */
const said: string[] = [];
beforeEach(() => void (said.length = 0));

function openGatewayStore(url: string, redis: object, more: object = {}): Store {
  const { cache } = parseOptions({ cache: { store: url, redis, tiered: false, timeout, ...more } });
  const note = (line: unknown): void =>
    void said.push(typeof line === 'string' ? line : (line as { err: Error }).err.message);
  const store = openStore({
    options: cache,
    meter: new Meter(),
    logger: { warn: note, info: note } as never,
  });
  open.push(store);
  return store;
}

/** Why it cannot be used; nothing if it can, or if that is not known yet. */
const reasonOf = (store: Store): Promise<string> =>
  store.invalidate(['x']).then(
    () => '',
    (error: unknown) => ((error as Error).cause as Error | undefined)?.message ?? '',
  );
const isThere = (store: Store) =>
  eventually(() =>
    store.get([]).then(
      () => true,
      () => false,
    ),
  );
async function isUsed(store: Store): Promise<boolean> {
  await isThere(store);
  const { clock } = await store.get(['a']);
  await store.set(new Map([['a', entryAt(Date.now())]]), clock);
  return (await store.get(['a'])).entries[0] !== undefined;
}

describeWithRedis('a server with TLS', () => {
  let server: RedisServer;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-redis-tls-'));
    server = await startRedis({ isSecure: true });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  const at = (host: string) => `rediss://${host}:${server.port}`;
  /** Why the store cannot be used. */
  async function reasonAgainst(url: string, redis: object = {}): Promise<string> {
    const store = openGatewayStore(url, redis);
    let reason = '';
    await eventually(async () => {
      reason = await reasonOf(store);
      return said.length > 0 && reason !== '';
    });
    return reason;
  }

  it.each(['localhost', '127.0.0.1'])('is used at %s, where its authority is trusted', async (host) => {
    expect(await isUsed(openGatewayStore(at(host), { ca: tlsCertificate }))).toBe(true);
  });

  it('is refused if its authority is not trusted, or another one is', async () => {
    const other = join(folder, 'other.pem');
    writeFileSync(other, certificates.second.cert);
    for (const redis of [{}, { ca: other }])
      expect(await reasonAgainst(at('localhost'), redis)).toMatch(
        /^The certificate of localhost:\d+ is not trusted \(.+\): if it is of an authority of your own, name that in `ca`\.$/,
      );
  });

  it('is refused, and the process lives, if what it sends behind a certificate that is not trusted cannot be read', async () => {
    const sockets = new Set<Socket>();
    // As a server whose alert comes in the packet that ends the handshake.
    const front = createPlainServer((client) => {
      const upstream = connect(server.port, '127.0.0.1');
      client.on('data', (data) => upstream.write(data));
      upstream.on('data', (data: Buffer) => client.write(Buffer.concat([data, alert])));
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => other.destroy());
      }
    });
    await new Promise<void>((listening) => front.listen(0, '127.0.0.1', listening));
    const { port } = front.address() as AddressInfo;
    const remote = new Server({ url: `rediss://localhost:${port}` }, []);
    await expect(remote.open({ key: 'k' })).rejects.toThrow('is not trusted');
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => front.close(closed));
  });

  it('is refused if its certificate is for another name', async () => {
    expect(await reasonAgainst(at('127.0.0.2'), { ca: tlsCertificate })).toMatch(
      /^The certificate of 127\.0\.0\.2:\d+ is for another name\. .*127\.0\.0\.2 is not in the cert's list/,
    );
  });

  it('is not spoken to without TLS, nor one without TLS with it', async () => {
    expect(await reasonAgainst(`redis://127.0.0.1:${server.port}`)).toMatch(/needs rediss:/);
    const plain = await startRedis();
    const opening = new Server({ url: `rediss://127.0.0.1:${plain.port}` }, []).open({ key: 'k' });
    await expect(opening).rejects.toThrow(
      'did not answer in time. If it does not speak TLS, it needs redis://.',
    );
    await plain.stop();
  });

  it('gets the name of its host in the handshake', async () => {
    const names: (string | false | null)[] = [];
    const sockets = new Set<Socket>();
    const listening = createServer(certificates.first, (socket) => {
      names.push(socket.servername);
      socket.destroy();
    }).on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    const { port } = listening.address() as AddressInfo;
    const remote = new Server({ url: `rediss://localhost:${port}`, ca: tlsCertificate }, []);
    await expect(remote.open({ key: 'k' })).rejects.toThrow('closed the connection');
    expect(names).toEqual(['localhost']);
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => listening.close(closed));
  });

  it.each([
    ['/nowhere/ca.pem', '`cache.redis.ca` names /nowhere/ca.pem, which does not exist.'],
    [__filename, `\`cache.redis.ca\` names ${__filename}, which holds no certificate in PEM.`],
  ])('is not connected to with %s as the file of its authority', (ca, message) => {
    expect(() => openGatewayStore(at('localhost'), { ca })).toThrow(message);
  });

  it('is not connected to when options are checked, but the file of its authority is read', async () => {
    const settings = { store: at('localhost'), redis: { ca: '/nowhere/ca.pem' } };
    const options = parseOptions({ supergraph: 'supergraph.graphql', cache: settings });
    await expect(checkGateway(options)).rejects.toThrow(
      '`cache.redis.ca` names /nowhere/ca.pem, which does not exist.',
    );
  });
});

describeWithRedis('a server with IAM authentication', () => {
  const before = { ...process.env };
  let server: RedisServer;
  let proxy: IamProxy;
  const cache: IamCache = {
    ...{ host: 'shop-cache', service: 'elasticache', region: 'eu-central-1', user: 'weir' },
    key: {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG',
      sessionToken: 'a/session+token=',
    },
  };
  beforeAll(async () => {
    server = await startRedis({ isSecure: true });
  });
  beforeEach(async () => {
    proxy = await startIamProxy(server, cache);
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: cache.key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cache.key.secretAccessKey,
      AWS_SESSION_TOKEN: cache.key.sessionToken,
    });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((store) => store.close()));
    await proxy.stop();
    process.env = { ...before };
  });
  afterAll(() => server.stop());

  const iam = { cache: 'Shop-Cache', user: 'weir', region: 'eu-central-1' };
  const settings = () => ({ store: `rediss://localhost:${proxy.port}`, redis: { ca: tlsCertificate, iam } });
  const openWith = (more: object = {}) => openGatewayStore(settings().store, settings().redis, more);

  it('lets a gateway do with the rights in the documentation all that it does', async () => {
    expect(readFileSync('docs/caching.md', 'utf8')).toContain(leastRights);
    const store = openWith({ tiered: true });
    expect(await isUsed(store)).toBe(true);
    await store.invalidate(['type:A', 'type:B*']);
    const { cache: options } = parseOptions({ cache: settings() });
    const counts = openSharedCounts(options, { meter: new Meter(), logger: quiet })!;
    const count: SharedCount = { sharedKey: 'quota', end: Date.now() + 60_000, used: 0, unsent: 0 };
    counts.add(count, 2);
    await eventually(async () => count.used === 2);
    await counts.close();
    // The connection that hears of invalidations has them confirmed again and again.
    await eventually(async () => /cmd=zrem user=weir/.test(await server.send('CLIENT LIST')));
    expect(await server.send('ACL LOG')).toBe('*0\r\n');
  });

  it('is used with a token, and with a new one for each connection', async () => {
    const store = openWith();
    expect(await isUsed(store)).toBe(true);
    expect(proxy.seen.map(({ problem }) => problem)).toEqual([undefined]);
    // The user of the connection is the one with the token.
    expect(await server.send('CLIENT LIST')).toContain(' user=weir ');
    // As after 12 hours.
    await server.send('ACL SETUSER weir resetpass');
    await server.send('CLIENT KILL USER weir');
    await eventually(async () => proxy.seen.length > 1);
    expect(await isUsed(store)).toBe(true);
    expect(proxy.seen.every(({ problem }) => problem === undefined)).toBe(true);
  });

  it('gets new tokens on a connection that lasts', async () => {
    const credentials = () => cache.key;
    const remote = new Server(
      {
        url: `rediss://localhost:${proxy.port}`,
        ca: tlsCertificate,
        iam: { ...iam, service: 'elasticache', serverless: false },
      },
      [],
      { credentials, renewEvery: 50 },
    );
    const redis = await remote.open({ key: 'k' });
    const first = proxy.seen[0]!.token;
    await eventually(async () =>
      proxy.seen.some(({ token, problem }) => token !== first && problem === undefined),
    );
    redis.disconnect();
    // None after the end of the connection.
    await new Promise((ended) => redis.once('end', ended));
    const { length } = proxy.seen;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(proxy.seen).toHaveLength(length);
  });

  it('refuses the token of other credentials, and the log says why', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another';
    const store = openWith();
    await eventually(async () => {
      await store.invalidate(['x']).catch(() => undefined);
      return said.length > 0 && proxy.seen.length > 0;
    });
    expect(proxy.seen[0]!.problem).toBe('Its signature is wrong.');
    let reason = '';
    await eventually(async () => {
      reason = await reasonOf(store);
      return reason.includes('WRONGPASS');
    });
    expect(reason).toMatch(/^localhost:\d+ cannot be used: WRONGPASS/);
    // Nothing of the secret, and nothing of a token, gets into the log.
    expect(said.join()).not.toMatch(/X-Amz|another/);
  });
});

it.each([
  ['redis://cache:6379', 'is not over TLS'],
  ['rediss://weir@cache:6379', 'holds a user'],
  ['rediss://:secret@cache:6379', 'holds a password'],
])('refuses IAM authentication where the URL %s %s', (store) => {
  const redis = { iam: { cache: 'shop', user: 'weir', region: 'eu-west-1' } };
  expect(() => parseOptions({ cache: { store, redis } })).toThrow(
    '`cache.redis.iam` must stand beside a URL that begins with rediss:// and holds no user and no password, as `cache.store`.',
  );
  const source = { type: 'redis-streams', url: store, stream: 's', redis } as const;
  expect(() => parseOptions({ events: { sources: { shop: source } } })).toThrow(
    '`events.sources.shop.redis.iam` must stand beside a URL that begins with rediss:// and holds no user and no password, as `url`.',
  );
});
