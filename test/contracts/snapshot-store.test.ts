/** What a rehearsal of a recovery demands of the place for its snapshot, held by every one of them. */
import { testedSnapshotStores } from '../support/snapshot-stores';

describe.each(testedSnapshotStores)('a snapshot in $name', (kind) => {
  let place: Awaited<ReturnType<typeof kind.start>>;
  beforeAll(async () => (place = await kind.start()));
  afterAll(() => place.stop());

  it('is there for who opens it later, and is gone when it was cleared', async () => {
    const store = await place.open();
    expect(await store.isEmpty()).toBe(true);
    await store.write('part-1', 'ü\n');
    await store.write('part-2', 'b');
    await store.write('part-2', 'c');
    store.close();

    const later = await place.open();
    expect(later.place).toBe(store.place);
    expect(await later.isEmpty()).toBe(false);
    expect([await later.read('part-1'), await later.read('part-2')]).toEqual(['ü\n', 'c']);
    expect(await later.read('part-3')).toBe(undefined);
    await later.clear();
    expect(await later.isEmpty()).toBe(true);
    expect(await later.read('part-1')).toBe(undefined);
    await later.clear();
    later.close();
  });
});
