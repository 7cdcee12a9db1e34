import type { RegistryReader } from '../../schema/registry/reader';
import type { UsageSegment } from '../../schema/registry/usage-log';
import type { Version } from '../../schema/registry/version';

/** What a registry knows of the supergraph that runs, as plain data: it crosses threads. */
export interface RegistryFacts {
  readonly version: Pick<Version, 'number' | 'at'> | undefined;
  /** The last version that ran before, and its supergraph; undefined where there is none. */
  readonly before: { readonly number: number; readonly supergraphSdl: string } | undefined;
  /** What clients have sent in the last {@link usageWindow} days, or in more if more are needed. */
  readonly usage: {
    /** On how many days requests must have been counted before a field may be deleted. */
    readonly minimumDays: number;
    readonly segments: readonly UsageSegment[];
    readonly operations: ReadonlyMap<string, string>;
  };
}

/** Days of usage that are considered, as `weir check` does by default. */
export const usageWindow = 30;

/** @param running the number of the version that runs; undefined if it is in no registry */
export async function readRegistryFacts(
  reader: RegistryReader,
  running: number | undefined,
  minimumDays: number,
): Promise<RegistryFacts> {
  const since = new Date(Date.now() - Math.max(usageWindow, minimumDays) * 86_400_000);
  const [usage, versions] = await Promise.all([
    reader.usage.read(since),
    running === undefined ? undefined : readVersions(reader, running),
  ]);
  return { version: versions?.version, before: versions?.before, usage: { ...usage, minimumDays } };
}

async function readVersions(reader: RegistryReader, running: number) {
  // After a rejected version, the gateway runs what it ran before.
  const version = await reader.lastRun(running);
  const before = version && (await reader.lastRun(version.number - 1));
  return {
    version,
    before: before && { number: before.number, supergraphSdl: await reader.supergraph(before) },
  };
}
