/**
 * The kinds of cache stores that one contract suite runs over. Over 300 lines: each kind with its servers, and what all of
 * them share.
 */
import { CompressedStore } from '../../gateway/cache/stores/compressed';
import { DynamoStore } from '../../gateway/cache/stores/dynamodb';
import { GuardedStore } from '../../gateway/cache/stores/guard';
import { MemoryStore } from '../../gateway/cache/stores/memory';
import { PeerStore } from '../../gateway/cache/stores/peer';
import { RedisStore } from '../../gateway/cache/stores/redis';
import type { CacheEntry, Store } from '../../gateway/cache/stores/store';
import { storeOfGraph } from '../../gateway/cache/stores/store-of-graph';
import {
  type InvalidationFeed,
  type InvalidationListener,
  TieredStore,
} from '../../gateway/cache/stores/tiered';
import { RedisServer } from '../../gateway/redis/open-redis';
import { eventually, startProcess } from './process';
import { type RedisCluster, startRedisCluster } from './redis-cluster';
import { redisProgram, sayWithoutRedis, startRedis, tlsCertificate } from './redis-server';

/** A place to keep entries in, and the gateways that share it. */
export interface TestStores {
  /** The store as one more gateway has it. */
  open(): Promise<Store>;
  /** Moves the clock of all gateways. */
  advance(milliseconds: number): void;
  now(): number;
  /** Resolves when every gateway has heard of the invalidations so far. */
  settle(): Promise<void>;
  /** How many entries are a lot for it. @default 2500 */
  readonly many?: number;
  close(): Promise<void>;
}

/** How long an entry of the stores below is refreshed by one look alone. */
export const refreshTime = 10_000;
const maxBytes = 2 ** 26;
/** Invalidations reach memory long before this is over. */
const bound = 60_000;

/** Every kind of store, how to start one with nothing in it, and the implementations that are tested by it. */
const allKinds: [string, () => Promise<TestStores>, readonly { readonly name: string }[]][] = [
  ['memory', () => memory(), [MemoryStore]],
  ['memory of one of several workers', () => memory(ofWorker), [PeerStore]],
  ['memory, compressed behind a guard', () => memory(guarded), [CompressedStore, GuardedStore]],
  ['the part that one of several graphs has', () => memory(ofGraph), [storeOfGraph]],
  ['tiered (memory before memory)', tieredMemory, [TieredStore]],
  ['Redis', () => redis(), [RedisStore]],
  ['tiered (memory before Redis)', () => tieredRedis(), []],
  ['DynamoDB', dynamo, [DynamoStore]],
  ['tiered (memory before DynamoDB)', tieredDynamo, []],
];
const isHere = (kind: string) => redisProgram !== undefined || !kind.includes('Redis');

export const storeKinds = allKinds.filter(([kind]) => isHere(kind));
/** Stores that take the same way to a server as others, over another connection. */
export const connectedKinds: typeof allKinds =
  redisProgram === undefined
    ? []
    : [
        ['Redis (a cluster with TLS)', () => redis(ownPartOfCluster), []],
        ['tiered (memory before a Redis cluster with TLS)', () => tieredRedis(ownPartOfCluster), []],
      ];
export const testedStores = allKinds.flatMap(([, , stores]) => stores);
sayWithoutRedis();

/** Those that cannot be started here. */
export const missingKinds = allKinds.map(([kind]) => kind).filter((kind) => !isHere(kind));

async function memory(wrap = (store: Store) => store): Promise<TestStores> {
  const clock = testClock();
  const store = wrap(new MemoryStore({ maxBytes, refreshTime, now: clock.now }));
  return { ...clock, open: async () => store, settle: async () => undefined, close: () => store.close() };
}

const ofWorker = (store: Store) =>
  new PeerStore(store, { drop: async () => undefined, follow: () => undefined });
const ofGraph = (store: Store) => storeOfGraph(store, 'shop@prod');
const guarded = (store: Store) =>
  new CompressedStore(new GuardedStore(store, { timeout: 5_000, onChange: () => undefined }), 100);

/** A shared store in this process, which tells its followers late. */
async function tieredMemory(): Promise<TestStores> {
  const clock = testClock();
  const shared = new MemoryStore({ maxBytes, refreshTime, now: clock.now });
  const followers = new Set<InvalidationListener>();
  let told: Promise<unknown> = Promise.resolve();
  const telling: Store = {
    get: (keys) => shared.get(keys),
    set: (entries, at) => shared.set(entries, at),
    async invalidate(tags) {
      await shared.invalidate(tags);
      told = new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
        followers.forEach((follower) => follower.invalidated(tags)),
      );
    },
    close: async () => undefined,
  };
  const open = async () =>
    new TieredStore({
      shared: telling,
      feed: (follower) => {
        followers.add(follower);
        return async () => void followers.delete(follower);
      },
      bound,
      memory: { maxBytes, refreshTime, now: clock.now },
    });
  return {
    ...clock,
    open,
    settle: async () => {
      await told;
    },
    close: () => shared.close(),
  };
}

/** Where a Redis is, and under which prefix nothing is in it. */
interface EmptyRedis {
  readonly server: RedisServer;
  readonly prefix: string;
  readonly stop: () => Promise<void>;
}

async function ownRedis(): Promise<EmptyRedis> {
  const server = await startRedis();
  return { server: new RedisServer(server, []), prefix: 'test', stop: () => server.stop() };
}

let cluster: Promise<RedisCluster> | undefined;
let prefixes = 0;
afterAll(async () => (await cluster)?.stop());

