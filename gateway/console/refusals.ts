import type { Span } from '../telemetry/traces/span';
import type { Removals } from '../supergraph/removed-names';
import type { RefusalGroup, RefusalReasons } from './api';
import { summaryOf } from './summary';

/** Groups the recorded requests that were refused by their clients and reasons. @param log the newest first */
export function groupRefusals(log: Iterable<Span>): RefusalReasons {
  const groups = new Map<string, RefusalGroup>();
  let since: number | null = null;
  for (const first of log) {
    const { trace } = first;
    if (trace.notes?.isFailure !== true) continue;
    since = trace.timeOf(first.start);
    if (trace.notes.refusals === undefined) continue;
    const { id, at, client, operation, refused = [] } = summaryOf(first);
    const operations = operation?.name == null ? [] : [operation.name];
    for (const { line: _line, column: _column, ...reason } of refused)
      add(groups, { ...reason, ...(client && { client }), count: 1, operations, last: at, example: id });
  }
  return { since, groups: mostFrequent(groups) };
}

/** The groups of several processes together. */
export function mergeRefusals(all: readonly RefusalReasons[]): RefusalReasons {
  const groups = new Map<string, RefusalGroup>();
  for (const each of all) for (const group of each.groups) add(groups, group);
  const times = all.flatMap(({ since }) => since ?? []);
  return { since: times.length === 0 ? null : Math.min(...times), groups: mostFrequent(groups) };
}

/** Adds the version of the supergraph in which a requested coordinate was removed, where that is known. */
export function withRemovals(refusals: RefusalReasons, removals: Removals): RefusalReasons {
  const versions = new Map(removals);
  const groups = refusals.groups.map((group) => {
    const removedIn = group.coordinate === undefined ? undefined : versions.get(group.coordinate);
    return removedIn === undefined ? group : { ...group, removedIn };
  });
  return { ...refusals, groups };
}

function add(groups: Map<string, RefusalGroup>, group: RefusalGroup): void {
  const { client, code, message } = group;
  const key = JSON.stringify([client?.name, client?.version, code, message]);
  const other = groups.get(key);
  if (other === undefined) {
    groups.set(key, group);
    return;
  }
  const operations = [...new Set([...other.operations, ...group.operations])].sort().slice(0, mostOperations);
  const newer = other.last >= group.last ? other : group;
  groups.set(key, { ...newer, operations, count: other.count + group.count });
}

const mostFrequent = (groups: ReadonlyMap<string, RefusalGroup>): RefusalGroup[] =>
  [...groups.values()]
    .sort((one, other) => other.count - one.count || other.last - one.last)
    .slice(0, mostGroups);

const mostOperations = 5;
const mostGroups = 100;
