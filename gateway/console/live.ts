import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '../telemetry/metrics/metrics';
import type { LiveReport, SeriesName } from './api';
import {
  addAll,
  addUp,
  between,
  callBoundaries,
  count,
  type Counters,
  emptyTables,
  type Levels,
  operationBoundaries,
  percentile,
  readMetrics,
  requestBoundaries,
  round,
  sumOf,
  type Sums,
  type TableName,
  tableNames,
  totals,
} from './figures';

/** What one process has counted, as plain data: it crosses processes, and adds up with that of others. */
export interface LiveParts {
  /** When counting began, in Unix milliseconds. */
  readonly since: number;
  /** Oldest first. */
  readonly steps: readonly LiveStep[];
  /** Of the last 15 minutes, and of the last one or two. */
  readonly tables: Tables;
  readonly recent: Tables;
  /** How many seconds `recent` is. */
  readonly recentSeconds: number;
}

/** What was counted in one step. */
export interface LiveStep extends Levels {
  /** The number of the step: its end, in steps since 1970. */
  readonly number: number;
  /** By name, each per second, but `latency`. */
  readonly rates: Readonly<Record<string, readonly number[]>>;
  /** The 99th percentile of the delay of the event loop, in milliseconds. */
  readonly loopDelay: number;
}

export type Tables = Readonly<
  Record<TableName, readonly (readonly [name: string, numbers: readonly number[]])[]>
>;

/** Milliseconds of a step. */
export const step = 5000;
/** 15 minutes. */
const mostSteps = 180;
/** Tables are kept by the minute, as they are longer. */
const stepsOfMinute = 12;
const mostMinutes = mostSteps / stepsOfMinute;

export interface LiveRecorder {
  parts(): LiveParts;
  stop(): void;
}

/**
 * Reads the metrics every 5 s, and keeps what was counted in each of the last 180 steps. Requests do nothing for it.
 *
 * @param failed how many requests have failed since the start
 */
export function recordLive(
  { collect }: Pick<Metrics, 'collect'>,
  failed: () => number = () => 0,
): LiveRecorder {
  // Of its own: a reading begins a new measurement, which would take it from those who scrape the metrics.
  const loop = monitorEventLoopDelay({ resolution: loopResolution });
  loop.enable();
  const since = Date.now();
  const steps: LiveStep[] = [];
  const minutes: Counters[] = [];
  const read = () => count(collect(readMetrics), failed());
  let last: { counted: Counters; at: number } = { counted: read(), at: performance.now() };
  let minute: { counted: Counters; at: number } = last;
  let previousMinuteAt = last.at;
  let timer: NodeJS.Timeout;

  function tick(): void {
    const { levels, ...counted } = read();
    const [at, number] = [performance.now(), Math.round(Date.now() / step)];
    const newest = steps.at(-1)?.number ?? -Infinity;
    // The clock was set back: the steps after it are not comparable.
    if (number < newest) steps.length = 0;
    if (number !== newest) {
      const rates = ratesOf(between(last.counted, counted).totals, (at - last.at) / 1000);
      const loopDelay = loop.count === 0 ? 0 : Math.max(0, loop.percentile(99) / 1e6 - loopResolution);
      loop.reset();
      steps.push({ number, rates, ...levels, loopDelay: round(loopDelay) });
      while (steps[0]!.number <= number - mostSteps) steps.shift();
      last = { counted, at };
    }
    if (at - minute.at > step * (stepsOfMinute - 0.5)) {
      minutes.push(between(minute.counted, counted));
      if (minutes.length > mostMinutes) minutes.shift();
      previousMinuteAt = minute.at;
      minute = { counted, at };
    }
    schedule();
  }

  function schedule(): void {
    const now = Date.now();
    timer = setTimeout(tick, (Math.round(now / step) + 1) * step - now);
    timer.unref();
  }

  schedule();
  return {
    parts() {
      const rest = between(minute.counted, read());
      const newest = minutes.at(-1);
      return {
        ...{ since, steps: [...steps] },
        tables: entriesOf(addUp([...minutes, rest])),
        recent: entriesOf(addUp(newest === undefined ? [rest] : [newest, rest])),
        recentSeconds: (performance.now() - previousMinuteAt) / 1000,
      };
    },
    stop() {
      clearTimeout(timer);
      loop.disable();
    },
  };
}

/** Milliseconds. */
const loopResolution = 20;

function ratesOf(counted: Sums, seconds: number): LiveStep['rates'] {
  return Object.fromEntries(
    totals.map((name) => {
      const numbers = counted.get(name);
      if (name === 'latency') return [name, numbers ?? noRequests];
      return [name, [(numbers?.[0] ?? 0) / seconds]];
    }),
  );
}

const noRequests: readonly number[] = new Array<number>(requestBoundaries.length + 1).fill(0);

const entriesOf = ({ tables }: Counters): Tables => ({
  codes: [...tables.codes],
  services: [...tables.services],
  operations: [...tables.operations],
  clients: [...tables.clients],
});

/**
 * What several processes have counted together. Counts add up; the delay of the event loop is that of the slowest.
 *
 * @param late how many steps one of them may be behind: steps that it has not taken yet are left out, so that sums do not dip
 */
