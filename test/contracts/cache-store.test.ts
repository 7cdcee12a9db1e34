import type { Store } from '../../gateway/cache/stores/store';
import {
  connectedKinds,
  entryAt,
  missingKinds,
  refreshTime,
  storeKinds,
  type TestStores,
} from '../support/cache-stores';
import { skippedWithoutRedis } from '../support/redis-server';

for (const kind of missingKinds) it.skip(`the ${kind} store: ${skippedWithoutRedis}`, () => undefined);

describe.each([...storeKinds, ...connectedKinds])('the %s store', (_, start) => {
  let stores: TestStores;
  let store: Store;
  beforeEach(async () => {
    stores = await start();
    store = await stores.open();
  });
  afterEach(() => stores.close());

  const entry = (options?: Parameters<typeof entryAt>[1]) => entryAt(stores.now(), options);
  /** Keeps an entry as who looked for it and did not find it does. */
  async function fill(key: string, options?: Parameters<typeof entryAt>[1], by = store): Promise<void> {
    const { clock } = await by.get([key]);
    await by.set(new Map([[key, entry(options)]]), clock);
  }
  const find = async (key: string, by = store) => (await by.get([key])).entries[0];
  const valueOf = async (key: string, by = store) => (await find(key, by))?.value.toString();

  describe('get', () => {
    it('finds what was set, as it was', async () => {
      const kept = entry({ tags: ['type:Product', 'Product:upc=12'] });
      const { entries, clock } = await store.get(['a']);
      expect(entries).toEqual([undefined]);
      await store.set(new Map([['a', kept]]), clock);
      const found = (await store.get(['a'])).entries[0]!;
      expect(found).toEqual({ ...kept, refresh: false, isNear: found.isNear });
    });

    it('answers in the order of the keys', async () => {
      await fill('a', { value: '1' });
      await fill('b', { value: '2' });
      const { entries } = await store.get(['b', 'none', 'a', 'b']);
      expect(entries.map((found) => found?.value.toString())).toEqual(['2', undefined, '1', '2']);
    });

    it('answers to no key with a clock', async () => {
      const { entries, clock } = await store.get([]);
      expect(entries).toEqual([]);
      await store.set(new Map([['a', entry()]]), clock);
      expect(await valueOf('a')).toBe('value');
    });

    it('finds a lot of entries at once', async () => {
      const keys = Array.from({ length: stores.many ?? 2500 }, (_, index) => `k${index}`);
      const { clock } = await store.get(keys);
      await store.set(new Map(keys.map((key) => [key, entry({ value: key, tags: [`t:${key}`] })])), clock);
      await store.invalidate(['t:k7']);
      const { entries } = await store.get(keys);
      expect(entries.map((found) => found?.value.toString())).toEqual(
        keys.map((key) => (key === 'k7' ? undefined : key)),
      );
    });

    it('does not find what is kept no longer', async () => {
      await fill('a');
      stores.advance(119_999);
      expect(await valueOf('a')).toBe('value');
      stores.advance(1);
      expect(await find('a')).toBeUndefined();
    });
  });

  describe('set', () => {
    it.each([
      ['no bytes', Buffer.alloc(0)],
      ['bytes that are no text', Buffer.from([0, 255, 10, 13, 128, 0])],
      ['300,000 bytes', Buffer.alloc(300_000, 'abc')],
    ])('keeps %s', async (_name, value) => {
      await fill('a', { value });
      expect((await find('a'))?.value.equals(value)).toBe(true);
    });

    it('replaces what was there', async () => {
      await fill('a', { value: 'old', tags: ['x'] });
      stores.advance(60_000);
      await fill('a', { value: 'new', tags: ['y'] });
      await store.invalidate(['x']);
      expect(await valueOf('a')).toBe('new');
    });

    it('keeps nothing that is over', async () => {
      await fill('a', { keptUntil: stores.now() });
      expect(await find('a')).toBeUndefined();
    });

    it('does not replace what a later look led to', async () => {
      const early = await store.get(['a']);
      await store.invalidate(['x']);
      await fill('a', { value: 'late' });
      await store.set(new Map([['a', entry({ value: 'early' })]]), early.clock);
      expect(await valueOf('a')).toBe('late');
    });

    it('is seen by every gateway', async () => {
      await fill('a', { value: 'shared' });
      expect(await valueOf('a', await stores.open())).toBe('shared');
    });
  });

  describe('a stale entry', () => {
    const lives = 60_000;

    it('is to be refreshed by one look alone, of all gateways', async () => {
      const other = await stores.open();
      await fill('a');
      stores.advance(lives - 1);
      expect(await find('a')).toMatchObject({ refresh: false });
      stores.advance(1);
      expect((await find('a', other))?.refresh).toBe(true);
      expect((await find('a'))?.refresh).toBe(false);
      expect((await find('a', other))?.refresh).toBe(false);
    });

    it('is to be refreshed by another look when the first has not done it in time', async () => {
      await fill('a');
      stores.advance(lives);
      expect((await find('a'))?.refresh).toBe(true);
      stores.advance(refreshTime - 1);
      expect((await find('a'))?.refresh).toBe(false);
      stores.advance(1);
      expect((await find('a'))?.refresh).toBe(true);
    });

    it('is to be refreshed by another look when the clock of the first was ahead', async () => {
      await fill('a');
      stores.advance(lives + 2 * refreshTime);
      expect((await find('a'))?.refresh).toBe(true);
      stores.advance(-2 * refreshTime);
      expect((await find('a'))?.refresh).toBe(true);
      expect((await find('a'))?.refresh).toBe(false);
    });

    it('is fresh once it is refreshed, and can be stale again', async () => {
      await fill('a');
      stores.advance(lives);
      await fill('a', { value: 'new' });
      expect(await find('a')).toMatchObject({ value: Buffer.from('new'), refresh: false });
      stores.advance(lives);
      expect((await find('a'))?.refresh).toBe(true);
    });
  });

  describe('invalidate', () => {
    it('drops the entries that have the tag, and no others', async () => {
      await fill('a', { tags: ['x', 'y'] });
      await fill('b', { tags: ['y', 'z'] });
      await fill('c');
      await store.invalidate(['x', 'unknown']);
      expect([await valueOf('a'), await valueOf('b'), await valueOf('c')]).toEqual([
        undefined,
        'value',
        'value',
      ]);
    });

    it('drops the entries that have a tag with the prefix', async () => {
      await fill('a', { tags: ['operation:ProductPage', 'x'] });
      await fill('b', { tags: ['operation:Product'] });
      await fill('c', { tags: ['operation:Home', 'type:Product'] });
      await store.invalidate(['operation:Prod*']);
      expect([await valueOf('a'), await valueOf('b'), await valueOf('c')]).toEqual([
        undefined,
        undefined,
        'value',
      ]);
      await fill('a', { tags: ['operation:ProductPage'] });
      expect(await valueOf('a')).toBe('value');
    });

    it('drops old entries when there are more prefixes than are remembered', async () => {
      await fill('a', { tags: ['operation:A'] });
      for (let index = 0; index < 101; index++) await store.invalidate([`operation:${index}*`]);
      expect(await find('a')).toBeUndefined();
      await fill('a', { tags: ['operation:A'] });
      expect(await valueOf('a')).toBe('value');
    });

    it('takes any text as a tag', async () => {
      for (const tag of [
        '',
        ' ',
        'ü 漢\u{1f600}',
        'a\0b',
        '\ud800',
        'x'.repeat(3000),
        'tick',
        'floor',
        '*a',
      ]) {
        await fill('a', { tags: ['other', tag] });
        await store.invalidate([`${tag}-`]);
        expect(await valueOf('a')).toBe('value');
        await store.invalidate([tag]);
        expect(await find('a')).toBeUndefined();
      }
    });

    it('drops what was looked for before it, and kept only after it', async () => {
      const { clock } = await store.get(['a']);
      await store.invalidate(['x']);
      await store.set(new Map([['a', entry({ tags: ['x'] })]]), clock);
      expect(await find('a')).toBeUndefined();
    });

    it('lets be kept what is looked for after it', async () => {
      await fill('a', { tags: ['x'] });
      await store.invalidate(['x']);
      await fill('a', { value: 'new', tags: ['x'] });
      expect(await valueOf('a')).toBe('new');
    });

    it('reaches every gateway', async () => {
      const other = await stores.open();
      await fill('a', { tags: ['x'] });
      expect(await valueOf('a', other)).toBe('value');
      await store.invalidate(['x']);
      await stores.settle();
      expect(await find('a', other)).toBeUndefined();
    });
  });

  describe('peek', () => {
    it('finds what is fresh and near', async () => {
      if (store.peek === undefined) return;
      expect(store.peek('a')).toBeUndefined();
      await fill('a', { tags: ['x'] });
      expect(store.peek('a')?.value.toString()).toBe('value');
      await store.invalidate(['x']);
      expect(store.peek('a')).toBeUndefined();
    });

    it('finds nothing stale, and takes the refreshing from nobody', async () => {
      if (store.peek === undefined) return;
      await fill('a');
      stores.advance(60_000);
      expect(store.peek('a')).toBeUndefined();
      expect((await find('a'))?.refresh).toBe(true);
    });
  });
});