/** All that share one are started in one cluster, as that takes a second. */
async function ownPartOfCluster(): Promise<EmptyRedis> {
  const { servers } = await (cluster ??= startRedisCluster({ isSecure: true }));
  const { port } = servers[prefixes++ % servers.length]!;
  const server = new RedisServer({ url: `rediss://localhost:${port}`, ca: tlsCertificate }, []);
  return { server, prefix: `test${prefixes}`, stop: () => Promise.resolve() };
}

async function redis(start = ownRedis): Promise<TestStores> {
  const { server, prefix, stop } = await start();
  const clock = testClock();
  const stores: Store[] = [];
  const open = async () => {
    const store = new RedisStore({ ...sharedOptions, server, prefix, now: clock.now });
    stores.push(store);
    await isReady(store);
    return store;
  };
  return {
    ...clock,
    open,
    settle: async () => undefined,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await stop();
    },
  };
}

async function tieredRedis(start = ownRedis): Promise<TestStores> {
  const { server, prefix, stop } = await start();
  return tiered({
    open: async (now) => {
      const store = new RedisStore({ ...sharedOptions, server, prefix, now });
      await isReady(store);
      return store;
    },
    close: stop,
  });
}

async function dynamo(): Promise<TestStores> {
  const database = await startDynamo();
  const clock = testClock();
  return {
    ...clock,
    many: 250,
    open: async () => new DynamoStore({ ...database.settings(), now: clock.now, ...sharedOptions }),
    settle: async () => undefined,
    close: () => database.close(),
  };
}

async function tieredDynamo(): Promise<TestStores> {
  const database = await startDynamo();
  return tiered({
    many: 250,
    open: async (now) => new DynamoStore({ ...database.settings(), now, ...sharedOptions }),
    close: () => database.close(),
  });
}

/** A DynamoDB with a table for a cache. */
export async function startDynamo() {
  const { url } = await (dynalite ??= startDynalite());
  const table = `Cache${tables++}`;
  const { CreateTableCommand, DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const clients: { destroy(): void }[] = [];
  const connect = () => {
    const client = new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials });
    clients.push(client);
    return client;
  };
  await connect().send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  return {
    /** As the options name it. */
    store: `dynamodb://${table}?region=us-east-1&endpoint=${encodeURIComponent(url)}`,
    settings: () => ({ client: connect(), table }),
    close: async () => clients.forEach((client) => client.destroy()),
  };
}

/** One for all tables of a test file, as a start takes a quarter of a second. */
let dynalite: ReturnType<typeof startDynalite> | undefined;
let tables = 0;
afterAll(async () => (await dynalite)?.stop());

/**
 * It is a process of its own: what it keeps is no memory of a gateway, and it would throw where nobody catches it, if it had
 * to close with what a store has given up waiting for.
 */
async function startDynalite() {
  const server = startProcess([
    '-e',
    `const server = require('dynalite')({ createTableMs: 0 });
     server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + ' '));
     const parent = process.ppid;
     setInterval(() => process.ppid === parent || process.exit(), 1000);`,
  ]);
  const [, url] = (await server.printed(/(http:\S+) /)) as unknown as [string, string];
  return {
    url,
    async stop() {
      server.signal('SIGKILL');
      await server.exit;
    },
  };
}

interface Sharing extends Pick<TestStores, 'many'> {
  open(now: () => number): Promise<Store & { readonly follow: InvalidationFeed }>;
  close(): Promise<void>;
}

/** Gateways with memory before a shared store. */
async function tiered(sharing: Sharing): Promise<TestStores> {
  const clock = testClock();
  const stores: { readonly store: Store; readonly heard: Set<string> }[] = [];
  const open = async () => {
    const shared = await sharing.open(clock.now);
    const heard = new Set<string>();
    let isFollowing = false;
    const store = new TieredStore({
      shared: new GuardedStore(shared, { timeout: 60_000, onChange: () => undefined }),
      feed: (follower) =>
        shared.follow({
          ...follower,
          invalidated: (tags) => {
            follower.invalidated(tags);
            tags.forEach((tag) => heard.add(tag));
          },
          proven: (at) => {
            follower.proven(at);
            isFollowing = true;
          },
        }),
      bound,
      memory: { maxBytes, refreshTime, now: clock.now },
    });
    stores.push({ store, heard });
    await eventually(() => isFollowing);
    return store;
  };
  let markers = 0;
  return {
    ...clock,
    ...(sharing.many !== undefined && { many: sharing.many }),
    open,
    async settle() {
      const marker = `settled-${markers++}`;
      await eventually(async () => {
        await stores[0]?.store.invalidate([marker]);
        return stores.every(({ heard }) => heard.has(marker));
      });
    },
    async close() {
      await Promise.all(stores.map(({ store }) => store.close()));
      await sharing.close();
    },
  };
}

const sharedOptions = { prefix: 'test', longest: 3_600_000, proofInterval: 20, refreshTime };

function isReady(store: Store): Promise<void> {
  return eventually(() =>
    store.get([]).then(
      () => true,
      () => false,
    ),
  );
}

function testClock() {
  let now = Date.now();
  return { now: () => now, advance: (milliseconds: number) => void (now += milliseconds) };
}

/** An entry that is fresh for 60 s and kept for 120 s. */
export function entryAt(now: number, { value = 'value', ...rest }: TestEntry = {}): CacheEntry {
  return {
    value: Buffer.from(value),
    tags: [],
    storedAt: now,
    freshUntil: now + 60_000,
    keptUntil: now + 120_000,
    ...rest,
  };
}

type TestEntry = Partial<Omit<CacheEntry, 'value'>> & { readonly value?: string | Buffer };
