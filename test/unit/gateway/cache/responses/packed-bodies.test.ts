import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack, PackedBodies } from '../../../../../gateway/cache/responses/packed-bodies';
import { storedAnswer } from '../../../../../gateway/cache/responses/stored-answer';

const long = Buffer.from(JSON.stringify({ data: { name: 'Ada '.repeat(1_000) } }));
const answerOf = (body: Buffer, scope: 'public' | 'private' = 'public') =>
  storedAnswer(body, { scope, maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 }, [], Date.now());

it.each([
  ['br, gzip', 'br', brotliDecompressSync],
  ['gzip', 'gzip', gunzipSync],
] as const)('sends a body as it is first, and packed from then on: %s', async (accept, encoding, unpack) => {
  const bodies = new PackedBodies();
  const answer = answerOf(long);
  expect(bodies.bodyFor(accept, answer)).toEqual({ encoding: undefined, bytes: long });
  while (bodies.bodyFor(accept, answer).encoding !== encoding) await sleep(1);
  const { bytes } = bodies.bodyFor(accept, answer);
  expect(bytes.length).toBeLessThan(long.length / 10);
  expect(unpack(bytes)).toEqual(long);
  // An equal body of another answer is not packed again.
  expect(bodies.bodyFor(accept, answerOf(Buffer.from(long))).bytes).toBe(bytes);
});

describe('an encoder', () => {
  afterEach(() => jest.restoreAllMocks());

  it('may fail, and is tried again for the next client', async () => {
    const failing = jest.spyOn(pack, 'br').mockRejectedValueOnce(new Error('Memory allocation failed'));
    const bodies = new PackedBodies();
    const answer = answerOf(long);
    while (bodies.bodyFor('br', answer).encoding === undefined) await sleep(1);
    expect(failing).toHaveBeenCalledTimes(2);
  });

  it('is not asked for a second encoding that the client needs no more', async () => {
    const second = jest.spyOn(pack, 'gzip');
    const bodies = new PackedBodies();
    const answer = answerOf(long);
    while (bodies.bodyFor('br, gzip', answer).encoding === undefined) await sleep(1);
    expect(second).not.toHaveBeenCalled();
  });

  it('is asked for the second one where the first makes a body no smaller', async () => {
    jest.spyOn(pack, 'br').mockImplementation((body) => Promise.resolve(body));
    const bodies = new PackedBodies();
    while (bodies.bodyFor('br, gzip', answerOf(long)).encoding !== 'gzip') await sleep(1);
  });

  it('is not asked again for a body that stays too long to be kept', async () => {
    const packing = jest.spyOn(pack, 'br').mockResolvedValue(Buffer.alloc(32 * 2 ** 20));
    const bodies = new PackedBodies();
    const answer = answerOf(Buffer.alloc(33 * 2 ** 20));
    for (let i = 0; i < 3; i++) {
      expect(bodies.bodyFor('br', answer).encoding).toBeUndefined();
      await sleep(1);
    }
    expect(packing).toHaveBeenCalledTimes(1);
  });
});

it('prefers the second encoding to none while the first one is not there', async () => {
  const bodies = new PackedBodies();
  const answer = answerOf(long);
  while (bodies.bodyFor('gzip', answer).encoding === undefined) await sleep(1);
  expect(bodies.bodyFor('gzip, br', answer).encoding).toBe('gzip');
});

it.each([
  ['a private answer', answerOf(long, 'private'), 'br'],
  ['a short one', answerOf(Buffer.from('{"data":{}}')), 'br'],
  ['one that gets no smaller', answerOf(randomBytes(2_000)), 'br'],
  ['one for a client that accepts no encoding', answerOf(long), 'identity'],
  ['one for a client that does not say', answerOf(long), undefined],
])('never packs %s', async (_, answer, accept) => {
  const bodies = new PackedBodies();
  bodies.bodyFor(accept, answer);
  // What another client has asked for is packed later.
  const other = answerOf(Buffer.from(long.toString().replace('Ada', 'Eva')));
  while (bodies.bodyFor('br', other).encoding === undefined) await sleep(1);
  expect(bodies.bodyFor(accept, answer)).toEqual({ encoding: undefined, bytes: answer.body });
});

it('keeps no more memory than the bytes that are sent', async () => {
  const bodies = new PackedBodies();
  const answer = answerOf(long);
  while (bodies.bodyFor('br', answer).encoding === undefined) await sleep(1);
  const { bytes } = bodies.bodyFor('br', answer);
  expect(bytes.buffer.byteLength).toBe(bytes.length);
});
