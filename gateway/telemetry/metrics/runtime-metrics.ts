import { readdirSync, readFileSync } from 'node:fs';
import { constants, monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Meter } from './meter';

/** Measures the process and Node, until the function that it returns is called. */
export function measureRuntime(meter: Meter): () => void {
  measureProcess(meter);
  measureMemory(meter);
  const stopEventLoop = measureEventLoop(meter);
  const stopCollections = measureCollections(meter);
  return () => {
    stopEventLoop();
    stopCollections();
  };
}

function measureProcess(meter: Meter): void {
  meter.observe('process.cpu.time', (observe) => {
    const { user, system } = process.cpuUsage();
    observe((user + system) / 1e6, {});
  });
  meter.observe('process.memory.usage', (observe) => observe(process.memoryUsage.rss(), {}));
  meter.observe('process.start_time', (observe) => observe(performance.timeOrigin / 1000, {}));
  if (process.platform !== 'linux') return;
  meter.observe('process.unix.file_descriptor.count', (observe) => {
    const count = unlessForbidden(() => readdirSync('/proc/self/fd').length);
    if (count !== undefined) observe(count, {});
  });
  const limits = unlessForbidden(() => readFileSync('/proc/self/limits', 'latin1')) ?? '';
  const limit = /^Max open files +(\d+)/m.exec(limits)?.[1];
  meter.observe('process.unix.file_descriptor.limit', (observe) => {
    if (limit !== undefined) observe(Number(limit), {});
  });
}

/** Undefined if the container does not permit reading the value. */
function unlessForbidden<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function measureMemory(meter: Meter): void {
  meter.observe('v8js.memory.heap.used', (observe) => {
    for (const { space_name: name, space_used_size: used } of getHeapSpaceStatistics())
      observe(used, { 'v8js.heap.space.name': name });
  });
  meter.observe('nodejs.heap.size.used', (observe) => observe(getHeapStatistics().used_heap_size, {}));
  meter.observe('nodejs.heap.size.total', (observe) => observe(getHeapStatistics().total_heap_size, {}));
  meter.observe('nodejs.heap.size.limit', (observe) => observe(getHeapStatistics().heap_size_limit, {}));
  meter.observe('nodejs.external_memory', (observe) => observe(getHeapStatistics().external_memory, {}));
}

/**
 * Measures delays since the last reading. Readings within a second get the same values, as otherwise two simultaneous
 * readers would each get only a part.
 */
function measureEventLoop(meter: Meter): () => void {
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  let last = { mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  let readAt = -Infinity;
  const read = (): typeof last => {
    const now = performance.now();
    if (now - readAt < 1000 || histogram.count === 0) return last;
    const { mean, max } = histogram;
    const [p50, p90, p99] = [50, 90, 99].map((percentile) => histogram.percentile(percentile));
    last = { mean, p50: p50!, p90: p90!, p99: p99!, max };
    readAt = now;
    histogram.reset();
    return last;
  };
  for (const which of ['mean', 'p50', 'p90', 'p99', 'max'] as const)
    meter.observe(`nodejs.eventloop.delay.${which}`, (observe) => observe(secondsOf(read()[which]), {}));
  meter.observe('nodejs.eventloop.utilization', (observe) =>
    observe(performance.eventLoopUtilization().utilization, {}),
  );
  return () => histogram.disable();
}

/** The resolution of the timer, in milliseconds. */
const resolution = 10;

/** Converts to seconds, without the timer's own period, which the histogram includes. */
const secondsOf = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolution / 1e3);

function measureCollections(meter: Meter): () => void {
  const durations = meter.histogram('v8js.gc.duration');
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as typeof entry & Collection;
      const type = collections[detail.kind] ?? 'other';
      durations.of({ 'v8js.gc.type': type }).record(duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

/** An entry of type `gc`. */
interface Collection {
  readonly detail: { readonly kind: number };
}

/** The names in the semantic conventions. */
const collections: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};
