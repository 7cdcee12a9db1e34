/** A cluster of Redis servers, and a primary that becomes a replica: what is lost, and that nothing old is found. */
import { RedisStore } from '../../gateway/cache/stores/redis';
import { openStore } from '../../gateway/cache/stores/open-store';
import { type Store, StoreUnavailable } from '../../gateway/cache/stores/store';
import { openSharedCounts, type SharedCount } from '../../gateway/admission/rates/shared-counts';
import { redisStreamsEvents } from '../../gateway/events/sources/redis-streams';
import { parseOptions } from '../../gateway/options';
import { RedisServer as Server } from '../../gateway/redis/open-redis';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { eventually } from '../support/process';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { redisProgram, type RedisServer, sayWithoutRedis, startRedis } from '../support/redis-server';
import { fill, finds, isThere } from '../support/store-steps';

jest.setTimeout(60_000);

sayWithoutRedis();
const describeWithRedis = redisProgram === undefined ? describe.skip : describe;

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const quiet = { warn: () => undefined, info: () => undefined };
/** Long enough for a busy machine. */
const timeout = 1_000;

async function openGatewayStore(url: string, prefix: string, more: object = {}): Promise<Store> {
  const { cache } = parseOptions({ cache: { store: url, prefix, tiered: false, timeout, ...more } });
  const store = openStore({ options: cache, meter: new Meter(), logger: quiet });
  open.push(store);
  await isThere(store);
  return store;
}

