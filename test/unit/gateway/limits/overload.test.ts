import { Overload } from '../../../../gateway/limits/overload';
import { createMetrics, type Metrics } from '../../../../gateway/telemetry/metrics';

let metrics: Metrics;
let overload: Overload;
let inFlight = 0;
const said: string[] = [];
const logger = {
  warn: (_: unknown, line: string) => said.push(line),
  info: (_: unknown, line: string) => said.push(line),
};

beforeEach(() => {
  metrics = createMetrics();
  jest.useFakeTimers();
  said.length = 0;
  overload = new Overload({
    options: { requests: 1000, delay: 40 },
    inFlight: () => inFlight,
    meter: metrics.meter,
    logger: logger as never,
  });
});
afterEach(async () => {
  overload.close();
  jest.useRealTimers();
  await metrics.close();
});

/** Holds the event loop for so long at each tenth of a second, and lets so many pass. */
async function live(tenths: number, late: number) {
  for (let i = 0; i < tenths; i++) {
    jest.setSystemTime(Date.now() + late);
    jest.spyOn(performance, 'now').mockReturnValueOnce(performance.now() + late);
    await jest.advanceTimersByTimeAsync(100);
  }
}

/** How many requests would be served at once. */
function limit(): number {
  for (inFlight = 0; !overload.refuses(); inFlight++);
  return inFlight;
}

it('serves as many requests at once as the options say while the event loop is in time', async () => {
  await live(10, 0);
  expect(limit()).toBe(1000);
});

it('serves fewer while the event loop is late, never fewer than 64, and more again when it is in time', async () => {
  inFlight = 500;
  await live(1, 100);
  expect(limit()).toBe(400);
  inFlight = 400;
  await live(20, 100);
  expect(limit()).toBe(64);
  await live(10, 0);
  expect(limit()).toBeGreaterThan(120);
  await live(30, 0);
  expect(limit()).toBe(1000);
});

it('is not concerned by a loop that is late with few requests', async () => {
  inFlight = 3;
  await live(5, 100);
  inFlight = 63;
  expect(overload.refuses()).toBe(false);
});

it('says once that it refuses, and once that it is over', async () => {
  inFlight = 1000;
  overload.refuses();
  await live(3, 0);
  overload.refuses();
  await live(1, 0);
  expect(said).toEqual([
    'too many requests: some are refused',
    'no request is refused any more',
    'too many requests: some are refused',
  ]);
  expect(await metrics.collect()).toContain('weir_requests_refused_total 2');
});
