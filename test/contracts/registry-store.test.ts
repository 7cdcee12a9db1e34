import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dynamodbStore } from '../../schema/store/dynamodb';
import { openRegistryStore } from '../../schema/store/open';
import type { RegistryStore } from '../../schema/store/store';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { serveBytes } from '../support/subgraph-servers';

describe.each(registryStoreKinds)('the %s store of a registry', (_, start) => {
  let stores: TestRegistryStores;
  let store: RegistryStore;
  beforeEach(async () => {
    stores = await start();
    store = await stores.open();
  });
  afterEach(() => stores.close());

  const key = { partition: 'shop@prod', sort: 'current' };
  const put = (sort: string, value: string) =>
    store.put({ partition: 'shop@prod', sort }, Buffer.from(value));
  const text = async (by = store) => (await by.get(key))?.value.toString();

  it('finds nothing where nothing was put', async () => {
    expect(await store.get(key)).toBeUndefined();
    expect(await store.list('shop@prod')).toEqual([]);
  });

  it('finds what was put, by whomever', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128, 0]);
    expect(await store.put(key, bytes)).toBe(true);
    const found = await (await stores.open()).get(key);
    expect(found).toEqual({ sort: 'current', value: bytes, revision: 0 });
  });

  it('replaces what was put before when nothing is expected', async () => {
    await put('current', 'old');
    await put('current', 'new');
    expect(await text()).toBe('new');
  });

  it('keeps an item of 380,000 bytes', async () => {
    const value = Buffer.alloc(380_000, 'abc');
    await store.put(key, value);
    expect((await store.get(key))?.value.equals(value)).toBe(true);
  });

  it('lists a partition in order, from either end, by prefix', async () => {
    for (const sort of ['version-10', 'current', 'version-02', 'version-01']) await put(sort, sort);
    await store.put({ partition: 'shop@prod/usage', sort: 'version-00' }, Buffer.from('elsewhere'));
    const sorts = async (options?: Parameters<RegistryStore['list']>[1]) =>
      (await store.list('shop@prod', options)).map(({ sort }) => sort);

    expect(await sorts()).toEqual(['current', 'version-01', 'version-02', 'version-10']);
    expect(await sorts({ prefix: 'version-', newestFirst: true, limit: 2 })).toEqual([
      'version-10',
      'version-02',
    ]);
    expect(await sorts({ prefix: 'version-', limit: 1 })).toEqual(['version-01']);
  });

  it('lists more than one page of a query has', async () => {
    const value = Buffer.alloc(300_000, 'x');
    for (let index = 0; index < 5; index++)
      await store.put({ partition: 'shop@prod', sort: `c${index}` }, value);
    expect(await store.list('shop@prod')).toHaveLength(5);
  });

  it('keeps what may be forgotten until then, and replaces it as a whole', async () => {
    const soon = Math.ceil(Date.now() / 1000) + 1000;
    await store.put(key, Buffer.from('old'), { expires: soon });
    await store.put(key, Buffer.from('new'), { expires: soon + 1 });
    expect(await text()).toBe('new');
    expect(await store.list('shop@prod')).toEqual([
      { sort: 'current', value: Buffer.from('new'), revision: 0 },
    ]);
  });

  it('deletes an item, also one that is not there', async () => {
    await put('current', 'x');
    expect(await store.delete(key)).toBe(true);
    expect(await store.get(key)).toBeUndefined();
    expect(await store.delete(key)).toBe(true);
  });

  it('deletes an item only at the expected revision, and begins anew with it', async () => {
    for (const expected of [0, 1, 2]) await store.put(key, Buffer.from(`v${expected}`), { expected });
    expect(await store.delete(key, { expected: 2 })).toBe(false);
    expect(await text()).toBe('v2');
    expect(await store.delete(key, { expected: 3 })).toBe(true);
    expect(await store.get(key)).toBeUndefined();
    expect(await store.put(key, Buffer.from('new'), { expected: 0 })).toBe(true);
    expect(await store.get(key)).toMatchObject({ value: Buffer.from('new'), revision: 1 });
  });

  it('takes what is put while the last item of its partition is deleted', async () => {
    for (let round = 0; round < 10; round++) {
      await store.put({ partition: 'a/b', sort: 'old' }, Buffer.from('x'));
      await Promise.all([
        store.delete({ partition: 'a/b', sort: 'old' }),
        store.put({ partition: 'a/b', sort: 'new' }, Buffer.from('x')),
      ]);
      expect((await store.list('a/b')).map(({ sort }) => sort)).toEqual(['new']);
      await store.delete({ partition: 'a/b', sort: 'new' });
    }
  });

  describe('a put with an expectation', () => {
    const move = (value: string, expected: number, by = store) =>
      by.put(key, Buffer.from(value), { expected });

    it('writes one revision after another', async () => {
      for (let expected = 0; expected < 5; expected++)
        expect(await move(`v${expected}`, expected)).toBe(true);
      expect(await store.get(key)).toEqual({ sort: 'current', value: Buffer.from('v4'), revision: 5 });
    });

    it('changes nothing when the revision is another one', async () => {
      for (let expected = 0; expected < 4; expected++) await move(`v${expected}`, expected);
      for (const stale of [0, 1, 2, 3]) expect(await move(`late ${stale}`, stale)).toBe(false);
      expect(await store.get(key)).toMatchObject({ value: Buffer.from('v3'), revision: 4 });
    });

    it('succeeds for exactly one of many that expect the same', async () => {
      const others = await Promise.all(Array.from({ length: 8 }, () => stores.open()));
      for (let expected = 0; expected < 5; expected++) {
        const won = await Promise.all(others.map((by, index) => move(`${expected}-${index}`, expected, by)));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await text()).toBe(`${expected}-${won.indexOf(true)}`);
      }
    });

    it('is never seen half-way by who reads all the time', async () => {
      await move('0', 0);
      const reader = await stores.open();
      const done = new AbortController();
      const reading = (async () => {
        const seen: number[] = [];
        while (!done.signal.aborted) seen.push(Number(await text(reader)));
        return seen;
      })();
      for (let expected = 1; expected <= 30; expected++) await move(String(expected), expected);
      done.abort();
      const seen = await reading;
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    });
  });
});

