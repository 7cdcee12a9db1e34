import { createInvalidate } from '../../../../gateway/cache/invalidation';
import { MemoryStore } from '../../../../gateway/cache/stores/memory';
import { entityTag, unknownEntityTag } from '../../../../gateway/cache/tags';
import { entryAt } from '../../../support/cache-stores';

it('drops answers that may contain an entity, and nothing else of its type', async () => {
  const store = new MemoryStore({ maxBytes: 100_000 });
  const entries = {
    itself: [entityTag('Product', { upc: '12' })],
    another: [entityTag('Product', { upc: '13' })],
    unknown: [unknownEntityTag('Product', ['upc'])],
    'known by another key': [entityTag('Product', { sku: 'x' }), unknownEntityTag('Product', ['upc'])],
    unrelated: [unknownEntityTag('Review', ['upc'])],
  };
  const { clock } = await store.get([]);
  await store.set(
    new Map(Object.entries(entries).map(([key, tags]) => [key, entryAt(Date.now(), { tags })])),
    clock,
  );
  await createInvalidate(store)(['Product:upc=12']);
  const found = await store.get(Object.keys(entries));
  expect(found.entries.map((entry) => entry !== undefined)).toEqual([false, true, false, false, true]);
});

it('names an entity by its sorted key fields, whatever the order and the type of their values', () => {
  expect(entityTag('Item', { org: { id: 2, __typename: 'Org' }, id: '1', __typename: 'Item' })).toBe(
    entityTag('Item', { id: 1, org: { id: '2' } }),
  );
  expect(entityTag('Item', { tags: ['a', 'b'] })).toBe('Item:tags=["a","b"]');
  expect(entityTag('Item', { id: null })).toBe('Item:id=null');
});

it.each([
  ['id', 'id2'],
  ['org', 'org.id'],
  ['line1', 'line'],
  ['a_b', 'a'],
])('drops answers that may contain an entity of a key of %s and %s', async (...fields) => {
  const store = new MemoryStore({ maxBytes: 100_000 });
  const { clock } = await store.get([]);
  const tags = [unknownEntityTag('Item', fields)];
  await store.set(new Map([['unknown', entryAt(Date.now(), { tags })]]), clock);
  await createInvalidate(store)([entityTag('Item', Object.fromEntries(fields.map((field) => [field, '1'])))]);
  expect((await store.get(['unknown'])).entries).toEqual([undefined]);
});

it('drops answers that may have a tag, if the value in the tag is not known', async () => {
  const store = new MemoryStore({ maxBytes: 100_000 });
  const format = 'product-{$key.upc}-{$key.region}';
  const { clock } = await store.get([]);
  await store.set(new Map([['unknown', entryAt(Date.now(), { tags: [format] })]]), clock);
  const invalidate = createInvalidate(store, () => [format, 'product-{$key.upc}', 'all']);
  const isThere = async () => (await store.get(['unknown'])).entries[0] !== undefined;
  await invalidate(['product-1', 'all', 'a-product-1-eu']);
  expect(await isThere()).toBe(true);
  await invalidate(['product-1-eu']);
  expect(await isThere()).toBe(false);
});

it('reports what was dropped, with the tags for unknown values, even if the store is unavailable', async () => {
  const told: (readonly string[])[] = [];
  const store = new MemoryStore({ maxBytes: 1_000 });
  const away = Object.assign(Object.create(store) as MemoryStore, {
    invalidate: () => Promise.reject(new Error('away')),
  });
  for (const each of [store, away]) {
    const invalidate = createInvalidate(each, undefined, (tags) => told.push(tags));
    await invalidate(['Product:upc=1']).catch(() => undefined);
  }
  const tags = ['Product:upc=1', 'Product:upc=?'];
  expect(told).toEqual([tags, tags]);
});
