/** Who is served, who waits and who is refused. Over 300 lines: all cases have one clock and one queue. */
import { type SlotWaiter, AdmissionQueue } from '../../../../gateway/admission/admission-queue';

let slots = 0;
let queue: AdmissionQueue;
/** What became of waiters, in turn. */
const told: string[] = [];
/** Milliseconds: what `performance.now()` says. */
let clock = 0;

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  told.length = 0;
  slots = 0;
  queue = new AdmissionQueue({ holdTime: 30, hasFreeSlot: () => slots > 0 });
  // Far from 0, as it is in a process that has run for a while.
  clock = 100_000;
});
afterEach(() => {
  queue.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function comes(name: string, sender = 'somebody'): { -readonly [Key in keyof SlotWaiter]: SlotWaiter[Key] } {
  const waiter = {
    sender,
    since: clock,
    isGone: false,
    admit: () => {
      slots--;
      told.push(`${name} served`);
    },
    refuse: () => told.push(`${name} refused`),
  };
  queue.add(waiter);
  return waiter;
}

function pass(milliseconds: number): void {
  for (let i = 0; i < milliseconds; i++) {
    clock++;
    jest.advanceTimersByTime(1);
  }
}

/** Slots for so many, which they get in as many turns of the event loop as it takes. */
function free(count: number): void {
  slots += count;
  queue.fill();
  for (let before = -1; before < told.length;) {
    before = told.length;
    jest.advanceTimersByTime(1);
  }
}

it('gives a free slot to the oldest waiter', () => {
  for (const name of ['a', 'b', 'c']) comes(name);
  free(2);
  expect(told).toEqual(['a served', 'b served']);
  expect(queue.size).toBe(1);
});

it('refuses each waiter after its own hold time', () => {
  comes('a');
  pass(20);
  comes('b');
  pass(9);
  expect(told).toEqual([]);
  pass(1);
  expect(told).toEqual(['a refused']);
  pass(20);
  expect(told).toEqual(['a refused', 'b refused']);
  expect(queue.refused).toBe(2);
  pass(100);
  comes('c');
  pass(30);
  expect(told.at(-1)).toBe('c refused');
});

it('refuses all waiters whose hold time is over after the event loop was blocked', () => {
  for (const name of ['a', 'b', 'c']) comes(name);
  clock += 500;
  jest.advanceTimersByTime(30);
  expect(told).toEqual(['a refused', 'b refused', 'c refused']);
});

it('does not refuse queued waiters after the hold time, and admits them first', () => {
  queue.capacity = 2;
  for (const name of ['a', 'b', 'c', 'd']) comes(name);
  pass(25);
  free(1);
  expect(told).toEqual(['a served']);
  pass(100);
  expect(told).toEqual(['a served', 'd refused']);
  comes('e');
  free(3);
  expect(told.slice(2)).toEqual(['b served', 'c served', 'e served']);
});

it('keeps queued waiters queued when the capacity falls', () => {
  queue.capacity = 2;
  for (const name of ['a', 'b']) comes(name);
  queue.capacity = 0;
  pass(100);
  expect(told).toEqual([]);
  free(2);
  expect(told).toEqual(['a served', 'b served']);
});

it('skips waiters whose client has left', () => {
  queue.capacity = 1;
  const waiters = ['a', 'b', 'c', 'd'].map((name) => comes(name));
  waiters[0]!.isGone = true;
  waiters[1]!.isGone = true;
  free(1);
  expect(told).toEqual(['c served']);
  waiters[3]!.isGone = true;
  free(1);
  queue.capacity = 0;
  slots = 0;
  comes('e').isGone = true;
  pass(30);
  expect(told).toEqual(['c served']);
  expect(queue.refused).toBe(0);
  expect(queue.size).toBe(0);
});

it('refuses at once when there are too many waiters', () => {
  for (let i = 0; i < 2048; i++) comes('a');
  expect(told).toEqual([]);
  comes('b');
  expect(told).toEqual(['b refused']);
});

it('keeps the order of many waiters', () => {
  queue.capacity = 1500;
  for (let i = 0; i < 2000; i++) comes(String(i));
  for (let i = 0; i < 20; i++) free(100);
  expect(told).toEqual(Array.from({ length: 2000 }, (_, i) => `${i} served`));
});

it('serves senders in turn, and the requests of each first in, first out', () => {
  for (const name of ['a1', 'a2', 'a3', 'a4']) comes(name, 'a');
  for (const name of ['b1', 'b2']) comes(name, 'b');
  free(1);
  comes('c1', 'c');
  free(6);
  expect(told).toEqual(['a1', 'b1', 'a2', 'c1', 'b2', 'a3', 'a4'].map((name) => `${name} served`));
});

it('queues a new sender when the queue is full, and refuses the newest waiter of the sender with the most', () => {
  for (let i = 0; i < 2048; i++) comes(`a${i}`, 'a');
  comes('b1', 'b');
  expect(told).toEqual(['a2047 refused']);
  expect(queue.size).toBe(2048);
  comes('a', 'a');
  expect(told.slice(1)).toEqual(['a refused']);
  free(2);
  expect(told.slice(2)).toEqual(['a0 served', 'b1 served']);
});

it('refuses the newest waiter of the sender with the most when it is full, whoever came last', () => {
  for (let i = 0; i < 2000; i++) comes(`a${i}`, 'a');
  for (let i = 0; i < 48; i++) comes(`b${i}`, 'b');
  comes('c0', 'c');
  expect(told).toEqual(['a1999 refused']);
});

it('refuses a queued waiter when all waiters are queued and it is full', () => {
  queue.capacity = 2048;
  for (let i = 0; i < 2048; i++) comes(`a${i}`, 'a');
  comes('b0', 'b');
  expect(told).toEqual(['a2047 refused']);
  pass(100);
  expect(told).toHaveLength(1);
  free(2);
  expect(told.slice(1)).toEqual(['a0 served', 'b0 served']);
});

it('refuses no waiter of a sender that has only one more than the new one', () => {
  queue.capacity = 3;
  for (const name of ['a1', 'a2']) comes(name, 'a');
  comes('b1', 'b');
  comes('c1', 'c');
  pass(30);
  expect(told).toEqual(['c1 refused']);
});

it('leaves no timer behind when there are no waiters', () => {
  comes('a');
  pass(30);
  expect([told, jest.getTimerCount()]).toEqual([['a refused'], 0]);
});

it('moves a place in the queue from the sender with the most to one with none', () => {
  queue.capacity = 3;
  for (const name of ['a1', 'a2', 'a3', 'a4']) comes(name, 'a');
  for (const name of ['b1', 'b2']) comes(name, 'b');
  pass(100);
  expect(told.toSorted()).toEqual(['a3 refused', 'a4 refused', 'b2 refused']);
  free(3);
  expect(told.slice(3)).toEqual(['a1 served', 'b1 served', 'a2 served']);
});

it('gives a free place in the queue to the sender with the fewest', () => {
  for (const name of ['a1', 'a2', 'a3']) comes(name, 'a');
  comes('b1', 'b');
  queue.capacity = 2;
  queue.fill();
  pass(100);
  expect(told).toEqual(['a2 refused', 'a3 refused']);
});

describe('a sender with far more requests than all others', () => {
  const crowd = (count: number) => {
    for (let i = 0; i < count; i++) comes('a', 'a');
  };

  it('is held longer while there are others, for 1 ms per request', () => {
    crowd(100);
    comes('b', 'b');
    pass(30);
    expect(told).toEqual(['b refused']);
    pass(69);
    expect(told).toHaveLength(1);
    pass(1);
    expect(told).toHaveLength(101);
  });

  it('does not make other senders wait longer', () => {
    crowd(200);
    comes('b1', 'b');
    pass(60);
    told.length = 0;
    comes('b2', 'b');
    pass(30);
    expect(told).toEqual(['b2 refused']);
  });

  it('is held as long as any sender without others, and a second after they have gone', () => {
    comes('b', 'b');
    crowd(1);
    pass(1000);
    told.length = 0;
    crowd(100);
    pass(30);
    expect(told).toHaveLength(100);
  });
});

it('admits no more waiters in a turn of the event loop than it has time for', () => {
  // Each takes a millisecond.
  const admit = () => {
    clock++;
    told.push('served');
  };
  queue.capacity = 100;
  for (let i = 0; i < 100; i++)
    queue.add({ sender: 'a', since: clock, isGone: false, admit, refuse: () => undefined });
  slots = 100;
  queue.fill();
  const inTurns: number[] = [];
  while (queue.size > 0) {
    inTurns.push(told.splice(0).length);
    jest.advanceTimersByTime(1);
  }
  expect(inTurns[0]).toBe(16);
  // Two may have passed at once until then.
  expect(Math.max(...inTurns.slice(2))).toBeLessThanOrEqual(6);
});

it('admits more waiters per turn of the event loop while turns are short', () => {
  queue.capacity = 400;
  const admit = () => void told.push('served');
  for (let i = 0; i < 400; i++)
    queue.add({ sender: 'a', since: clock, isGone: false, admit, refuse: () => undefined });
  slots = 400;
  queue.fill();
  const inTurns: number[] = [];
  while (queue.size > 0) {
    inTurns.push(told.splice(0).length);
    jest.advanceTimersByTime(1);
  }
  expect(inTurns[0]).toBe(16);
  // Two may have passed at once in the beginning; the last one has what is left.
  const full = inTurns.slice(2, -1);
  expect(full).toEqual(full.toSorted((a, b) => a - b));
  expect(full.at(-1)).toBeGreaterThan(20);
});

it('compares senders by their waiters, not by their admitted requests', () => {
  queue.capacity = 1500;
  for (let i = 0; i < 1500; i++) comes(`a${i}`, 'a');
  free(900);
  for (let i = 0; i < 1448; i++) comes(`b${i}`, 'b');
  told.length = 0;
  comes('c0', 'c');
  expect(told).toEqual(['b1447 refused']);
});

it('refuses all waiters when it closes', () => {
  queue.capacity = 1;
  for (const name of ['a', 'b']) comes(name);
  queue.close();
  expect(told).toEqual(['a refused', 'b refused']);
  expect(queue.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});
