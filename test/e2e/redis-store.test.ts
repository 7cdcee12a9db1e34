import { openStore } from '../../gateway/cache/stores/open-store';
import { type Store, StoreUnavailable } from '../../gateway/cache/stores/store';
import { parseOptions } from '../../gateway/options';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { type CuttableProxy, startProxy } from '../support/cuttable-proxy';
import { eventually } from '../support/process';
import { redisProgram, type RedisServer, sayWithoutRedis, startRedis } from '../support/redis-server';
import { fill, finds, isThere } from '../support/store-steps';
import { within } from '../support/times';

sayWithoutRedis();
const describeWithRedis = redisProgram === undefined ? describe.skip : describe;

let server: RedisServer;
const open: Store[] = [];
beforeEach(async () => void (server = await startRedis()));
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
  await server.stop();
});

const timeout = 100;
/** What is added to a timeout. */
const slack = 250;

async function openGatewayStore(options: object = {}): Promise<Store> {
  const { cache } = parseOptions({ cache: { store: server.url, tiered: false, timeout, ...options } });
  const logger = { warn: () => undefined, info: () => undefined };
  const store = openStore({ options: cache, meter: new Meter(), logger });
  open.push(store);
  await isThere(store);
  return store;
}

/** Asks on and on until it is told to stop; answers with the longest that an answer took, and how many were none. */
function load(store: Store) {
  let stopped = false;
  let longest = 0;
  let rejected = 0;
  const workers = Array.from({ length: 20 }, async (_, worker) => {
    for (let turn = 0; !stopped; turn++) {
      const start = performance.now();
      await fill(store, `load${worker}-${turn % 50}`).catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error;
        rejected++;
      });
      longest = Math.max(longest, performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  return async () => {
    stopped = true;
    await Promise.all(workers);
    return { longest, rejected };
  };
}

describeWithRedis('a server that is killed under load', () => {
  it('delays nobody beyond the timeout, and is used again when it is back, without what it kept before', async () => {
    const store = await openGatewayStore();
    await fill(store, 'a', ['x']);
    await fill(store, 'b', ['y']);
    await server.save();
    const stopLoad = load(store);
    await server.kill();
    await eventually(() =>
      store.get([]).then(
        () => false,
        () => true,
      ),
    );
    await expect(store.invalidate(['x'])).rejects.toThrow(StoreUnavailable);
    await server.restart();
    await isThere(store);
    const { longest, rejected } = await stopLoad();

    expect(longest).toBeLessThan(within(2 * timeout + slack));
    expect(rejected).toBeGreaterThan(0);
    expect(await finds(store, 'a')).toBe(false);
    // A server that comes back may have forgotten its newest invalidations: nothing from before counts.
    expect(await finds(store, 'b')).toBe(false);
    await fill(store, 'a', ['x']);
    expect(await finds(store, 'a')).toBe(true);
  });
});

describeWithRedis('a server that hangs', () => {
  it('delays nobody beyond the timeout, and drops first what was invalidated meanwhile', async () => {
    const store = await openGatewayStore();
    await fill(store, 'a', ['x']);
    await fill(store, 'b', ['y']);
    const stopLoad = load(store);
    server.freeze();
    const start = performance.now();
    await expect(store.invalidate(['x'])).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - start).toBeLessThan(within(timeout + slack));
    server.thaw();
    await isThere(store);
    const { longest } = await stopLoad();

    expect(longest).toBeLessThan(within(2 * timeout + slack));
    expect(await finds(store, 'a')).toBe(false);
    expect(await finds(store, 'b')).toBe(true);
  });
});

describeWithRedis('a server that is not there when the gateway starts', () => {
  it('is used when it comes', async () => {
    await server.kill();
    const { cache } = parseOptions({ cache: { store: server.url } });
    const logger = { warn: () => undefined, info: () => undefined };
    const store = openStore({ options: cache, meter: new Meter(), logger });
    open.push(store);
    await expect(store.invalidate(['x'])).rejects.toThrow(StoreUnavailable);
    await server.restart();
    await isThere(store);
    await store.invalidate(['x']);
  });
});

describeWithRedis('gateways with memory before the server', () => {
  const memoryBound = 500;
  let proxy: CuttableProxy;
  afterEach(() => proxy.close());

  it('hear of an invalidation at once, and within the bound when they hear nothing any more', async () => {
    const one = await openGatewayStore({ tiered: true, memoryBound });
    proxy = await startProxy(Number(new URL(server.url).port));
    const store = `redis://127.0.0.1:${proxy.port}`;
    const other = await openGatewayStore({ store, tiered: true, memoryBound });

    await fill(one, 'a', ['x']);
    expect(await finds(other, 'a')).toBe(true);
    await one.invalidate(['x']);
    const told = performance.now();
    await eventually(async () => !(await finds(other, 'a')));
    expect(performance.now() - told).toBeLessThan(within(memoryBound + slack));

    await fill(one, 'a', ['x']);
    expect(await finds(other, 'a')).toBe(true);
    proxy.cut();
    await one.invalidate(['x']);
    const cut = performance.now();
    let lastFound = 0;
    for (let now = cut; now < cut + 3 * memoryBound; now = performance.now()) {
      if (other.peek!('a') !== undefined) lastFound = now;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(lastFound - cut).toBeLessThan(memoryBound + 20);

    proxy.mend();
    await isThere(other);
    expect(await finds(other, 'a')).toBe(false);
  });
});
