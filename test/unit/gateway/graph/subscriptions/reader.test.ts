import type { OperationResult } from '../../../../../gateway/cache/responses/response-cache';
import { SubscriptionReader, type ReaderOptions } from '../../../../../gateway/graph/subscriptions/reader';
import type { IncomingRequest } from '../../../../../gateway/request/incoming-request';

const answer = (text: string): OperationResult => ({
  ...{ body: Buffer.from(text), data: Buffer.from(text), errors: [], errorsLeftOut: 0 },
  release: undefined,
});

/** A reader whose taker has room only when `makeRoom` is called, once `isFull` is set. */
function read(options: Partial<ReaderOptions> = {}) {
  const ends = { count: 0, dropped: 0 };
  const reader = new SubscriptionReader(Object.create(null) as IncomingRequest, {
    ...{ unread: 10, slow: 'latest', takesGaps: true, all: { bytes: 0, limit: 100 } },
    onEnd: () => ends.count++,
    onDropped: (count) => (ends.dropped += count),
    ...options,
  });
  const taken: string[] = [];
  const state = { isFull: false, failure: undefined as Error | undefined, makeRoom: (): void => undefined };
  const begin = () =>
    reader.forEach(({ body, isAfterGap }) => {
      if (state.failure !== undefined) throw state.failure;
      taken.push(`${isAfterGap === true ? 'gap, ' : ''}${body.toString()}`);
      return state.isFull ? new Promise((resolve) => (state.makeRoom = resolve)) : undefined;
    });
  return { reader, taken, state, ends, begin };
}

const turn = () => new Promise(setImmediate);

it('gives an answer at once where there is room', () => {
  const { reader, taken, begin } = read();
  void begin();
  reader.push(answer('1'));
  expect(taken).toEqual(['1']);
});

it('gives in their order what came before anybody took it, and the end after it', async () => {
  const { reader, taken, ends, begin } = read();
  reader.push(answer('1'));
  reader.push(answer('2'));
  reader.end();
  reader.push(answer('3'));
  await begin();
  expect([taken, ends]).toEqual([['1', '2'], { count: 1, dropped: 0 }]);
});

it('keeps answers while there is no room, and gives one for each room that is made', async () => {
  const { reader, taken, state, begin } = read();
  void begin();
  state.isFull = true;
  for (const each of ['1', '2', '3']) reader.push(answer(each));
  expect(taken).toEqual(['1']);
  state.makeRoom();
  await turn();
  expect(taken).toEqual(['1', '2']);
  state.isFull = false;
  state.makeRoom();
  await turn();
  reader.push(answer('4'));
  expect(taken).toEqual(['1', '2', '3', '4']);
});

it('keeps the latest answer alone beyond `unread`, and tells of the gap', async () => {
  const { reader, taken, state, ends, begin } = read();
  void begin();
  state.isFull = true;
  for (const each of ['1', 'aaaaa', 'bbbbb', 'c']) reader.push(answer(each));
  state.makeRoom();
  await turn();
  expect([taken, ends.dropped]).toEqual([['1', 'gap, c'], 2]);
});

it('tells of a gap at once, and once while there is no room', async () => {
  const { reader, taken, state, begin } = read({ unread: 100 });
  void begin();
  state.isFull = true;
  for (let i = 0; i < 3; i++) reader.gap();
  reader.push(answer('1'));
  state.isFull = false;
  state.makeRoom();
  await turn();
  const gap = 'gap, {"data":null}';
  expect(taken).toEqual([gap, gap, '1']);
});

it('tells of a gap with the next answer where its client takes none without data', () => {
  const { reader, taken, begin } = read({ takesGaps: false });
  void begin();
  reader.gap();
  expect(taken).toEqual([]);
  for (const each of ['1', '2']) reader.push(answer(each));
  expect(taken).toEqual(['gap, 1', '2']);
});

it('ends with an error beyond `unread` where slow clients are to be closed', async () => {
  const { reader, state, ends, begin } = read({ slow: 'close' });
  const ended = begin();
  state.isFull = true;
  for (const each of ['1', 'aaaaaaaaaa', 'b']) reader.push(answer(each));
  expect(ends.count).toBe(1);
  state.makeRoom();
  await expect(ended).rejects.toMatchObject({ extensions: { code: 'MAX_UNREAD_LIMIT' } });
});

it('rejects with the error of its end, after the answers that wait', async () => {
  const { reader, taken, state, begin } = read();
  const ended = begin();
  state.isFull = true;
  reader.push(answer('1'));
  reader.push(answer('2'));
  reader.end(new Error('The source breaks.'));
  state.isFull = false;
  state.makeRoom();
  await expect(ended).rejects.toThrow('The source breaks.');
  expect(taken).toEqual(['1', '2']);
});

it('gives nothing more when it is closed, and resolves', async () => {
  const { reader, taken, state, ends, begin } = read();
  const ended = begin();
  state.isFull = true;
  reader.push(answer('1'));
  reader.push(answer('2'));
  reader.close();
  state.makeRoom();
  await ended;
  expect([taken, ends.count]).toEqual([['1'], 1]);
});

it('ends when its taker fails, and harms nobody who pushes', async () => {
  const { reader, state, ends, begin } = read();
  const ended = begin();
  state.failure = new Error('It cannot be written.');
  reader.push(answer('1'));
  reader.push(answer('2'));
  await expect(ended).rejects.toThrow('It cannot be written.');
  expect(ends.count).toBe(1);
});

it('keeps one answer beyond the limit of all readers together, and counts what waits for it', () => {
  const all = { bytes: 0, limit: 12 };
  const [one, other] = [read({ all }), read({ all })];
  one.reader.push(answer('1234567'));
  other.reader.push(answer('abc'));
  expect(all.bytes).toBe(10);
  other.reader.push(answer('def'));
  // There may always be one.
  expect([all.bytes, other.ends.dropped]).toEqual([10, 1]);
  one.reader.close();
  other.reader.push(answer('ghi'));
  expect([all.bytes, other.ends.dropped]).toEqual([6, 1]);
  void other.begin();
  expect([all.bytes, other.taken]).toEqual([0, ['gap, def', 'ghi']]);
});