export function mergeLive(parts: readonly LiveParts[], late = 1): LiveParts {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError('There is no process to merge.');
  if (others.length === 0) return first;
  const newest = parts.flatMap(({ steps }) => steps.at(-1)?.number ?? []);
  const last = Math.min(...newest.filter((number) => number >= Math.max(...newest) - late));
  const steps = new Map<number, LiveStep>();
  for (const each of parts.flatMap((part) => part.steps)) {
    if (each.number > last) continue;
    const before = steps.get(each.number);
    steps.set(each.number, before === undefined ? each : addStep(before, each));
  }
  return {
    since: Math.min(...parts.map(({ since }) => since)),
    steps: [...steps.values()].sort((a, b) => a.number - b.number),
    tables: addTables(parts.map(({ tables }) => tables)),
    recent: addTables(parts.map(({ recent }) => recent)),
    recentSeconds: Math.max(...parts.map(({ recentSeconds }) => recentSeconds)),
  };
}

function addStep(one: LiveStep, other: LiveStep): LiveStep {
  const sums: Sums = new Map(Object.entries(one.rates));
  addAll(sums, new Map(Object.entries(other.rates)));
  return {
    number: one.number,
    rates: Object.fromEntries(sums),
    waiting: one.waiting + other.waiting,
    streams: one.streams + other.streams,
    loopDelay: Math.max(one.loopDelay, other.loopDelay),
  };
}

function addTables(all: readonly Tables[]): Tables {
  const sum = emptyTables();
  for (const tables of all) for (const name of tableNames) addAll(sum[name], new Map(tables[name]));
  return entriesOf({ totals: new Map(), tables: sum });
}

/** The page *Live*, but for what the gateway's metrics do not say. */
export type LiveFigures = Omit<LiveReport, 'chatty' | 'durations' | 'operators'>;

/** @param now Unix milliseconds */
export function describeLive({ since, steps, tables }: LiveParts, now = Date.now()): LiveFigures {
  return {
    ...{ at: now, step, since, series: seriesOf(steps) },
    codes: rows(tables.codes, ([code, service], [errors]) => ({
      ...{ name: code!, count: errors! },
      ...(service !== '' && { service: service! }),
    })),
    services: rows(tables.services, ([name], numbers) => ({ name: name!, ...describeCalls(numbers) })).sort(
      (a, b) => b.calls - a.calls,
    ),
    operations: rows(tables.operations, ([type, name], buckets) => ({
      ...{ type: type!, name: name!, requests: sumOf(buckets) },
      p50: percentile(operationBoundaries, buckets, 0.5)!,
      p95: percentile(operationBoundaries, buckets, 0.95)!,
      p99: percentile(operationBoundaries, buckets, 0.99)!,
    })),
    clients: rows(tables.clients, ([name, version], [requests]) => ({
      ...{ name: name!, version: version!, requests: requests! },
    })),
  };
}

/** @param numbers as in the table `services`, with a call at least */
export function describeCalls([errors, ...buckets]: readonly number[]) {
  return {
    ...{ calls: sumOf(buckets), errors: errors! },
    p50: percentile(callBoundaries, buckets, 0.5)!,
    p99: percentile(callBoundaries, buckets, 0.99)!,
  };
}

/** The rows of a table, those with the largest numbers first. */
function rows<Row>(
  table: Tables[TableName],
  row: (names: readonly string[], numbers: readonly number[]) => Row,
): Row[] {
  return [...table]
    .sort(([, a], [, b]) => sumOf(b) - sumOf(a))
    .map(([name, numbers]) => row(name.split('\n'), numbers));
}

function seriesOf(steps: readonly LiveStep[]): LiveFigures['series'] {
  const series = Object.fromEntries(Object.keys(values).map((name) => [name, []])) as unknown as Record<
    SeriesName,
    (number | null)[]
  >;
  const first = steps[0]?.number ?? 0;
  for (const each of steps)
    for (const name of Object.keys(values) as SeriesName[]) {
      const row = series[name];
      while (row.length < each.number - first) row.push(null);
      const value = values[name](each);
      row.push(value === null ? null : round(value));
    }
  return series;
}

const rate =
  (name: (typeof totals)[number]) =>
  ({ rates }: LiveStep) =>
    rates[name]![0]!;
const share = (part: (typeof totals)[number], whole: (typeof totals)[number]) => (each: LiveStep) =>
  rate(whole)(each) === 0 ? null : rate(part)(each) / rate(whole)(each);
const latency =
  (of: number) =>
  ({ rates }: LiveStep) =>
    percentile(requestBoundaries, rates['latency']!, of);

const values: Readonly<Record<SeriesName, (step: LiveStep) => number | null>> = {
  requests: rate('requests'),
  failed: rate('failed'),
  p50: latency(0.5),
  p95: latency(0.95),
  p99: latency(0.99),
  calls: rate('sent'),
  saved: rate('saved'),
  hits: share('hits', 'lookups'),
  entityHits: share('entityHits', 'entityLookups'),
  loopDelay: ({ loopDelay }) => loopDelay,
  waiting: ({ waiting }) => waiting,
  refused: rate('refused'),
  streams: ({ streams }) => streams,
};
