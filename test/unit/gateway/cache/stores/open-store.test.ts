import { DynamoStore } from '../../../../../gateway/cache/stores/dynamodb';
import { openStore } from '../../../../../gateway/cache/stores/open-store';
import type { Peers } from '../../../../../gateway/cache/stores/peer';
import { parseOptions } from '../../../../../gateway/options';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';

beforeAll(() => Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }));

function open(store: string, more: object = {}, peers?: Peers) {
  const { cache } = parseOptions({ cache: { store, ...more } });
  const logger = { warn: () => undefined, info: () => undefined };
  return openStore({ options: cache, meter: new Meter(), logger, peers });
}

it.each([
  ['memory:', 'MemoryStore'],
  ['redis://127.0.0.1:1', 'TieredStore'],
  ['rediss://user:secret@127.0.0.1:1/2', 'TieredStore'],
  ['dynamodb://Cache?endpoint=http://127.0.0.1:1&region=eu-central-1', 'TieredStore'],
])('opens %s, even if it is unavailable', async (url, name) => {
  const store = open(url);
  expect(store.constructor.name).toBe(name);
  await store.close();
});

it('invalidates in other processes, too, if each process has its own store', async () => {
  for (const [url, told] of [
    ['memory:', [['type:A']]],
    ['redis://127.0.0.1:1', []],
  ] as const) {
    const dropped: (readonly string[])[] = [];
    const peers = {
      drop: async (tags: readonly string[]) => void dropped.push(tags),
      follow: () => undefined,
    };
    const store = open(url, {}, peers);
    await store.invalidate(['type:A']).catch(() => undefined);
    expect(dropped).toEqual(told);
    await store.close();
  }
});

it('puts no memory in front of a shared store if the options say so', async () => {
  const store = open('redis://127.0.0.1:1', { tiered: false });
  expect('peek' in store).toBe(false);
  await store.close();
});

it.each([
  ...['redis:', 'http://a.example', 'memory', 'dynamodb://', 'redis://'],
  ...['dynamodb://ab', `dynamodb://${'a'.repeat(256)}`, 'dynamodb://a b', 'memory:x'],
])('refuses %s', (url) => {
  expect(() => parseOptions({ cache: { store: url } })).toThrow('`cache.store` must be memory:, redis://');
});

it('asks DynamoDB again for the keys that it left out', async () => {
  const asked: number[] = [];
  const client = {
    send: async ({ input }: { input: { RequestItems: Record<string, { Keys: unknown[] }> } }) => {
      const { Keys } = input.RequestItems['Cache']!;
      asked.push(Keys.length);
      return Keys.length > 2 ? { UnprocessedKeys: { Cache: { Keys: Keys.slice(0, 2) } } } : { Responses: {} };
    },
    destroy: () => undefined,
  };
  const settings = { table: 'Cache', prefix: 'test', longest: 1000, proofInterval: 1000 };
  const store = new DynamoStore({ ...settings, client: client as never });
  expect((await store.get(['a', 'b', 'c'])).entries).toEqual([undefined, undefined, undefined]);
  expect(asked).toEqual([4, 2]);
});
