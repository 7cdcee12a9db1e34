import type { Distribution, OperationFacts, OperationsReport } from './api';
import { percentile, round } from './figures';
import {
  column,
  type CountedOperationFigures,
  durationBoundaries,
  mostClients,
  type OperationParts,
  periodLength,
  type Range,
  ranges,
} from './operation-figures';

/** What several processes have counted together. */
export function mergeOperations(parts: readonly OperationParts[], range: Range): OperationParts {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError('There is no process to merge.');
  if (others.length === 0) return first;
  const newest = Math.max(...parts.map((each) => each.newest));
  const operations = new Map<string, CountedOperationFigures>();
  for (const part of parts)
    for (const each of part.operations) {
      const moved = { ...each, trend: later(each.trend, newest - part.newest) };
      const before = operations.get(each.key);
      operations.set(each.key, before === undefined ? moved : add(before, moved));
    }
  const oldest = (newest * ranges[range].step - ranges[range].periods + 1) * periodLength;
  const since = Math.min(...parts.map((each) => Math.max(each.since, oldest)));
  return { since, newest, operations: [...operations.values()] };
}

/** A trend that ends so many steps later. */
const later = (trend: readonly number[], steps: number): readonly number[] =>
  steps === 0 ? trend : [...trend, ...new Array<number>(steps).fill(0)].slice(-trend.length);

function add(one: CountedOperationFigures, other: CountedOperationFigures): CountedOperationFigures {
  const clients = one.clients.map((each) => ({ ...each }));
  for (const each of other.clients) {
    const known = clients.find(({ name, version }) => name === each.name && version === each.version);
    if (known === undefined) clients.push({ ...each });
    else known.requests += each.requests;
  }
  const most = clients.sort((a, b) => b.requests - a.requests).slice(0, mostClients);
  return {
    ...one,
    counts: one.counts.map((each, i) => each + other.counts[i]!),
    trend: one.trend.map((each, i) => each + other.trend[i]!),
    clients: most,
    hasMoreClients: one.hasMoreClients || other.hasMoreClients || clients.length > most.length,
  };
}

/** The operations that a gateway shares with others: those with the most failed requests, and the most used. */
export function mostUsed(parts: OperationParts): OperationParts {
  const by = (at: number): CountedOperationFigures[] =>
    [...parts.operations].sort((a, b) => b.counts[at]! - a.counts[at]!).slice(0, mostShared);
  const failed = by(column.failed).filter(({ counts }) => counts[column.failed]! > 0);
  return { ...parts, operations: [...new Set([...failed, ...by(column.requests)])].slice(0, mostShared) };
}

const mostShared = 50;

/** How long the requests of all of them took. */
export function distributionOf({ operations }: OperationParts): Distribution {
  const counts = new Array<number>(durationBoundaries.length + 1).fill(0);
  for (const each of operations) durationsOf(each.counts).forEach((count, i) => (counts[i]! += count));
  return { bounds: durationBoundaries.map((seconds) => round(seconds * 1000)), counts };
}

const durationsOf = (counts: readonly number[]): readonly number[] => counts.slice(column.durations);

/** The page *Operations*. @param at Unix milliseconds */
export function describeOperations(
  { since, operations }: OperationParts,
  range: Range,
  at = Date.now(),
): OperationsReport {
  const facts = operations.map(describe);
  facts.sort((one, other) => other.failed - one.failed || other.requests - one.requests);
  return { at, since, step: ranges[range].step * periodLength, operations: facts };
}

function describe({ counts, clients, id, ...operation }: CountedOperationFigures): OperationFacts {
  const durations = durationsOf(counts);
  const requests = counts[column.requests]!;
  const latency = (share: number): number | null => percentile(durationBoundaries, durations, share);
  return {
    ...operation,
    // Its name finds its requests, unless it was cut.
    id: /^\w+$/.test(operation.name) ? '' : id,
    ...{ requests, failed: counts[column.failed]! },
    ...{ p50: latency(0.5), p95: latency(0.95), p99: latency(0.99) },
    cached: counts[column.cached]! / requests,
    callsPerRequest: round(counts[column.calls]! / requests),
    clients: [...clients].sort((a, b) => b.requests - a.requests),
  };
}
