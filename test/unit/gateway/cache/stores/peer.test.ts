import { MemoryStore } from '../../../../../gateway/cache/stores/memory';
import { type Peers, PeerStore } from '../../../../../gateway/cache/stores/peer';
import { type CacheEntry, type Store, StoreUnavailable } from '../../../../../gateway/cache/stores/store';

const entry: CacheEntry = {
  value: Buffer.from('old'),
  tags: ['type:Product'],
  storedAt: Date.now(),
  freshUntil: Date.now() + 60_000,
  keptUntil: Date.now() + 60_000,
};

/** Stores that hear of each other, as long as they can. */
function connected(count: number, canHear = () => true): PeerStore[] {
  const followers: Parameters<Peers['follow']>[0][] = [];
  return Array.from(
    { length: count },
    (_, i) =>
      new PeerStore(new MemoryStore({ maxBytes: 1e6 }), {
        async drop(tags) {
          if (!canHear()) throw new Error('A worker did not answer.');
          await Promise.all(followers.filter((_, other) => other !== i).map((follow) => follow(tags)));
        },
        follow: (drop) => void (followers[i] = drop),
      }),
  );
}

const keep = async (store: Store): Promise<void> =>
  store.set(new Map([['key', entry]]), (await store.get([])).clock);
const has = (store: Store): boolean => store.peek!('key') !== undefined;

it('drops in all processes what is invalidated in one', async () => {
  const stores = connected(3);
  await Promise.all(stores.map(keep));
  await stores[1]!.invalidate(['type:Review']);
  expect(stores.map(has)).toEqual([true, true, true]);
  await stores[1]!.invalidate(['type:Product']);
  expect(stores.map(has)).toEqual([false, false, false]);
});

it('drops it here, and rejects while another process cannot be reached', async () => {
  const stores = connected(2, () => false);
  await Promise.all(stores.map(keep));
  await expect(stores[0]!.invalidate(['type:Product'])).rejects.toThrow(StoreUnavailable);
  expect(stores.map(has)).toEqual([false, true]);
});
