import { MemoryStore } from '../../../../../gateway/cache/stores/memory';
import { entryAt } from '../../../../support/cache-stores';

async function fill(store: MemoryStore, keys: readonly string[], tags: (key: string) => readonly string[]) {
  const { clock } = await store.get([]);
  await store.set(new Map(keys.map((key) => [key, entryAt(Date.now(), { tags: tags(key) })])), clock);
}
const find = async (store: MemoryStore, key: string) => (await store.get([key])).entries[0];

it('evicts the least recently used entries', async () => {
  const store = new MemoryStore({ maxBytes: 3 * 600 });
  await fill(store, ['a', 'b', 'c'], () => []);
  await find(store, 'a');
  await fill(store, ['d'], () => []);
  expect(await find(store, 'b')).toBeUndefined();
  expect(await find(store, 'a')).toBeDefined();
});

it('keeps no entry that is larger than the store, and keeps the others', async () => {
  const store = new MemoryStore({ maxBytes: 2000 });
  await fill(store, ['a'], () => []);
  const { clock } = await store.get([]);
  await store.set(new Map([['b', entryAt(Date.now(), { value: 'x'.repeat(3000) })]]), clock);
  expect(await find(store, 'b')).toBeUndefined();
  expect(await find(store, 'a')).toBeDefined();
});

it('does not keep the buffer alive of which a value is a view', async () => {
  const store = new MemoryStore({ maxBytes: 10_000 });
  const block = Buffer.alloc(1_000_000, 'x');
  const { clock } = await store.get([]);
  await store.set(new Map([['a', entryAt(Date.now(), { value: block.subarray(10, 20) })]]), clock);
  expect((await find(store, 'a'))?.value.buffer.byteLength).toBe(10);
});

it('drops entries older than the oldest marker that it remembers', async () => {
  const store = new MemoryStore({ maxBytes: 100_000, maxMarkers: 2 });
  await fill(store, ['old'], () => ['x']);
  await store.invalidate(['a']);
  await fill(store, ['new'], () => ['x']);
  await store.invalidate(['b', 'c']);
  expect(await find(store, 'old')).toBeUndefined();
  expect(await find(store, 'new')).toBeDefined();
});

it('drops one tag of 10,000 among 100,000 entries, and leaves the others', async () => {
  const store = new MemoryStore({ maxBytes: 2 ** 28 });
  const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}`);
  await fill(store, keys, (key) => [`t${Number(key.slice(1)) % 10_000}`]);
  let quickest = Infinity;
  // The machine may have other things to do.
  for (const i of [42, 44, 46, 48, 50]) {
    const start = performance.now();
    await store.invalidate([`t${i}`]);
    const { entries } = await store.get([`k${i}`, `k${10_000 + i}`, `k${i + 1}`]);
    quickest = Math.min(quickest, performance.now() - start);
    expect(entries.map((found) => found !== undefined)).toEqual([false, false, true]);
  }
  expect(quickest).toBeLessThan(50);
  const left = (await store.get(keys)).entries.filter((found) => found !== undefined);
  expect(left).toHaveLength(99_950);
});
