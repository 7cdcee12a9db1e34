import type { ServerResponse } from 'node:http';
import { Overload } from '../../../../gateway/limits/overload';
import { createMetrics, type Metrics } from '../../../../gateway/telemetry/metrics';
import type { Logger } from '../../../../gateway/telemetry/logger';

let metrics: Metrics;
let overload: Overload;
let inFlight = 0;
let responses: ServerResponse[] = [];
/** Milliseconds: what `performance.now()` says. */
let clock = 0;
const said: string[] = [];
const logger = {
  warn: (_: unknown, line: string) => said.push(line),
  info: (_: unknown, line: string) => said.push(line),
};

beforeEach(() => {
  metrics = createMetrics();
  jest.useFakeTimers();
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  said.length = 0;
  inFlight = 0;
  responses = [];
  overload = new Overload({
    options: { requests: 1000, delay: 40, unread: 1000, unsent: 1000 },
    inFlight: () => inFlight,
    responses: () => responses,
    giveUp: () => undefined,
    bodyLimit: 1000,
    meter: metrics.meter,
    logger: logger as unknown as Pick<Logger, 'warn' | 'info'>,
  });
});
afterEach(async () => {
  overload.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
  await metrics.close();
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
  for (inFlight = 0; !overload.refuses(); inFlight++);
  return inFlight;
}

it('serves as many requests at once as the options say while the event loop is in time', () => {
  live(1000, 0);
  expect(limit()).toBe(1000);
});

it('serves fewer while the event loop is late, never fewer than 64, and more again when it is in time', () => {
  inFlight = 500;
  live(800, 100);
  expect(limit()).toBeLessThanOrEqual(400);
  inFlight = 400;
  live(5000, 100);
  expect(limit()).toBe(64);
  live(1500, 0);
  expect(limit()).toBeGreaterThan(100);
  live(5000, 0);
  expect(limit()).toBe(1000);
});

it('is not concerned by one pause', () => {
  inFlight = 500;
  for (let i = 0; i < 10; i++) {
    live(10, 200);
    live(500, 0);
  }
  expect(limit()).toBe(1000);
});

it('is not concerned by a loop that is late with few requests', () => {
  inFlight = 3;
  live(5000, 100);
  inFlight = 63;
  expect(overload.refuses()).toBe(false);
});

it('says once that it refuses, and once that it is over', async () => {
  inFlight = 1000;
  overload.refuses();
  live(300, 0);
  overload.refuses();
  live(100, 0);
  expect(said).toEqual([
    'too many requests: some are refused',
    'no request is refused any more',
    'too many requests: some are refused',
  ]);
  expect(await metrics.collect()).toContain('weir_requests_refused_total 2');
});

it('refuses while clients leave too much of their answers unread', () => {
  responses = [
    { writableLength: 1001, req: { complete: true, socket: { destroy: () => undefined } } } as never,
  ];
  live(200, 0);
  expect(overload.refuses()).toBe(true);
  responses = [];
  live(200, 0);
  expect(overload.refuses()).toBe(false);
});