it('a folder forgets by itself what has expired', async () => {
  const [, start] = registryStoreKinds[0]!;
  const stores = await start();
  const store = await stores.open();
  await store.put({ partition: 'a', sort: 'b' }, Buffer.from('x'), { expires: 1 });
  expect(await store.get({ partition: 'a', sort: 'b' })).toBeUndefined();
  expect(existsSync(join(stores.location, 'a'))).toBe(false);
  await stores.close();
});

describe('a store that cannot be used', () => {
  it.each([
    ['redis://somewhere', 'A registry must be a folder or dynamodb://TABLE, but got: redis://somewhere'],
    [
      'dynamodb://weir?regoin=eu-west-1',
      'A registry may have `region` and `endpoint`, but got `regoin`: dynamodb://weir?regoin=eu-west-1',
    ],
  ])('is refused when it is named %s', async (location, message) => {
    await expect(openRegistryStore(location)).rejects.toThrow(message);
  });

  it('gives up when the database swallows what it is asked', async () => {
    const hole = await serveBytes(() => undefined);
    const store = await dynamodbStore({
      table: 'weir',
      region: 'eu-west-1',
      endpoint: hole.url.replace(/^\w+/, 'http'),
      timeout: 30,
    });
    await expect(store.get({ partition: 'a', sort: 'b' })).rejects.toThrow(
      /^The registry in the DynamoDB table weir cannot be used: TimeoutError: /,
    );
    await store.close();
    await hole.stop();
  });

  it('says which table is missing, and where to read how it is made', async () => {
    const [, start] = registryStoreKinds[1]!;
    const stores = await start();
    const store = await openRegistryStore(stores.location.replace('weir-registry', 'no-such-table'));
    await expect(store.get({ partition: 'a', sort: 'b' })).rejects.toThrow(
      'The registry in the DynamoDB table no-such-table cannot be used: there is no such table in this region and ' +
        'account; docs/registry.md has the command that makes it.',
    );
    await store.close();
    await stores.close();
  });
});
