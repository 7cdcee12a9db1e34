import type { Span } from '../../../../../gateway/telemetry/traces/span';
import {
  type SpanBatch,
  SpanBatches,
  type SpanBatchesOptions,
} from '../../../../../gateway/telemetry/traces/span-batches';
import { Trace, UndecidedSpans } from '../../../../../gateway/telemetry/traces/trace';
import { SpanWriter } from '../../../../../gateway/telemetry/traces/write-spans';
import { readTraces } from '../../../../support/otlp-receiver';

/** Batches of a test, which are gone when it says so. */
function open(options: Partial<SpanBatchesOptions> = {}) {
  const sent: SpanBatch[] = [];
  const ends: (() => void)[] = [];
  let dropped = 0;
  let spans = 0;
  const batches = new SpanBatches({
    writer: new SpanWriter({ resource: {}, version: '1.0.0' }),
    send: (batch) => {
      sent.push(batch);
      return new Promise((resolve) => ends.push(resolve));
    },
    drop: () => dropped++,
    ...{ delay: 1000, mostSpans: Infinity, batchSpans: Infinity, ...options },
  });
  const trace = new Trace(
    {
      ...{ newSpanId: () => '0'.repeat(16), take: (span: Span) => batches.take(span), drop: () => undefined },
      ...{ undecided: new UndecidedSpans(0), writeHeaders: () => ({}) },
    },
    { id: '0'.repeat(32), isSampled: true },
  );
  return {
    batches,
    /** Takes so many spans, each with an attribute of so many characters. */
    take: (count: number, characters = 0) => {
      for (let i = 0; i < count; i++) {
        const span = trace.begin(String(++spans), 'internal', 0, undefined);
        span.set('text', 'x'.repeat(characters));
        batches.take(span);
      }
    },
    /** Of each batch that was sent: the names of its spans. */
    sent: () =>
      sent.map(({ bytes, count }) => {
        const names = readTraces(Buffer.from(bytes)).spans.map(({ name }) => name);
        expect(names).toHaveLength(count);
        return names.reverse();
      }),
    bytes: () => sent.map(({ bytes }) => bytes.length),
    /** Lets the batch be gone that is sent now. */
    end: async () => {
      ends.shift()!();
      await jest.advanceTimersByTimeAsync(0);
    },
    dropped: () => dropped,
  };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('sends what has come when the delay is over, and waits for nothing where nothing comes', () => {
  const { take, sent } = open();
  take(1);
  jest.advanceTimersByTime(999);
  take(1);
  expect(sent()).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(sent()).toEqual([['1', '2']]);
  expect(jest.getTimerCount()).toBe(0);
});

it('sends a batch as soon as it is full', () => {
  const { take, sent } = open({ batchSpans: 3 });
  take(4);
  expect(sent()).toEqual([['1', '2', '3']]);
});

it('sends half a megabyte at once', () => {
  const { take, bytes } = open();
  take(60, 10_000);
  expect(bytes()).toHaveLength(1);
  expect(bytes()[0]).toBeGreaterThan(512 * 1024);
  expect(bytes()[0]).toBeLessThan(512 * 1024 + 11_000);
});

it('sends one batch at a time, in their order', async () => {
  const { take, sent, end } = open({ batchSpans: 2 });
  take(5);
  expect(sent()).toHaveLength(1);
  await end();
  expect(sent()).toHaveLength(2);
  await end();
  expect(sent()).toEqual([
    ['1', '2'],
    ['3', '4'],
  ]);
  await jest.advanceTimersByTimeAsync(1000);
  expect(sent()[2]).toEqual(['5']);
});

it('makes one batch of all that come while another is sent', async () => {
  const { take, sent, end } = open();
  take(1);
  jest.advanceTimersByTime(1000);
  for (let i = 0; i < 5; i++) {
    take(1);
    jest.advanceTimersByTime(1000);
  }
  expect(sent()).toEqual([['1']]);
  await end();
  expect(sent()[1]).toEqual(['2', '3', '4', '5', '6']);
});

it('drops spans while there are too many, those that are being sent included', async () => {
  const { take, sent, end, dropped } = open({ mostSpans: 5, batchSpans: 2 });
  take(8);
  expect(dropped()).toBe(3);
  await end();
  take(3);
  expect(dropped()).toBe(4);
  await end();
  await end();
  expect(sent().flat()).toEqual(['1', '2', '3', '4', '5', '9']);
});

it('sends a batch that is all that may be here', () => {
  const { take, sent } = open({ mostSpans: 2 });
  take(2);
  expect(sent()).toEqual([['1', '2']]);
});

it('drops spans while 8 MiB are here', async () => {
  const { take, end, dropped } = open();
  take(1000, 10_000);
  const kept = 1000 - dropped();
  expect(kept * 10_000).toBeLessThan(8 * 1024 * 1024);
  expect((kept + 2) * 10_050).toBeGreaterThan(8 * 1024 * 1024);
  await end();
  take(10, 10_000);
  expect(1010 - dropped()).toBe(kept + 10);
});

it('flushes the spans so far, and does not wait for those that come later', async () => {
  const { batches, take, sent, end } = open({ batchSpans: 2 });
  take(3);
  let isFlushed = false;
  const flushed = batches.flush().then(() => (isFlushed = true));
  take(2);
  await end();
  expect(isFlushed).toBe(false);
  await end();
  await flushed;
  expect(sent()).toEqual([['1', '2'], ['3'], ['4', '5']]);
  await open().batches.flush();
});

it('sends what is there when it stops, and drops what comes later', async () => {
  const { batches, take, sent, end, dropped } = open();
  take(2);
  const stopped = batches.stop();
  take(1);
  await end();
  await stopped;
  jest.advanceTimersByTime(5000);
  expect([sent(), dropped()]).toEqual([[['1', '2']], 1]);
});
