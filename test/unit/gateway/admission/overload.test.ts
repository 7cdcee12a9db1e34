/** When a gateway takes on more. Over 300 lines: all cases have one clock and one event loop that is made up. */
import v8 from 'node:v8';
import { Overload } from '../../../../gateway/admission/overload';
import type { Sink } from '../../../../gateway/request/sink';
import { createMetrics, type Metrics } from '../../../../gateway/telemetry/metrics/metrics';
import type { Logger } from '../../../../gateway/telemetry/logger';

let metrics: Metrics;
let overload: Overload;
/** Requests that are worked on, and those whose answers are not read. */
let inFlight = 0;
let unread = 0;
let requests: { readonly sink: Pick<Sink, 'download'> }[] = [];
/** Milliseconds: what `performance.now()` says. */
let clock = 0;
/** The share of the time in which the event loop has something to do. */
let utilization = 1;
/** What became of those that found no place, in turn. */
const became: string[] = [];
const said: string[] = [];
const onFullHeap = jest.fn();
const logger = {
  warn: (_: unknown, line: string) => said.push(line),
  info: (_: unknown, line: string) => said.push(line),
};

beforeEach(() => {
  metrics = createMetrics();
  jest.useFakeTimers();
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  jest
    .spyOn(performance, 'eventLoopUtilization')
    .mockImplementation(() => ({ utilization, active: 0, idle: 0 }));
  utilization = 1;
  became.length = 0;
  said.length = 0;
  onFullHeap.mockClear();
  inFlight = 0;
  unread = 0;
  requests = [];
  overload = new Overload({
    options: {
      ...{ requests: 1000, delay: 40, queue: 100, wait: 25 },
      ...{ unread: 1000, readRate: 1, readTime: 10_000, unsent: 1000 },
    },
    inFlight: {
      get size() {
        return inFlight + unread;
      },
      get working() {
        return inFlight;
      },
    },
    requests: { [Symbol.iterator]: () => requests[Symbol.iterator]() },
    statistics: metrics.overload,
    onFullHeap,
    logger: logger as unknown as Pick<Logger, 'warn' | 'info'>,
  });
});
afterEach(async () => {
  overload.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
  metrics.close();
});

/** Lets time pass in an event loop whose timers come so many milliseconds late. */
function live(milliseconds: number, late: number): void {
  for (const end = clock + milliseconds; clock < end;) {
    clock += 10 + late;
    jest.advanceTimersByTime(10);
  }
}

/** How many requests would be served at once. */
function limit(): number {
  for (inFlight = 0; overload.hasFreeSlot; inFlight++);
  return inFlight;
}

/** The same while so many wait, which take the first slots that are free. */
function limitWith(waiting: number): number {
  for (inFlight = 0; overload.waiting > 0;) {
    overload.slotFreed();
    endTurn();
  }
  expect(inFlight).toBe(waiting);
  return limit();
}

/** A request comes that finds no place. */
function comes(name = 'a'): void {
  overload.enqueue({
    sender: 'somebody',
    since: clock,
    isGone: false,
    admit: () => {
      inFlight++;
      became.push(`${name} served`);
    },
    refuse: () => became.push(`${name} refused`),
  });
}

function end(): void {
  inFlight--;
  overload.requestEnded();
}

/** The event loop has done what it had to do in this turn. */
function endTurn(): void {
  jest.advanceTimersByTime(0);
}

/** Requests come and wait while the loop rests, until the gateway serves as many at once as the options say. */
function growToTheMost(): void {
  utilization = 0;
  while (limit() < 1000) {
    comes();
    live(10, 0);
  }
  utilization = 1;
  became.length = 0;
}

it('runs 32 requests at once while the event loop has no idle time', () => {
  expect(limit()).toBe(32);
  live(1000, 0);
  inFlight = 32;
  comes();
  live(1000, 0);
  expect(became).toEqual([]);
  end();
  endTurn();
  expect(became).toEqual(['a served']);
  expect(limit()).toBe(32);
});

it('reserves no slot for unread answers, but admits no more requests together with them than the options say', () => {
  unread = 900;
  expect(limit()).toBe(32);
  unread = 980;
  expect(limit()).toBe(20);
});

it('runs more requests while some wait and the event loop has idle time, and no more than the options say', () => {
  utilization = 0;
  inFlight = 32;
  comes();
  live(10, 0);
  expect(became).toEqual(['a served']);
  expect(limit()).toBeGreaterThan(150);
  growToTheMost();
  expect(limit()).toBe(1000);
});

it('lowers the limit when it is not needed', () => {
  growToTheMost();
  utilization = 0.5;
  inFlight = 100;
  live(5000, 0);
  expect(limit()).toBeGreaterThan(100);
  expect(limit()).toBeLessThan(230);
});

it.each([1, 0.95])('lowers the limit while the event loop has no idle time, never below 32: %d', (busy) => {
  growToTheMost();
  utilization = busy;
  live(500, 0);
  expect(limit()).toBeGreaterThan(550);
  expect(limit()).toBeLessThan(700);
  live(5000, 0);
  expect(limit()).toBe(32);
});

it('lowers the limit faster while the event loop is also late, never below 32', () => {
  growToTheMost();
  inFlight = 500;
  live(800, 100);
  expect(limit()).toBeLessThanOrEqual(400);
  inFlight = 400;
  live(5000, 100);
  live(10, 0);
  expect(limit()).toBe(32);
});

it('halves the limit when the event loop is very late', () => {
  growToTheMost();
  inFlight = 500;
  live(1, 1000);
  // Not for the turn after such a one.
  live(1, 0);
  expect(limit()).toBe(250);
});

