import {
  entryOf,
  readAnswer,
  type StoredAnswer,
  storedAnswer,
} from '../../../../../gateway/cache/responses/stored-answer';
import { nullsOf } from '../../../../../gateway/cache/responses/stored-nulls';
import type { ObservedNull } from '../../../../../gateway/execution';

const policy = { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 } as const;
const body = Buffer.from('{"data":{"a":null}}');

const store = (nulls: readonly ObservedNull[] | undefined): StoredAnswer =>
  readAnswer(entryOf(storedAnswer(body, policy, ['a'], 1000, nulls)))!;
const missing = (name: string): ObservedNull => ({
  path: [name, 0],
  coordinate: 'Query.a',
  cause: { kind: 'entity-not-found', subgraph: 'sübgraph', type: 'A' },
});

describe('an answer in the store', () => {
  it('is read as it was written', () => {
    const answer = storedAnswer(body, policy, ['a'], 1000);
    expect(readAnswer(entryOf(answer))).toEqual(answer);
  });

  it('has why values of it are null beside it', () => {
    const answer = store([missing('one'), missing('two')]);
    expect(answer.body.equals(body)).toBe(true);
    expect(nullsOf(answer)).toEqual([missing('one'), missing('two')]);
    expect(nullsOf(store([]))).toEqual([]);
  });

  it('does not say that nothing is null where nobody has looked', () => {
    expect(nullsOf(store(undefined))).toBeUndefined();
  });

  it('has at most 16 KiB of them, which its size in the store includes', () => {
    const many = Array.from({ length: 100 }, (_, i) => missing(`${i}`.repeat(200)));
    const entry = entryOf(storedAnswer(body, policy, [], 1000, many));
    const kept = nullsOf(readAnswer(entry)!)!;
    expect(kept.length).toBeGreaterThan(20);
    expect(kept).toEqual(many.slice(0, kept.length));
    const without = entryOf(storedAnswer(body, policy, [], 1000)).value.length;
    expect(entry.value.length).toBeGreaterThan(without + 10_000);
    expect(entry.value.length).toBeLessThan(without + 20_000);
  });

  it('is of no use if a part of it is missing', () => {
    const entry = entryOf(storedAnswer(body, policy, [], 1000));
    expect(readAnswer({ ...entry, value: entry.value.subarray(0, -1) })).toBeUndefined();
  });
});
