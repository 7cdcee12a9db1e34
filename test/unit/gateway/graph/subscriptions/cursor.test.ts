import fc from 'fast-check';
import { hmacSha256 } from '../../../../../gateway/net/hmac';
import { cursorKey, Cursors } from '../../../../../gateway/graph/subscriptions/cursor';

const keyOf = (secret: string) => cursorKey(hmacSha256(Buffer.from(secret)));
const cursors = new Cursors(() => [keyOf('one')]);
const stream = fc.base64String();
const position = fc.string({ unit: 'grapheme', maxLength: 100 });

it('has every position of its stream, and none of another one', async () => {
  await fc.assert(
    fc.asyncProperty(stream, stream, position, async (own, other, at) => {
      const cursor = (await cursors.of(own, at))!;
      expect(await cursors.positionIn(cursor, own)).toBe(at);
      if (other !== own) expect(await cursors.positionIn(cursor, other)).toBeUndefined();
    }),
  );
});

it('has no position in what is no cursor', async () => {
  await fc.assert(
    fc.asyncProperty(stream, fc.string(), async (own, text) => {
      expect(await cursors.positionIn(text, own)).toBeUndefined();
    }),
  );
});

it('has no position in a cursor of which any byte is changed, added or left out', async () => {
  const cursor = (await cursors.of('counts', 'p17'))!;
  const changed = Array.from(cursor).flatMap((character, i) => {
    const [before, after] = [cursor.slice(0, i), cursor.slice(i + 1)];
    const other = character === 'A' ? 'B' : 'A';
    return [`${before}${other}${after}`, `${before}${after}`, `${before} ${character}${after}`];
  });
  for (const text of [...changed, `${cursor}A`, `${cursor}=`, `${cursor}\n`, '', 'x'.repeat(10_000)])
    expect(await cursors.positionIn(text, 'counts')).toBeUndefined();
});

it('has no position in what was a cursor before cursors were signed', async () => {
  const unsigned = Buffer.from('1 counts p17').toString('base64url');
  expect(await cursors.positionIn(unsigned, 'counts')).toBeUndefined();
});

it('verifies with all keys, and signs with the first', async () => {
  const old = (await cursors.of('counts', 'p1'))!;
  const rotated = new Cursors(() => Promise.resolve([keyOf('two'), keyOf('one')]));
  expect(await rotated.positionIn(old, 'counts')).toBe('p1');
  const newer = (await rotated.of('counts', 'p1'))!;
  expect(await cursors.positionIn(newer, 'counts')).toBeUndefined();
  const later = new Cursors(() => [keyOf('two')]);
  expect(await later.positionIn(newer, 'counts')).toBe('p1');
  expect(await later.positionIn(old, 'counts')).toBeUndefined();
});

it('is made for positions of at most 1024 bytes', async () => {
  const [longest, tooLong] = ['é'.repeat(512), 'é'.repeat(513)];
  expect(await cursors.positionIn((await cursors.of('counts', longest))!, 'counts')).toBe(longest);
  expect(await cursors.of('counts', tooLong)).toBeUndefined();
});
