import { MemoryStore } from '../../gateway/cache/memory';
import type { Entry, Store } from '../../gateway/cache/store';

/** A place to keep entries in, and the gateways that share it. */
export interface TestStores {
  /** The store as one more gateway has it. */
  open(): Store;
  /** Moves the clock of all gateways. */
  advance(milliseconds: number): void;
  now(): number;
  /** Resolves when every gateway has heard of the invalidations so far. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** How long an entry of the stores below is refreshed by one look alone. */
export const refreshTime = 10_000;

/** Every kind of store, each with nothing in it. */
export const storeKinds: [string, () => Promise<TestStores>][] = [
  [
    'memory',
    async () => {
      const clock = testClock();
      const store = new MemoryStore({ maxBytes: 2 ** 26, refreshTime, now: clock.now });
      return { ...clock, open: () => store, settle: async () => undefined, close: () => store.close() };
    },
  ],
];

function testClock() {
  let now = Date.now();
  return { now: () => now, advance: (milliseconds: number) => void (now += milliseconds) };
}

/** An entry that is fresh for 60 s and kept for 120 s. */
export function entryAt(now: number, { value = 'value', ...rest }: TestEntry = {}): Entry {
  return {
    value: Buffer.from(value),
    tags: [],
    storedAt: now,
    freshUntil: now + 60_000,
    keptUntil: now + 120_000,
    ...rest,
  };
}

type TestEntry = Partial<Omit<Entry, 'value'>> & { readonly value?: string | Buffer };
