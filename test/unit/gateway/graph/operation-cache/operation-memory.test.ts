import { getHeapStatistics } from 'node:v8';
import { OperationMemory } from '../../../../../gateway/graph/operation-cache';

const value = {};
/** What an entry counts beside its value and the one character of its key. */
const ofEntry = 201;

describe('the memory for operations', () => {
  it('is a part of the heap', () => {
    const { limit } = new OperationMemory();
    expect(limit).toBeLessThanOrEqual(getHeapStatistics().heap_size_limit / 4);
    expect(limit).toBeLessThanOrEqual(256 * 1024 ** 2);
    expect(limit).toBeGreaterThan(16 * 1024 ** 2);
  });

  it('bounds each cache by its share, and forgets what was used least lately', () => {
    const cache = new OperationMemory(4000).open(1 / 2);
    for (const key of ['a', 'b', 'c']) {
      cache.set(key, value, 700);
      cache.get('a');
    }
    expect(['a', 'b', 'c'].filter((key) => cache.has(key))).toEqual(['a', 'c']);
  });

  it('keeps nothing that is larger than the share', () => {
    const cache = new OperationMemory(4000).open(1 / 2);
    cache.set('a', value, 3000);
    expect(cache.size).toBe(0);
  });

  it('bounds all caches together: the one that was opened first gives', () => {
    const memory = new OperationMemory(4000);
    const [older, newer] = [memory.open(1), memory.open(1)];
    for (const key of ['a', 'b', 'c']) older.set(key, value, 1000);
    newer.set('x', value, 1000);
    expect(['a', 'b', 'c'].filter((key) => older.has(key))).toEqual(['b', 'c']);
    for (const key of ['y', 'z']) newer.set(key, value, 1000);
    expect(older.size).toBe(0);
    expect(newer.size).toBe(3 * (1000 + ofEntry));
    expect(memory.size).toBe(newer.size);
  });

  it('gives half of it back, what was used least lately', () => {
    const memory = new OperationMemory(10_000);
    const [one, other] = [memory.open(1 / 2), memory.open(1 / 2)];
    for (const key of ['a', 'b', 'c', 'd']) {
      one.set(key, value, 500);
      other.set(key, value, 500);
    }
    memory.giveBack();
    for (const cache of [one, other])
      expect(['a', 'b', 'c', 'd'].filter((key) => cache.has(key))).toEqual(['c', 'd']);
  });

  it('forgets a cache that is closed, which keeps nothing any more', () => {
    const memory = new OperationMemory(4000);
    const cache = memory.open(1);
    cache.set('a', value, 1000);
    cache.close();
    cache.set('b', value, 1000);
    expect([memory.size, cache.size]).toEqual([0, 0]);
  });

  it('counts the bytes of a text, of which other scripts take two for each character', () => {
    const cache = new OperationMemory(1e6).open(1);
    cache.set('a'.repeat(1000), value, 0);
    expect(cache.size).toBe(1000 + ofEntry - 1);
    cache.set('я'.repeat(1000), value, 0);
    expect(cache.size).toBe(3000 + 2 * (ofEntry - 1));
  });
});
