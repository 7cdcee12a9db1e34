import type { RegistryHistory } from '../supergraph/registry-history';
import type { LoadHistory } from '../telemetry/load-history';
import { askSeldom } from './operators';
import type {
  RunningVersion,
  ShownLoad,
  VersionDifference,
  VersionHistory,
  VersionsView,
} from './versions-api';

/** What processes have loaded, as plain data: it crosses processes. */
export interface LoadParts {
  /** Those that run, in order of their hashes. */
  readonly running: readonly (Required<Pick<RunningVersion, 'supergraph' | 'processes'>> &
    Pick<RunningVersion, 'since'>)[];
  /** The newest first. */
  readonly loads: readonly ShownLoad[];
}

export const loadParts = ({ running, all }: Pick<LoadHistory, 'running' | 'all'>): LoadParts => ({
  running: running === undefined ? [] : [{ ...running, processes: 1 }],
  loads: all,
});

/** What the processes of a gateway have loaded together: what several did within ten seconds is one load. */
export function mergeLoads(parts: readonly LoadParts[]): LoadParts {
  const running = new Map<string, LoadParts['running'][number]>();
  for (const each of parts.flatMap((part) => part.running)) {
    const known = running.get(each.supergraph);
    running.set(each.supergraph, {
      supergraph: each.supergraph,
      processes: each.processes + (known?.processes ?? 0),
      since: Math.min(each.since, known?.since ?? Infinity),
    });
  }
  const loads: ShownLoad[] = [];
  for (const load of newestFirst(parts.flatMap((part) => part.loads))) {
    const same = loads.findIndex((other) => other.at - load.at < together && isAlike(other, load));
    const known = loads[same];
    if (known === undefined) loads.push(load);
    else loads[same] = { ...known, processes: (known.processes ?? 1) + (load.processes ?? 1) };
  }
  return {
    running: [...running.values()].sort((a, b) => (a.supergraph < b.supergraph ? -1 : 1)),
    loads: loads.slice(0, mostLoads),
  };
}

const isAlike = (one: ShownLoad, other: ShownLoad): boolean => identityOf(one) === identityOf(other);

const identityOf = ({ what, result, supergraph, changed, reason }: ShownLoad): string =>
  JSON.stringify([what, result, supergraph, changed, reason]);

const newestFirst = (loads: readonly ShownLoad[]): ShownLoad[] => [...loads].sort((a, b) => b.at - a.at);

/** Milliseconds. */
const together = 10_000;
const mostLoads = 50;

/** Where the supergraphs of a gateway come from, and what their registry has, as plain data. */
export interface VersionSource {
  readonly source: string;
  /** Undefined without a registry, and while it does not answer. */
  readonly history?: VersionHistory | undefined;
  /** Why there is none, in sentences. */
  readonly troubles: readonly string[];
}

/** What the source of supergraphs is called, and the versions of its registry; undefined without one. */
export interface SupergraphOrigin {
  readonly source: string;
  readonly history: RegistryHistory | undefined;
}

/** Reads the registry at most every four seconds, and only while somebody looks. Never rejects. */
export function versionSource(current: () => SupergraphOrigin): () => Promise<VersionSource> {
  const ask = askSeldom(readVersions, { period: 4_000 });

  async function readVersions(): Promise<VersionSource> {
    const { source, history } = current();
    try {
      return { source, history: await history?.versions(), troubles: [] };
    } catch (error) {
      return { source, troubles: [unreadable(error)] };
    }
  }

  return async () =>
    (await ask()) ?? { source: current().source, troubles: ['The registry has not answered yet.'] };
}

/** A difference, or why it cannot be found: workers send data to each other, and no errors. */
export type FoundDifference = VersionDifference | { readonly trouble: string };

/** Undefined if there is no registry, or no such version. Never rejects. */
export async function differenceIn(
  { history }: SupergraphOrigin,
  version: number,
): Promise<FoundDifference | undefined> {
  try {
    return await history?.difference(version);
  } catch (error) {
    return { trouble: unreadable(error) };
  }
}

const unreadable = (error: unknown): string => `The registry cannot be read: ${(error as Error).message}`;

/** @param gateways by name; undefined for the only one */
export function describeVersions(
  { source, history, troubles }: VersionSource,
  gateways: readonly (readonly [name: string | undefined, parts: LoadParts])[],
): VersionsView {
  const named = <Row extends object>(
    name: string | undefined,
    rows: readonly Row[],
    as: 'name' | 'gateway',
  ) => rows.map((row) => ({ ...row, ...(name !== undefined && { [as]: name }) }));
  return {
    ...{ source, troubles },
    ...(history && { registry: { versions: history.versions, hasMore: history.hasMore } }),
    gateways: history?.gateways ?? gateways.flatMap(([name, { running }]) => named(name, running, 'name')),
    loads: newestFirst(gateways.flatMap(([name, { loads }]) => named(name, loads, 'gateway'))).slice(
      0,
      mostLoads,
    ),
  };
}
