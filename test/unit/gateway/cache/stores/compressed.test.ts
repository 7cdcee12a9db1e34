import { CompressedStore } from '../../../../../gateway/cache/stores/compressed';
import { MemoryStore } from '../../../../../gateway/cache/stores/memory';
import { entryAt } from '../../../../support/cache-stores';

const inner = new MemoryStore({ maxBytes: 2 ** 24 });
const store = new CompressedStore(inner, 100);

async function fill(value: Buffer, into: MemoryStore | CompressedStore = store): Promise<void> {
  const { clock } = await into.get([]);
  await into.set(new Map([['a', entryAt(Date.now(), { value })]]), clock);
}
const kept = async () => (await inner.get(['a'])).entries[0]!.value;
const found = async () => (await store.get(['a'])).entries[0]?.value;

it('compresses long values, and returns them unchanged', async () => {
  const value = Buffer.from('{"name":"Table"}'.repeat(1000));
  await fill(value);
  expect((await kept()).length).toBeLessThan(value.length / 10);
  expect((await found())?.equals(value)).toBe(true);
});

it.each([
  ['what is short', Buffer.from('aaaaaaaaaa'.repeat(10))],
  ['what does not become smaller', Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * i * 7919) >> 5))],
])('stores %s uncompressed', async (_, value) => {
  await fill(value);
  expect((await kept()).subarray(5).equals(value)).toBe(true);
  expect((await found())?.equals(value)).toBe(true);
});

it('finds nothing if any byte was changed', async () => {
  await fill(Buffer.from('{"name":"Table"}'.repeat(20)));
  const good = await kept();
  for (let index = 0; index < good.length; index++) {
    const bad = Buffer.from(good);
    bad[index]! ^= 0xff;
    await fill(bad, inner);
    expect(await found()).toBeUndefined();
  }
});

it.each([['nothing'], ['\0'], ['garbage that somebody else has written']])(
  'finds nothing in %j',
  async (value) => {
    await fill(Buffer.from(value === 'nothing' ? '' : value), inner);
    expect(await found()).toBeUndefined();
  },
);