it.each([
  [0, 32 * 5],
  [0.5, 32 * 2],
  [0.9, 34],
  [0.95, 32],
  [0.97, 32],
])('raises the limit more, the more idle time the event loop has: at %d %d', (share, expected) => {
  utilization = share;
  inFlight = 1000;
  comes();
  live(10, 0);
  expect(limitWith(1)).toBe(expected);
});

it('ignores a single pause of the event loop', () => {
  growToTheMost();
  live(10, 200);
  live(490, 0);
  expect(limit()).toBeGreaterThan(550);
});

it('ignores a late event loop with few requests', () => {
  inFlight = 3;
  live(5000, 100);
  inFlight = 31;
  comes();
  expect(became).toEqual(['a served']);
});

it('ignores a late event loop with idle time', () => {
  growToTheMost();
  utilization = 0.9;
  live(5000, 100);
  live(10, 0);
  expect(limit()).toBe(1000);
});

it('queues new requests after a long turn of the event loop, and only until the next short one', () => {
  live(100, 10);
  expect(overload.hasFreeSlot).toBe(true);
  live(10, 20);
  expect(overload.hasFreeSlot).toBe(false);
  live(10, 0);
  expect(overload.hasFreeSlot).toBe(true);
});

it('gives the slot of an ended request to the oldest waiter', () => {
  inFlight = 32;
  comes('a');
  comes('b');
  expect(overload.hasFreeSlot).toBe(false);
  end();
  endTurn();
  expect(became).toEqual(['a served']);
  expect(overload.hasFreeSlot).toBe(false);
  end();
  endTurn();
  expect(became).toEqual(['a served', 'b served']);
});

it('fills all slots together that become free in one turn of the event loop', () => {
  inFlight = 32;
  for (const name of ['a', 'b', 'c']) comes(name);
  end();
  end();
  expect(became).toEqual([]);
  comes('d');
  endTurn();
  expect(became).toEqual(['a served', 'b served']);
});

/** 150 requests wait, and as many more may as were served lately: 50. */
function haveSomeWait(): void {
  inFlight = 1000;
  for (let i = 0; i < 150; i++) comes();
  live(15_000, 0);
  for (let i = 0; i < 200; i++) overload.requestEnded();
  live(100, 0);
  became.length = 0;
}

it('queues as many requests as were served lately', () => {
  haveSomeWait();
  for (let i = 0; i < 51; i++) comes('late');
  live(50, 0);
  expect(became).toEqual(['late refused']);
});

it('queues more requests when a thousand per second would be refused and retry at once', () => {
  haveSomeWait();
  for (let i = 0; i < 200; i++) comes();
  live(100, 0);
  expect(became).toHaveLength(150);
  for (let i = 0; i < 60; i++) comes('late');
  live(50, 0);
  expect(became.slice(150)).toEqual(new Array(10).fill('late refused'));
});

it('queues eight requests per millisecond of `queue` when none has waited lately', () => {
  inFlight = 1000;
  for (let i = 0; i < 801; i++) comes();
  live(50, 0);
  expect(became).toEqual(['a refused']);
});

it('queues as many after a long time without waiters', () => {
  live(20_000, 0);
  inFlight = 1000;
  for (let i = 0; i < 801; i++) comes();
  live(50, 0);
  expect(became).toEqual(['a refused']);
});

it('calls `onFullHeap` while the heap is nearly full', () => {
  const { heap_size_limit } = v8.getHeapStatistics();
  const statistics = jest.spyOn(v8, 'getHeapStatistics');
  live(200, 0);
  expect(onFullHeap).not.toHaveBeenCalled();
  statistics.mockReturnValue({ used_heap_size: heap_size_limit * 0.95 } as v8.HeapInfo);
  live(200, 0);
  expect(onFullHeap).toHaveBeenCalledTimes(2);
});

it('logs once when refusing begins, and once when it ends', async () => {
  inFlight = 1000;
  for (let i = 0; i < 801; i++) comes();
  live(400, 0);
  comes();
  live(200, 0);
  expect(said).toEqual([
    'too many requests: some are refused',
    'no request is refused any more',
    'too many requests: some are refused',
    'no request is refused any more',
  ]);
  expect(metrics.text()).toContain('weir_requests_refused_total 2');
});

it('cuts clients that do not read as soon as too many answers are written, and refuses nobody', () => {
  const socketOf = () => ({
    destroyed: false,
    destroy(this: { destroyed: boolean }) {
      this.destroyed = true;
    },
    _handle: { bytesWritten: 0, writeQueueSize: 0 },
  });
  const sockets = Array.from({ length: 20 }, socketOf);
  for (const socket of sockets) {
    clock++;
    overload.answering(200);
    requests.push({ sink: { download: { waiting: 200, connection: socket } } });
    expect(sockets.filter(({ destroyed }) => !destroyed).length).toBeGreaterThan(8);
  }
  expect(sockets.map(({ destroyed }) => destroyed).indexOf(false)).toBe(9);
  expect(overload.hasFreeSlot).toBe(true);
});

it('counts waiters, and refuses them, or a new request, when told to', async () => {
  inFlight = 1000;
  for (const name of ['a', 'b']) comes(name);
  expect(overload.waiting).toBe(2);
  const other = { sender: 'somebody', since: clock, isGone: false, admit: () => undefined };
  overload.refuse({ ...other, refuse: () => became.push('c refused') });
  expect([became, overload.waiting]).toEqual([['c refused'], 2]);
  overload.refuseWaiting();
  expect([became.slice(1), overload.waiting]).toEqual([['a refused', 'b refused'], 0]);
  expect(metrics.text()).toContain('weir_requests_refused_total 3');
});

it('refuses waiters when it closes', () => {
  inFlight = 1000;
  comes();
  overload.close();
  expect(became).toEqual(['a refused']);
});
