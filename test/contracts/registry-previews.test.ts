import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, type SubgraphChange, Variants } from '../../schema';
import { describeChanges } from '../../schema/registry/version';
import { filesStore } from '../../schema/store/files';
import { type RegistryStore, StoreError } from '../../schema/store/store';
import { amountOf } from '../support/amounts';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';

/** A process is killed, or something is published, at one write of so many. */
const step = amountOf('WEIR_WRITE_STEP', 2, 1);

const author = { by: 'ana' };
const hour = 3_600_000;
const start = Date.parse('2026-11-25T09:00:00Z');
const subgraph = (name: string, field = name): SubgraphChange => ({
  ...{ name, sdl: `type Query { ${field}: Int }`, file: `${name}.graphql` },
  routingUrl: `http://${name}.test/`,
});

describe.each(registryStoreKinds)('previews in a registry in %s', (kind, open) => {
  let stores: TestRegistryStores;
  let store: RegistryStore;
  let now: number;
  let prod: Registry;
  let preview: Registry;
  const clock = () => now;
  const registryOf = (variant: string, by = store) =>
    new Registry({ store: by, variant: { graph: 'shop', variant }, now: clock });
  const terms = { from: 'shop@prod', lifetime: 2 * hour };
  const publish = async (field = 'changed', by = preview) =>
    by.preview([subgraph('reviews', field)], terms, author);

  beforeEach(async () => {
    stores = await open();
    store = await stores.open();
    now = start;
    prod = registryOf('prod');
    preview = registryOf('pr-7');
    await prod.publish([subgraph('reviews'), subgraph('users')], author);
  });
  afterEach(() => stores.close());

  const runs = async (registry: Registry) => registry.supergraph(await registry.newest());

  it('exchange a subgraph of another variant, which stays as it is', async () => {
    expect(await publish()).toMatchObject({
      outcome: 'published',
      version: {
        number: 1,
        changes: { reviews: 'added', users: 'added' },
        preview: { from: 'shop@prod', version: 1, own: ['reviews'], expires: '2026-11-25T11:00:00.000Z' },
      },
    });
    expect(await runs(preview)).toMatch(/changed: Int.*users: Int/s);
    expect(await prod.newest()).toMatchObject({ number: 1 });
    expect(await preview.schema(await preview.newest(), 'users')).toContain('users: Int');
  });

  it('take the newest of the other variant and a new expiry when they are published again', async () => {
    await publish();
    await prod.publish([subgraph('users', 'newer')], author);
    expect(await runs(preview)).toContain('users: Int');
    now += hour;
    await preview.preview([subgraph('orders')], terms, author);
    expect(await runs(preview)).toMatch(/changed: Int/);
    expect(await runs(preview)).toMatch(/newer: Int/);
    expect(await preview.newest()).toMatchObject({
      number: 2,
      changes: { orders: 'added', users: 'changed' },
      preview: { version: 2, own: ['orders', 'reviews'], expires: '2026-11-25T12:00:00.000Z' },
    });
    now += hour;
    expect(await preview.preview([subgraph('orders')], terms, author)).toMatchObject({
      outcome: 'published',
      version: { number: 3, changes: {}, preview: { expires: '2026-11-25T13:00:00.000Z' } },
    });
  });

  it('record what does not compose, are as before, and expire later', async () => {
    const first = await publish('x: Nowhere');
    expect(first).toMatchObject({ outcome: 'rejected', version: { preview: { own: [] } } });
    expect(describeChanges(first.version)).toMatch(
      /^reviews of its own over shop@prod at version 1, expires /,
    );
    await publish();
    now += hour;
    expect(await publish('x: Nowhere')).toMatchObject({
      version: { number: 3, preview: { own: ['reviews'], expires: '2026-11-25T12:00:00.000Z' } },
    });
    expect(await preview.errors(await preview.newest())).not.toEqual([]);
    expect(await runs(preview)).toContain('changed: Int');
  });

  it('may be changed, rolled back, and keep what was removed', async () => {
    await publish();
    await preview.remove('users', author);
    expect(await preview.newest()).toMatchObject({ preview: { own: ['reviews', 'users'] } });
    await publish('again');
    expect(Object.keys((await preview.newest()).subgraphs)).toEqual(['reviews']);
    await preview.rollback({ to: 1 }, author);
    expect(await runs(preview)).toMatch(/changed: Int.*users: Int/s);
  });

  it('are refused where they would end what stays, or follow what does not', async () => {
    await expect(publish('x', prod)).rejects.toThrow(
      'A preview is made from another variant of the graph shop, but got: shop@prod',
    );
    await registryOf('dev').publish([subgraph('users')], author);
    await expect(publish('x', registryOf('dev'))).rejects.toThrow('shop@dev was published without --from');
    await expect(registryOf('dev').endPreview()).rejects.toThrow('shop@dev is no preview');
    await publish();
    await expect(
      registryOf('pr-8').preview([subgraph('users')], { ...terms, from: 'shop@pr-7' }, author),
    ).rejects.toThrow('shop@pr-7 is a preview itself, made from shop@prod');
    const tags = { include: [], exclude: ['internal'] };
    await expect(registryOf('x').contract({ of: 'shop@pr-7', ...tags }, author)).rejects.toThrow(
      'shop@pr-7 is a preview, which expires',
    );
    await registryOf('public').contract({ of: 'shop@prod', ...tags }, author);
    await expect(publish('x', registryOf('public'))).rejects.toThrow(
      'shop@public is a contract of shop@prod',
    );
    await expect(
      registryOf('pr-8').preview([subgraph('users')], { ...terms, from: 'shop@public' }, author),
    ).rejects.toThrow('shop@public is a contract itself, made from shop@prod');
    await expect(preview.contract({ of: 'shop@prod', ...tags }, author)).rejects.toThrow(
      'shop@pr-7 has subgraphs that were published to it',
    );
  });

  it('are gone for readers at the moment when they expire', async () => {
    await publish();
    now = start + 2 * hour;
    expect(await preview.current()).toBeUndefined();
    await expect(preview.newest()).rejects.toThrow(
      'shop@pr-7 was a preview and expired at 2026-11-25T11:00:00.000Z: `weir publish --from` makes it again.',
    );
  });

  const deleteExpired = () => new Variants(store, 'shop', clock).deleteExpired();
  const names = () => new Variants(store, 'shop', clock).names();

  /** Today and tomorrow. */
  const days = () => [0, 24].map((hours) => new Date(now + hours * hour).toISOString().slice(0, 10));

  /** All that a preview may have. */
  async function fill(): Promise<void> {
    await publish();
    await publish('newer');
    await preview.usage.putOperation('0a', 'query Q { changed }');
    for (const day of days()) {
      await preview.usage.putSegment({ id: 'g1', day, counts: [] });
    }
    const at = new Date(Date.now()).toISOString();
    await preview.gateways.put({ id: 'g1', host: 'h', startedAt: at, at, state: 'running' });
    for (const expected of [0, 1, 2])
      await preview.webhooks.put(
        'w',
        { delivered: expected, attempts: 0, by: 'x', isSending: false },
        expected,
      );
  }

  const left = async () => (await stores.keys()).filter((key) => key.startsWith('shop@pr-7'));
  const expectOnlyEnd = async () => {
    expect(await preview.current()).toBeUndefined();
    expect((await left()).filter((key) => !/^shop@pr-7(\/current[.\d]*)?$/.test(key))).toEqual([]);
    expect(await left()).not.toEqual([]);
  };

  it('leave nothing in the store an hour after they expired, and their end until then', async () => {
    await fill();
    now += 2.5 * hour;
    await prod.publish([subgraph('users', 'other')], author);
    await expectOnlyEnd();
    expect(await names()).toEqual(['shop@pr-7', 'shop@prod']);
    now += hour;
    await deleteExpired();
    expect(await left()).toEqual([]);
    expect(await names()).toEqual(['shop@prod']);
    if (kind === 'files') expect(readdirSync(stores.location).sort()).toEqual(['shop', 'shop@prod']);
    expect(await runs(prod)).toContain('other: Int');
  });

  it('leave nothing in the store where nobody came for a day', async () => {
    await fill();
    now += 26 * hour;
    await deleteExpired();
    expect(await left()).toEqual([]);
    expect(await names()).toEqual(['shop@prod']);
  });

  it('are deleted although others may not be', async () => {
    await publish('x', registryOf('no-1'));
    await fill();
    now += 26 * hour;
    const denied = () => Promise.reject(new StoreError('AccessDenied'));
    const by: RegistryStore = {
      ...store,
      get: (key) => (key.partition.includes('@no') ? denied() : store.get(key)),
    };
    await expect(new Variants(by, 'shop', clock).deleteExpired()).rejects.toThrow('AccessDenied');
    expect(await left()).toEqual([]);
    expect(await names()).toEqual(['shop@no-1', 'shop@prod']);
    // Who publishes need not be permitted to delete.
    await registryOf('prod', by).publish([subgraph('users', 'other')], author);
  });

  it('end at once, once', async () => {
    await fill();
    now += 26 * 60_000;
    expect(await preview.endPreview()).toBe(true);
    expect(await preview.current()).toBeUndefined();
    expect(await preview.endPreview()).toBe(false);
    expect(await registryOf('never').endPreview()).toBe(false);
    now += hour;
    await deleteExpired();
    expect(await left()).toEqual([]);
  });

  it('begin anew after they ended, with numbers that were not used', async () => {
    await fill();
    await preview.endPreview();
    now += 1;
    expect(await publish('reopened')).toMatchObject({ outcome: 'published', version: { number: 3 } });
    expect(await preview.history(10)).toMatchObject([{ number: 3 }]);
    now += 90 * 60_000;
    await deleteExpired();
    expect(await runs(preview)).toContain('reopened: Int');
  });

  it('are deleted once by many at the same time', async () => {
    await fill();
    const all = await Promise.all(Array.from({ length: 5 }, () => stores.open()));
    const ended = await Promise.all(all.map((by) => registryOf('pr-7', by).endPreview()));
    expect(ended).toContain(true);
    await expectOnlyEnd();
  });

  /** A store that does something in front of its n-th write or deletion. */
  const interrupted = (writes: number, act: () => Promise<void> | never): RegistryStore => {
    const before = async () => {
      if (--writes === 0) await act();
    };
    return {
      get: (key) => store.get(key),
      list: (partition, options) => store.list(partition, options),
      put: async (...args) => (await before(), store.put(...args)),
      delete: async (...args) => (await before(), store.delete(...args)),
      close: () => store.close(),
    };
  };

  /** Together, the stores take every write. */
  const firstWrite = kind === 'files' ? 1 : step;

  /** Does something again and again, killed in front of one write, of one `step` later, and so on until it is done. */
  async function killedAtEach(
    act: (by: RegistryStore) => Promise<unknown>,
    before: () => Promise<void>,
    after: () => Promise<void>,
  ): Promise<void> {
    for (let writes = firstWrite; ; writes += step) {
      await before();
      const isDone = await act(interrupted(writes, () => Promise.reject(new Error('killed')))).then(
        () => true,
        (error: unknown) => {
          expect(error).toEqual(new Error('killed'));
          return false;
        },
      );
      await after();
      expect(await left()).toEqual([]);
      expect(await names()).toEqual(['shop@prod']);
      if (isDone) break;
    }
  }

  /** An hour for publishers that were killed, the lifetime, and the hour for which an end is remembered. */
  const deleteLater = async () => {
    for (let hours = 0; hours < 5; hours++) {
      now += hour;
      await deleteExpired();
    }
  };

  it('leave nothing if their first publisher is killed, whichever write was the last', async () => {
    await killedAtEach(
      (by) => publish('changed', registryOf('pr-7', by)),
      async () => undefined,
      deleteLater,
    );
  });

  it('leave nothing if who renews them is killed, whichever write was the last', async () => {
    await killedAtEach((by) => publish('changed', registryOf('pr-7', by)), fill, deleteLater);
  });

  it('leave nothing if who ends them is killed, whichever write was the last', async () => {
    await killedAtEach(
      (by) => registryOf('pr-7', by).endPreview(),
      fill,
      async () => {
        await deleteLater();
        expect(await preview.current()).toBeUndefined();
      },
    );
  });

  it('are deleted by the next one, whichever write was the last of the one before', async () => {
    await killedAtEach(
      (by) => new Variants(by, 'shop', clock).deleteExpired(),
      async () => {
        await fill();
        now += 3 * hour;
      },
      async () => {
        expect(await preview.current()).toBeUndefined();
        await deleteExpired();
        now += hour;
        await deleteExpired();
      },
    );
  });

  it('are forgotten by the next one, whichever write was the last of the one before', async () => {
    await killedAtEach(
      (by) => new Variants(by, 'shop', clock).deleteExpired(),
      async () => {
        await fill();
        await preview.endPreview();
        now += hour;
      },
      async () => {
        await deleteExpired();
        now += hour;
        await deleteExpired();
      },
    );
  });

  it('keep what is published while they are deleted, whenever it is', async () => {
    for (let writes = firstWrite; writes <= 12; writes += step) {
      await publish();
      now += 3 * hour;
      const meanwhile = async () => {
        await publish(`at${writes}`);
      };
      await new Variants(interrupted(writes, meanwhile), 'shop', clock).deleteExpired();
      if ((await preview.current()) === undefined) continue;
      expect(await runs(preview)).toContain(`at${writes}: Int`);
      expect(await preview.history(10)).toHaveLength(1);
      await preview.endPreview();
    }
  });
});

it('a folder has no empty folders of what was deleted', async () => {
  const [, open] = registryStoreKinds[0]!;
  const stores = await open();
  const store = filesStore(stores.location);
  await store.put({ partition: 'a/b/c', sort: 'x' }, Buffer.from('1'));
  await store.put({ partition: 'a', sort: 'y' }, Buffer.from('1'));
  await store.delete({ partition: 'a/b/c', sort: 'x' });
  expect(existsSync(join(stores.location, 'a/b'))).toBe(false);
  expect(await store.list('a')).toHaveLength(1);
  await stores.close();
});
