import { stat } from 'node:fs/promises';
import { GuardedStore } from '../../../../../gateway/cache/stores/guard';
import { MemoryStore } from '../../../../../gateway/cache/stores/memory';
import { type Look, type Store, StoreUnavailable } from '../../../../../gateway/cache/stores/store';
import { entryAt } from '../../../../support/cache-stores';
import { eventually } from '../../../../support/process';
import { within } from '../../../../support/times';

/** A store that answers, refuses or hangs, as it is told. */
function unsteadyStore() {
  const memory = new MemoryStore({ maxBytes: 100_000 });
  const unsteady = { is: 'there' as 'there' | 'refusing' | 'hanging', asked: 0 };
  const wrap =
    <Given extends unknown[], Answer>(method: (...given: Given) => Promise<Answer>) =>
    (...given: Given): Promise<Answer> => {
      unsteady.asked++;
      if (unsteady.is === 'hanging') return new Promise(() => undefined);
      if (unsteady.is === 'refusing') return Promise.reject(new Error('refused'));
      return method(...given);
    };
  const store: Store = {
    get: wrap(memory.get.bind(memory)),
    set: wrap(memory.set.bind(memory)),
    invalidate: wrap(memory.invalidate.bind(memory)),
    close: () => memory.close(),
  };
  return Object.assign(unsteady, { store, memory });
}

let unsteady: ReturnType<typeof unsteadyStore>;
let guarded: GuardedStore;
let changes: string[];
beforeEach(async () => {
  unsteady = unsteadyStore();
  changes = [];
  guarded = new GuardedStore(unsteady.store, { timeout: 50, onChange: (state) => changes.push(state) });
  const { clock } = await guarded.get(['a']);
  await guarded.set(new Map(['a', 'b'].map((key) => [key, entryAt(Date.now(), { tags: [key] })])), clock);
});
afterEach(() => guarded.close());

it.each(['refusing', 'hanging'] as const)('rejects in time while a store is %s', async (how) => {
  unsteady.is = how;
  const start = performance.now();
  await expect(guarded.get(['a'])).rejects.toThrow(StoreUnavailable);
  expect(performance.now() - start).toBeLessThan(within(1000));
  await eventually(() => changes.length > 0);
  expect(changes).toEqual(['away']);
});

it('accepts an answer that came while the event loop was blocked', async () => {
  // Its answer comes from outside of the event loop, as that of a socket does.
  const store: Store = {
    ...unsteady.store,
    get: (keys) => stat(__filename).then(() => unsteady.store.get(keys)),
  };
  const own = new GuardedStore(store, { timeout: 50, onChange: (state) => changes.push(state) });
  // The event loop comes to timers next.
  await new Promise((later) => setImmediate(later));
  const asked = own.get(['a']);
  const end = performance.now() + 200;
  while (performance.now() < end);
  expect((await asked).entries[0]).toBeDefined();
  expect(changes).toEqual([]);
  await own.close();
});

it('only probes an unavailable store', async () => {
  unsteady.is = 'hanging';
  await expect(guarded.get(['a'])).rejects.toThrow(StoreUnavailable);
  const { asked } = unsteady;
  await Promise.all(
    Array.from({ length: 100 }, () => expect(guarded.get(['a'])).rejects.toThrow(StoreUnavailable)),
  );
  expect(unsteady.asked - asked).toBeLessThan(5);
});

it('uses the store again by itself', async () => {
  unsteady.is = 'refusing';
  await expect(guarded.get(['a'])).rejects.toThrow(StoreUnavailable);
  unsteady.is = 'there';
  await eventually(() => changes.includes('back'));
  expect((await guarded.get(['a'])).entries[0]).toBeDefined();
});

it.each(['refusing', 'hanging'] as const)(
  'repeats failed invalidations before it uses the store again that was %s',
  async (how) => {
    unsteady.is = how;
    await expect(guarded.invalidate(['a'])).rejects.toThrow(StoreUnavailable);
    unsteady.is = 'there';
    await eventually(() => changes.includes('back'));
    const { entries } = await guarded.get(['a', 'b']);
    expect(entries.map((entry) => entry !== undefined)).toEqual([false, true]);
  },
);

it('uses the store again even if all failed invalidations together take longer than the timeout', async () => {
  const most = 100;
  const store: Store = {
    ...unsteady.store,
    invalidate: (tags) =>
      tags.length > most ? new Promise(() => undefined) : unsteady.store.invalidate(tags),
  };
  const own = new GuardedStore(store, { timeout: 50, onChange: (state) => changes.push(state) });
  unsteady.is = 'refusing';
  const tags = Array.from({ length: 3 * most }, (_, index) => `t${index}`);
  await expect(own.invalidate([...tags, 'a'])).rejects.toThrow(StoreUnavailable);
  unsteady.is = 'there';
  await eventually(() => changes.includes('back'));
  const { entries } = await own.get(['a', 'b']);
  expect(entries.map((entry) => entry !== undefined)).toEqual([false, true]);
  await own.close();
});

it.each(Array.from({ length: 20 }, (_, steps) => steps))(
  'keeps an invalidation that comes %d steps after the store has answered a probe',
  async (steps) => {
    let invalidated: Promise<unknown> | undefined;
    const store: Store = {
      ...unsteady.store,
      async get(keys) {
        const look = await unsteady.store.get(keys);
        if (keys.length > 0) return look;
        invalidated = (async () => {
          for (let step = 0; step < steps; step++) await Promise.resolve();
          await own.invalidate(['a']).catch(() => undefined);
        })();
        return look;
      },
    };
    const onChange = (state: string): void => void changes.push(state);
    const own = new GuardedStore(store, { timeout: 50, onChange });
    unsteady.is = 'refusing';
    await expect(own.get(['a'])).rejects.toThrow(StoreUnavailable);
    unsteady.is = 'there';
    await eventually(() => changes.includes('back'));
    await invalidated;
    const { entries } = await own.get(['a', 'b']);
    expect(entries.map((entry) => entry !== undefined)).toEqual([false, true]);
    await own.close();
  },
);

