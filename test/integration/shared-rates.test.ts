import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { anonymous } from '../../gateway/auth/identity';
import { type RateLimitedRequest, Rates } from '../../gateway/admission/rates/rates';
import {
  openSharedCounts,
  type SharedCount,
  type SharedCounts,
} from '../../gateway/admission/rates/shared-counts';
import { parseOptions } from '../../gateway/options';
import { createMetrics, type Metrics } from '../../gateway/telemetry/metrics/metrics';
import { eventually } from '../support/process';
import { redisProgram, type RedisServer, sayWithoutRedis, startRedis } from '../support/redis-server';

sayWithoutRedis();
const withRedis = redisProgram === undefined ? describe.skip : describe;

withRedis('rates of gateways that share a store', () => {
  let server: RedisServer;
  let metrics: Metrics;
  let gateways: { readonly rates: Rates; readonly shared: SharedCounts }[];
  const said: string[] = [];
  const logger = {
    warn: (_: unknown, line?: string) => said.push(line!),
    info: (line: unknown) => said.push(String(line)),
  };

  const open = (count: 'requests' | 'cost' = 'requests') => {
    const { cache } = parseOptions({ cache: { store: server.url } });
    const shared = openSharedCounts(cache, { meter: metrics.meter, logger: logger as never })!;
    const rates = new Rates({
      rates: [{ name: 'quota', per: 'address', limit: 10, count, window: 'month' }],
      ...{ meter: metrics.meter, shared },
    });
    return { rates, shared };
  };
  beforeEach(async () => {
    said.length = 0;
    server = await startRedis();
    metrics = createMetrics();
    gateways = [open(), open()];
  });
  afterEach(async () => {
    await Promise.all(gateways.map(({ shared }) => shared.close()));
    metrics.close();
    await server.stop();
  });

  /** Sends a request of this cost; what is left after it, or undefined when it is refused. */
  function send({ rates }: { readonly rates: Rates }, cost = 0): number | undefined {
    const request: RateLimitedRequest = {
      identity: anonymous,
      address: '192.0.2.1',
      rateRefusal: undefined,
      charge: undefined,
      rateHeaders: [],
    };
    const refusal = rates.refuse(request) ?? request.charge?.(cost);
    const left = Number(/r=(\d+)/.exec(request.rateHeaders[3]!)![1]);
    return refusal === undefined ? left : undefined;
  }

  /** Resolves when all gateways together have told the store of so many requests, and the last one has its answer. */
  async function told(total: number): Promise<void> {
    const redis = new Redis(server.url);
    try {
      await eventually(async () => {
        const [key] = await redis.keys('{weir}:rate:*');
        return key !== undefined && (await redis.get(key)) === String(total);
      });
      await nextTurn();
    } finally {
      redis.disconnect();
    }
  }

  it('count together, and go on after a restart', async () => {
    for (let i = 0; i < 6; i++) send(gateways[0]!);
    await told(6);
    expect(send(gateways[1]!)).toBe(9);
    await told(7);
    expect([1, 2, 3, 4].map(() => send(gateways[1]!))).toEqual([2, 1, 0, undefined]);
    await told(10);
    const restarted = open();
    gateways.push(restarted);
    // Until it has heard of the others it goes by what it knows.
    expect(send(restarted)).toBe(9);
    await told(11);
    expect(send(restarted)).toBeUndefined();
  });

  it('add up what operations cost, and refuse those that cost more than is left', async () => {
    const [first, second] = [open('cost'), open('cost')];
    gateways.push(first, second);
    expect(send(first, 6)).toBe(4);
    await told(6);
    // It has not heard of the other one yet; this is the last that it lets in by what it knows alone.
    expect(send(second, 3)).toBe(7);
    await told(9);
    expect(send(second, 2)).toBeUndefined();
    expect(send(second, 1)).toBe(0);
    expect(send(second, 1)).toBeUndefined();
    await told(10);
    // A refusal costs nothing, there as here: the first one hears of the rest with what it tells next.
    expect(send(first, 2)).toBe(2);
    await told(12);
    expect(send(first, 1)).toBeUndefined();
  });

  it('tell what they have counted before they stop', async () => {
    const stopping = gateways.pop()!;
    for (let i = 0; i < 6; i++) send(stopping);
    await stopping.shared.close();
    expect(send(gateways[0]!)).toBe(9);
    await told(7);
    expect(send(gateways[0]!)).toBe(2);
  });

  describe('of which the store refuses one command of many', () => {
    // Of 1,200 counts 500 go in one command.
    const countsOf = (): SharedCount[] =>
      Array.from({ length: 1_200 }, (_, i) => ({
        ...{ sharedKey: `quota:${i}`, end: Date.now() + 60_000, used: 0, unsent: 0 },
      }));
    const keyOf = (i: number) => `{weir}:rate:quota:${i}`;
    /** Who asks the store what it has been told, and makes it refuse this count. */
    async function spoil(i = 0): Promise<Redis> {
      const redis = new Redis(server.url);
      await redis.lpush(keyOf(i), 'not a number');
      return redis;
    }

    it('send the others without being counted again', async () => {
      const redis = await spoil();
      const { shared } = gateways[0]!;
      const counts = countsOf();
      for (const count of counts) shared.add(count, 3);
      await eventually(async () => (await redis.get(keyOf(1_199))) === '3');
      expect(await redis.mget(keyOf(500), keyOf(999), keyOf(1_000))).toEqual(['3', '3', '3']);
      expect(counts.slice(500).every(({ used, unsent }) => used === 3 && unsent === 0)).toBe(true);
      expect(metrics.text()).toContain('weir_rates_store_failures_total 1');
      redis.disconnect();
    });

    it('send those beside it in its command once, in each exchange', async () => {
      const redis = await spoil(1);
      const { shared } = gateways[0]!;
      const counts = countsOf().slice(0, 4);
      for (const total of [3, 6]) {
        for (const count of counts) shared.add(count, 3);
        await eventually(async () => (await redis.get(keyOf(3))) === String(total));
        await eventually(() => Promise.resolve(counts[3]!.used === total));
        expect(await redis.mget(keyOf(0), keyOf(2), keyOf(3))).toEqual(Array(3).fill(String(total)));
        expect(counts.map(({ used, unsent }) => [used, unsent])).toEqual([
          [total, 0],
          [0, total],
          [total, 0],
          [total, 0],
        ]);
      }
      expect(await redis.type(keyOf(1))).toBe('list');
      expect(metrics.text()).toContain('weir_rates_store_failures_total 2');
      const refuses = 'the rate store refuses some counts: each gateway counts those for itself';
      expect(said).toEqual([refuses]);
      // Nothing that was refused is lost when the key is mended.
      await redis.del(keyOf(1));
      shared.add(counts[1]!, 3);
      await eventually(() => Promise.resolve(counts[1]!.used === 9));
      expect(await redis.get(keyOf(1))).toBe('9');
      expect(said).toEqual([refuses, 'the rate store accepts all counts again']);
      redis.disconnect();
    });

    it('send the others before they stop', async () => {
      const redis = await spoil();
      const { shared } = gateways.pop()!;
      for (const count of countsOf()) shared.add(count, 3);
      await shared.close();
      expect(await redis.mget(keyOf(500), keyOf(999), keyOf(1_000), keyOf(1_199))).toEqual(
        Array(4).fill('3'),
      );
      redis.disconnect();
    });
  });

  it('keep what they have not sent when the connection ends between two commands', async () => {
    const { shared } = gateways[0]!;
    const counts = Array.from({ length: 1_200 }, (_, i) => ({
      ...{ sharedKey: `quota:${i}`, end: Date.now() + 60_000, used: 0, unsent: 0 },
    }));
    shared.add(counts[0]!, 1);
    await eventually(() => Promise.resolve(counts[0]!.used === 1));
    server.freeze();
    for (const count of counts) shared.add(count, 3);
    // The first command is on its way to a store that does not answer; the others wait for it.
    await eventually(() => Promise.resolve(counts[0]!.unsent === 0));
    await server.kill();
    await eventually(() => Promise.resolve(said.length > 0));
    await server.restart();
    await eventually(() => Promise.resolve(counts[1_199]!.used === 3 && counts[500]!.used === 3));
    expect(counts[0]!.used).toBe(1);
  });

  it('go on alone while the store is away, say it once, and add up when it is back', async () => {
    await server.kill();
    for (const gateway of gateways) expect(send(gateway)).toBe(9);
    await eventually(() => Promise.resolve(said.length === 2));
    expect(new Set(said)).toEqual(new Set(['the rate store is unavailable: each gateway counts for itself']));
    expect(send(gateways[0]!)).toBe(8);
    expect(metrics.text()).toMatch(/weir_rates_store_failures_total [1-9]/);
    await server.restart();
    await eventually(() =>
      Promise.resolve(said.filter((line) => line.endsWith('is available again')).length === 2),
    );
    // Three were counted while it was away, and none is lost.
    await told(3);
  });
});
