import { MemoryStore } from '../../../../../gateway/cache/stores/memory';
import { TieredStore } from '../../../../../gateway/cache/stores/tiered';
import { entryAt } from '../../../../support/cache-stores';

it('stores entries made of entries in memory only in memory, as another gateway may have invalidated those', async () => {
  const shared = new MemoryStore({ maxBytes: 100_000 });
  const gateway = new TieredStore({
    shared,
    feed: () => async () => undefined,
    bound: 60_000,
    memory: { maxBytes: 100_000 },
  });
  const now = Date.now();
  const entity = new Map([['entity', entryAt(now, { tags: ['product'] })]]);
  await gateway.set(entity, (await gateway.get(['entity'])).clock);
  await shared.invalidate(['product']);
  // It has not heard of that yet.
  const { clock: since, near } = await gateway.get(['response']);
  const { entries } = await gateway.get(['entity']);
  expect(entries[0]).toMatchObject({ isNear: true });
  const response = new Map([['response', entryAt(now, { tags: ['product'] })]]);
  await gateway.set(response, near!);
  expect((await shared.get(['response'])).entries[0]).toBeUndefined();
  expect(gateway.peek('response')).toBeDefined();
  // With the clock of the look, every gateway would find it.
  await gateway.set(response, since);
  expect((await shared.get(['response'])).entries[0]).toBeDefined();
});