it('invalidates everything when it cannot remember more tags', async () => {
  unsteady.is = 'refusing';
  const tags = Array.from({ length: 10_001 }, (_, index) => `t${index}`);
  await expect(guarded.invalidate(tags)).rejects.toThrow(StoreUnavailable);
  unsteady.is = 'there';
  await eventually(() => changes.includes('back'));
  expect((await guarded.get(['a', 'b'])).entries).toEqual([undefined, undefined]);
});

it('stops probing when it is closed', async () => {
  unsteady.is = 'refusing';
  await expect(guarded.get(['a'])).rejects.toThrow(StoreUnavailable);
  await guarded.close();
  const { asked } = unsteady;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(unsteady.asked).toBe(asked);
});

it('lets operations in flight finish before it closes the store', async () => {
  const done: string[] = [];
  let finish!: () => void;
  const store: Store = {
    ...unsteady.store,
    invalidate: () =>
      new Promise((resolve) => {
        finish = () => {
          done.push('invalidated');
          resolve();
        };
      }),
    close: async () => void done.push('closed'),
  };
  const own = new GuardedStore(store, { timeout: 10_000, onChange: () => undefined });
  const invalidated = own.invalidate(['a']);
  const closed = own.close();
  await Promise.resolve();
  expect(done).toEqual([]);
  finish();
  await Promise.all([invalidated, closed]);
  expect(done).toEqual(['invalidated', 'closed']);
});

it('waits at most the timeout for a store that hangs before it closes it', async () => {
  unsteady.is = 'hanging';
  const asked = guarded.get(['a']);
  const refused = expect(asked).rejects.toBeInstanceOf(StoreUnavailable);
  await guarded.close();
  await refused;
});

describe('a look-up', () => {
  let answer: (() => void) | undefined;
  let asked: number;
  let own: GuardedStore;
  const look: Look = { entries: [], clock: '' };
  const steps = async (milliseconds: number, step = 1): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += step) await jest.advanceTimersByTimeAsync(step);
  };
  const answered = async (after: number): Promise<Look> => {
    const asking = own.get(['a']);
    await steps(after, Math.min(after, 10));
    answer!();
    return asking;
  };
  beforeEach(() => {
    jest.useFakeTimers();
    asked = 0;
    const store: Store = {
      ...unsteady.store,
      get: () => {
        asked++;
        return new Promise((resolve) => (answer = () => resolve(look)));
      },
    };
    own = new GuardedStore(store, { timeout: 1_000, onChange: (state) => changes.push(state) });
  });
  afterEach(async () => {
    answer!();
    await own.close();
    jest.useRealTimers();
  });

  it('gives up early on a store that hangs, and others do not wait', async () => {
    for (let i = 0; i < 5; i++) expect(await answered(1)).toBe(look);
    const hanging = expect(own.get(['a'])).rejects.toThrow(StoreUnavailable);
    await steps(260, 10);
    await hanging;
    expect(changes).toEqual([]);
    await expect(own.get(['a'])).rejects.toThrow(StoreUnavailable);
    expect(asked).toBe(6);
    // It was slow once.
    answer!();
    await steps(1);
    expect(await answered(1)).toBe(look);
  });

  it('treats a store as unavailable that does not answer at all', async () => {
    for (let i = 0; i < 5; i++) await answered(1);
    const hanging = expect(own.get(['a'])).rejects.toThrow(StoreUnavailable);
    await steps(1_010, 10);
    await hanging;
    expect(changes).toEqual(['away']);
  });

  it('waits up to the timeout if answers usually take long', async () => {
    for (const after of [900, 150, 200, 900]) expect(await answered(after)).toBe(look);
    expect(changes).toEqual([]);
  });

  it('waits longer again when a store has become slow', async () => {
    for (let i = 0; i < 20; i++) await answered(1);
    const outcomes: string[] = [];
    for (let i = 0; i < 10; i++)
      outcomes.push(
        await answered(400).then(
          () => 'answered',
          () => 'not waited for',
        ),
      );
    expect(outcomes[0]).toBe('not waited for');
    expect(outcomes.at(-1)).toBe('answered');
  });
});

it('tells each further reason why a store is unavailable once', async () => {
  const messages = ['slow', 'refused', 'slow', 'refused', 'another', 'refused'];
  let asked = 0;
  const told: unknown[] = [];
  const own = new GuardedStore(
    {
      ...unsteady.store,
      get: () => Promise.reject(new StoreUnavailable(new Error(messages[asked++] ?? 'slow'))),
    },
    {
      timeout: 50,
      onChange: (state, reason) => told.push(state, (reason as Error).message),
      onReason: (reason) => told.push((reason as Error).message),
    },
  );
  await expect(own.get(['a'])).rejects.toThrow(StoreUnavailable);
  await eventually(() => asked > 5);
  expect(told).toEqual(['away', 'slow', 'refused', 'another']);
  const refused: unknown = await own.invalidate(['a']).catch((error: unknown) => error);
  expect(messages).toContain(((refused as Error).cause as Error).message);
  await own.close();
});
