import { LRUCache } from 'lru-cache';
import type { Problem } from '../../schema/composition/problem';
import type { GatewayReport } from '../../schema/registry/gateway-reports';
import type { RegistryReader } from '../../schema/registry/reader';
import { describeChanges, type Version } from '../../schema/registry/version';
import type { RunningVersion, VersionDifference, VersionHistory } from '../console/versions-api';
import { inSchemaThread } from './describe-supergraph';

/** What the console shows of the versions in a registry. */
export interface RegistryHistory {
  /** Rejects if the registry cannot be read. */
  readonly versions: () => Promise<VersionHistory>;
  /** Resolves with undefined if there is no such version; rejects if the registry cannot be read. */
  readonly difference: FindDifference;
}

export type FindDifference = (version: number) => Promise<VersionDifference | undefined>;

export function registryHistory(open: () => Promise<RegistryReader>): RegistryHistory {
  // Versions never change.
  const known = new LRUCache<number, Promise<VersionDifference | undefined>>({ max: mostDifferences });
  return {
    async versions() {
      const reader = await open();
      const [found, reports] = await Promise.all([readVersions(reader), reader.gateways.running()]);
      return {
        versions: found.slice(0, mostVersions).map(describeVersion),
        hasMore: found.length > mostVersions,
        gateways: reports.map(describeReport),
      };
    },
    difference(version) {
      let found = known.get(version);
      if (found === undefined) {
        found = open().then((reader) => readDifference(reader, version));
        known.set(version, found);
        found.then(
          (difference) => difference ?? known.delete(version),
          () => known.delete(version),
        );
      }
      return found;
    },
  };
}

const mostVersions = 50;
const mostDifferences = 100;

/** One more than are shown, if there are so many. None before the first. */
const readVersions = async (reader: RegistryReader): Promise<readonly Version[]> =>
  (await reader.current()) === undefined ? [] : reader.history(mostVersions + 1);

const describeVersion = (version: Version): VersionHistory['versions'][number] => ({
  ...{ number: version.number, kind: version.kind, at: Date.parse(version.at), by: version.by },
  ...(version.commit !== undefined && { commit: version.commit }),
  changes: describeChanges(version),
});

const describeReport = (report: GatewayReport): RunningVersion => ({
  ...{ name: report.id, since: Date.parse(report.startedAt) },
  ...(report.version !== undefined && { version: report.version }),
  ...(report.supergraph !== undefined && { supergraph: report.supergraph.slice(0, 12) }),
  ...(report.pinned !== undefined && { pinned: report.pinned }),
  ...(report.refused && { refused: report.refused }),
});

async function readDifference(
  reader: RegistryReader,
  number: number,
): Promise<VersionDifference | undefined> {
  const newest = await reader.current();
  if (newest === undefined || number > newest.number) return undefined;
  const version = await reader.version(number);
  const errors = (await reader.errors(version)).map(describeProblem);
  const before = await reader.lastRun(number - 1);
  const from = before && { before: before.number };
  if (version.kind === 'rejected' || version.supergraph === undefined || before === undefined)
    return { ...from, changes: [], errors };
  const changes =
    before.supergraph === version.supergraph
      ? []
      : await inSchemaThread<VersionDifference['changes']>({
          supergraphs: [await reader.supergraph(before), await reader.supergraph(version)],
        });
  return { ...from, changes, errors };
}

/** Such as `EXTERNAL_MISSING_ON_BASE: …, at shop@prod/reviews.graphql:3`. */
function describeProblem({ code, message, locations: [location] }: Problem): string {
  return `${code}: ${message}${location === undefined ? '' : ` (${location.file}:${location.line})`}`;
}