/** Fills and finds on and on until it is told to stop; counts what worked. */
function load(store: Store) {
  let isStopped = false as boolean;
  const counts = { done: 0, rejected: 0 };
  const running = (async () => {
    for (let turn = 0; !isStopped; turn++) {
      try {
        await fill(store, `load${turn % 20}`);
        counts.done++;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        counts.rejected++;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  return {
    counts,
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

describeWithRedis('a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 1 });
  });
  afterAll(() => cluster.stop());
  const urlOf = (i: number) => cluster.servers[i]!.url;

  /** A prefix whose keys this primary holds. */
  async function prefixAt(primary: number): Promise<string> {
    for (let i = 0; ; i++) if ((await cluster.primaryOf(`{p${i}}`)) === primary) return `p${i}`;
  }

  it('is used through any of its servers, with memory before it', async () => {
    const prefix = await prefixAt(1);
    const [one, other] = await Promise.all([
      openGatewayStore(urlOf(0), prefix, { tiered: true }),
      openGatewayStore(urlOf(2), prefix, { tiered: true }),
    ]);
    await fill(one, 'a', ['x']);
    await eventually(() => finds(other, 'a'));
    await one.invalidate(['x']);
    await eventually(async () => !(await finds(other, 'a')));
  });

  it('counts for all gateways, and has their events', async () => {
    const prefix = await prefixAt(1);
    const { cache } = parseOptions({ cache: { store: urlOf(2), prefix } });
    const counts = openSharedCounts(cache, { meter: new Meter(), logger: quiet })!;
    const count: SharedCount = { sharedKey: 'quota', end: Date.now() + 60_000, used: 0, unsent: 0 };
    counts.add(count, 3);
    await eventually(async () => count.used === 3);
    await counts.close();

    const stream = `{${prefix}}:events`;
    const ending = new AbortController();
    const source = redisStreamsEvents({ url: urlOf(0), stream, field: 'event' });
    const heard: string[] = [];
    let isReading = false;
    const reading = (async () => {
      for await (const { events } of source.read({ types: [], signal: ending.signal })) {
        isReading = true;
        heard.push(...events.map(({ body }) => body.toString()));
      }
    })();
    await eventually(async () => isReading);
    await cluster.servers[1]!.send(`XADD ${stream} * event hello`);
    await eventually(async () => heard.length > 0);
    expect(heard).toEqual(['hello']);
    ending.abort();
    await reading;
  });

  it('finds nothing old, and goes on, when the slot is moved to another server', async () => {
    const prefix = await prefixAt(1);
    const store = await openGatewayStore(urlOf(1), prefix);
    await fill(store, 'a', ['x']);
    await fill(store, 'b', ['y']);
    const { cache } = parseOptions({ cache: { store: urlOf(1), prefix } });
    const shared = openSharedCounts(cache, { meter: new Meter(), logger: quiet })!;
    const count: SharedCount = { sharedKey: 'moved', end: Date.now() + 60_000, used: 0, unsent: 0 };
    shared.add(count, 3);
    await eventually(async () => count.used === 3);
    const loaded = load(store);
    let isInvalidated = false;
    await cluster.move(`{${prefix}}`, 1, 2, async () => {
      shared.add(count, 2);
      isInvalidated = await store.invalidate(['x']).then(
        () => true,
        () => false,
      );
      await eventually(async () => loaded.counts.rejected > 0);
    });
    await isThere(store);
    await loaded.stop();
    // An invalidation that failed is made when the store is back, before anything is found.
    expect([isInvalidated, await finds(store, 'a')]).toEqual([isInvalidated, false]);
    await fill(store, 'a', ['x']);
    expect(await finds(store, 'a')).toBe(true);
    expect(await cluster.primaryOf(`{${prefix}}`)).toBe(2);
    // No count is lost by it, and none is added twice.
    shared.add(count, 1);
    await eventually(async () => count.unsent === 0 && count.used >= 6);
    expect(count.used).toBe(6);
    await shared.close();
  });

  it('finds nothing that was invalidated at a server that died before its replica heard of it', async () => {
    const prefix = await prefixAt(0);
    const [primary, , , replica] = cluster.servers;
    const seen = await openGatewayStore(primary!.url, prefix);
    const other = await openGatewayStore(urlOf(1), prefix, { tiered: true, memoryBound: 500 });
    await fill(seen, 'a', ['x']);
    await fill(seen, 'b', ['y']);
    expect(await finds(other, 'a')).toBe(true);
    const isSame = async () => {
      const offsets = await Promise.all(
        [primary!, replica!].map(
          async (each) => /master_repl_offset:(\d+)/.exec(await each.send('INFO replication'))![1],
        ),
      );
      return offsets[0] === offsets[1];
    };
    await eventually(isSame);
    const loaded = load(seen);
    await eventually(async () => loaded.counts.done > 5);
    replica!.freeze();
    await seen.invalidate(['x']);
    await primary!.kill();
    replica!.thaw();
    await eventually(async () => loaded.counts.rejected > 0);
    await eventually(async () => (await replica!.send('ROLE')).includes('master'), 30_000);
    await Promise.all([isThere(seen), isThere(other)]);
    await loaded.stop();

    for (const store of [seen, other]) {
      expect(await finds(store, 'a')).toBe(false);
      // What the replica has of the lost server counts as old.
      expect(await finds(store, 'b')).toBe(false);
    }
    // Both are told again of what the other one does.
    await fill(seen, 'a', ['x']);
    await eventually(() => finds(other, 'a'));
    await seen.invalidate(['x']);
    await eventually(async () => !(await finds(other, 'a')));
    expect(await finds(seen, 'a')).toBe(false);
  });
});

describeWithRedis('a primary that becomes a replica', () => {
  let servers: RedisServer[];
  beforeAll(async () => {
    servers = await Promise.all([startRedis(), startRedis()]);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  it('is asked no more, since invalidations may not have come to it, and is used again as a primary', async () => {
    const [old, next] = servers as [RedisServer, RedisServer];
    const settings = { prefix: 'p', longest: 60_000, proofInterval: 20 };
    const store = new RedisStore({ server: new Server(old, []), ...settings });
    open.push(store);
    await isThere(store);
    await fill(store, 'a');
    let proven = 0;
    const unfollow = store.follow({
      invalidated: () => undefined,
      missed: () => undefined,
      proven: () => proven++,
    });
    open.push({ close: unfollow });
    await eventually(async () => proven > 1);
    const { cache } = parseOptions({ cache: { store: old.url } });
    const shared = openSharedCounts(cache, { meter: new Meter(), logger: quiet })!;
    open.push(shared);
    const count: SharedCount = { sharedKey: 'c', end: Date.now() + 60_000, used: 0, unsent: 0 };
    shared.add(count, 1);
    await eventually(async () => count.used === 1);

    await old.send(`REPLICAOF 127.0.0.1 ${next.port}`);
    await expect(store.get(['a'])).rejects.toThrow(StoreUnavailable);
    const before = proven;
    shared.add(count, 1);
    // Ten times as long as from one proof to the next.
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, settings.proofInterval));
      await expect(store.get(['a'])).rejects.toThrow(StoreUnavailable);
    }
    // A proof in flight may have been answered before.
    expect(proven - before).toBeLessThan(2);
    // It is sent again and again, and kept.
    await eventually(async () => count.unsent === 1);
    expect(count.used).toBe(1);

    await old.send('REPLICAOF NO ONE');
    await isThere(store);
    await eventually(async () => proven > before + 2);
    await eventually(async () => count.unsent === 0);
  });
});
