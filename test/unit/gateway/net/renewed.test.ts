import { type Perishable, renewed } from '../../../../gateway/net/renewed';

/** A source whose answers the test gives, and a clock that it sets. */
function source() {
  const state = { time: 0, fetches: 0 };
  const waiting: { resolve: (of: Perishable<string>) => void; reject: (error: Error) => void }[] = [];
  const get = renewed(
    () => {
      state.fetches++;
      return new Promise<Perishable<string>>((resolve, reject) => waiting.push({ resolve, reject }));
    },
    { now: () => state.time },
  );
  const settle = async (give: (next: (typeof waiting)[number]) => void) => {
    give(waiting.shift()!);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    state,
    get,
    answer: (of: Perishable<string>) => settle(({ resolve }) => resolve(of)),
    fail: () => settle(({ reject }) => reject(new Error('down'))),
  };
}
const hour = 3_600_000;

describe('a renewed value', () => {
  it('is fetched once for all callers, and then returned synchronously', async () => {
    const { state, get, answer } = source();
    const all = [get(), get(), get()].map((each) => Promise.resolve(each));
    await answer({ value: 'a', expires: hour });
    expect(await Promise.all(all)).toEqual(['a', 'a', 'a']);
    expect(get()).toBe('a');
    expect(state.fetches).toBe(1);
  });

  it('is fetched again five minutes before it expires, while the old value is returned', async () => {
    const { state, get, answer } = source();
    void get();
    await answer({ value: 'a', expires: hour });
    state.time = hour - 300_001;
    expect(get()).toBe('a');
    expect(state.fetches).toBe(1);
    state.time = hour - 299_999;
    expect([get(), get()]).toEqual(['a', 'a']);
    expect(state.fetches).toBe(2);
    await answer({ value: 'b', expires: 2 * hour });
    expect(get()).toBe('b');
  });

  it('stays valid while the source is down, which is retried once per second', async () => {
    const { state, get, answer, fail } = source();
    void get();
    await answer({ value: 'a', expires: 10_000 });
    state.time = 8_500;
    expect(get()).toBe('a');
    await fail();
    state.time = 9_000;
    expect(get()).toBe('a');
    expect(state.fetches).toBe(2);
    state.time = 9_600;
    expect(get()).toBe('a');
    expect(state.fetches).toBe(3);
    await answer({ value: 'b', expires: undefined });
    state.time = 1000 * hour;
    expect(get()).toBe('b');
  });

  it('rejects if it has expired and cannot be fetched', async () => {
    const { state, get, answer, fail } = source();
    void get();
    await answer({ value: 'a', expires: 1000 });
    state.time = 1000;
    const late = Promise.resolve(get());
    await Promise.all([expect(late).rejects.toThrow('down'), fail()]);
    await expect(Promise.resolve(get())).rejects.toThrow('down');
    expect(state.fetches).toBe(2);
    state.time = 2001;
    const again = get();
    await answer({ value: 'b', expires: 5000 });
    expect(await again).toBe('b');
  });
});
