/** What the console reads of the metrics: plain numbers that add up, over time and over the workers of a gateway. */
import type { CollectedMetric } from '../telemetry/metrics/meter';
import { metricTable, type MetricName } from '../telemetry/metrics/metric-table';

/** Numbers by name. Each is a list: one number, or the counts of the buckets of a histogram. */
export type Sums = Map<string, readonly number[]>;

/** Everything that is counted, since the process started or in a period. */
export interface Counters {
  /** Of the whole gateway, by {@link totals}. */
  readonly totals: Sums;
  /** By a name or by several, with line breaks between them. */
  readonly tables: Readonly<Record<TableName, Sums>>;
}

/** What there is at a moment. */
export interface Levels {
  readonly waiting: number;
  readonly streams: number;
}

/** One number each, but `latency`: the buckets of {@link requestBoundaries}. */
export const totals = [
  ...(['requests', 'latency', 'failed', 'sent', 'saved', 'refused'] as const),
  ...(['hits', 'lookups', 'entityHits', 'entityLookups'] as const),
];

/**
 * `codes`: errors by code and service. `services`: by subgraph how many calls failed, then the buckets of
 * {@link callBoundaries}. `operations`: by type and name, the buckets of {@link operationBoundaries}. `clients`: requests by
 * name and version.
 */
export const tableNames = ['codes', 'services', 'operations', 'clients'] as const;
export type TableName = (typeof tableNames)[number];

export const requestBoundaries: readonly number[] = metricTable['http.server.request.duration'].boundaries;
export const callBoundaries: readonly number[] = metricTable['http.client.request.duration'].boundaries;
export const operationBoundaries: readonly number[] =
  metricTable['weir.graphql.operation.duration'].boundaries;

/** The metrics that {@link count} reads. */
export const readMetrics = new Set([
  'http.server.request.duration',
  'weir.graphql.errors',
  'weir.subgraph.fetches',
  'weir.requests.refused',
  'weir.requests.waiting',
  'weir.response_cache.requests',
  'weir.cache.entities',
  'http.client.request.duration',
  'weir.graphql.operation.duration',
  'weir.client.requests',
  'weir.subscriptions.active',
] as const) satisfies ReadonlySet<MetricName>;
type ReadMetric = typeof readMetrics extends ReadonlySet<infer Name> ? Name : never;

/**
 * Adds up metrics, {@link readMetrics} alone: requests to the endpoint, and all that follows from them.
 *
 * @param failed how many requests have failed
 */
export function count(
  metrics: readonly CollectedMetric[],
  failed: number,
): Counters & { readonly levels: Levels } {
  const all: Sums = new Map([['failed', [failed]]]);
  const tables = emptyTables();
  const levels = { waiting: 0, streams: 0 };
  const add = (name: (typeof totals)[number], numbers: readonly number[]): void => addTo(all, name, numbers);
  for (const { name, series } of metrics) {
    const read = name as ReadMetric;
    for (const { attributes, value } of series) {
      // A copy, as the histogram goes on counting.
      const numbers = typeof value === 'number' ? [value] : [...value.counts];
      const one = [sumOf(numbers)];
      const key = (...names: (string | number | undefined)[]): string =>
        names.map((each) => each ?? '').join('\n');
      switch (read) {
        case 'http.server.request.duration':
          if (attributes['http.route'] === undefined) break;
          add('requests', one);
          add('latency', numbers);
          break;
        case 'weir.graphql.errors':
          addTo(tables.codes, key(attributes['code'], attributes['service']), one);
          break;
        case 'weir.subgraph.fetches':
          add(attributes['result'] === 'sent' ? 'sent' : 'saved', one);
          break;
        case 'weir.requests.refused':
          add('refused', one);
          break;
        case 'weir.response_cache.requests':
          if (attributes['result'] === 'pass') break;
          add('lookups', one);
          if (isHit(attributes['result'])) add('hits', one);
          break;
        case 'weir.cache.entities':
          add('entityLookups', one);
          if (isHit(attributes['result'])) add('entityHits', one);
          break;
        case 'http.client.request.duration': {
          const failed = attributes['error.type'] === undefined ? 0 : one[0]!;
          addTo(tables.services, key(attributes['subgraph']), [failed, ...numbers]);
          break;
        }
        case 'weir.graphql.operation.duration': {
          const { 'graphql.operation.type': type, 'graphql.operation.name': operation } = attributes;
          addTo(tables.operations, key(type, operation), numbers);
          break;
        }
        case 'weir.client.requests':
          addTo(tables.clients, key(attributes['client.name'], attributes['client.version']), one);
          break;
        case 'weir.requests.waiting':
          levels.waiting += one[0]!;
          break;
        case 'weir.subscriptions.active':
          levels.streams += one[0]!;
          break;
        default:
          read satisfies never;
      }
    }
  }
  return { totals: all, tables, levels };
}

const isHit = (result: unknown): boolean => result === 'hit' || result === 'stale';

export const emptyTables = (): Record<TableName, Sums> => ({
  codes: new Map(),
  services: new Map(),
  operations: new Map(),
  clients: new Map(),
});

/** What was counted between two moments. Names without a count are left out. */
export function between(before: Counters, after: Counters): Counters {
  const tables = emptyTables();
  for (const name of tableNames) tables[name] = since(before.tables[name], after.tables[name]);
  return { totals: since(before.totals, after.totals), tables };
}

function since(before: Sums, after: Sums): Sums {
  const counted: Sums = new Map();
  for (const [name, numbers] of after) {
    const earlier = before.get(name);
    // A series that was removed, and came again, begins at 0.
    const isNew = earlier === undefined || sumOf(numbers) < sumOf(earlier);
    const difference = isNew ? numbers : numbers.map((each, i) => each - earlier[i]!);
    if (difference.some((each) => each !== 0)) counted.set(name, difference);
  }
  return counted;
}

/** Adds what several periods, or several workers, have counted. */
export function addUp(all: Iterable<Counters>): Counters {
  const sum: Counters = { totals: new Map(), tables: emptyTables() };
  for (const { totals: more, tables } of all) {
    addAll(sum.totals, more);
    for (const name of tableNames) addAll(sum.tables[name], tables[name]);
  }
  return sum;
}

export function addAll(sums: Sums, more: Sums): void {
  for (const [name, numbers] of more) addTo(sums, name, numbers);
}

function addTo(sums: Sums, name: string, numbers: readonly number[]): void {
  const before = sums.get(name);
  sums.set(name, before === undefined ? numbers : before.map((each, i) => each + numbers[i]!));
}

export const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

/**
 * The value below which a share of all values is, in milliseconds: values are taken to be spread evenly in their bucket, as
 * Prometheus does. Above the last boundary it is the last boundary. Null without values.
 *
 * @param boundaries in seconds
 * @param share from 0 to 1
 */
export function percentile(
  boundaries: readonly number[],
  buckets: readonly number[],
  share: number,
): number | null {
  const all = sumOf(buckets);
  if (all === 0) return null;
  const rank = share * all;
  let below = 0;
  for (const [i, count] of buckets.entries()) {
    if (count > 0 && below + count >= rank) {
      const [from, to] = [boundaries[i - 1] ?? 0, boundaries[i]];
      if (to === undefined) return from * 1000;
      return round((from + (to - from) * ((rank - below) / count)) * 1000);
    }
    below += count;
  }
  return boundaries.at(-1)! * 1000;
}

/** Rounds to a hundredth. */
export const round = (value: number): number => Math.round(value * 100) / 100;
