import type { RegistryReader } from '../../schema/registry/reader';
import { inSchemaThread } from './describe-supergraph';

/** A version of a supergraph, as plain data: it crosses threads. */
export interface VersionedSupergraph {
  readonly number: number;
  readonly supergraphSdl: string;
}

/** Schema coordinates that the running version does not have, each with the version that has removed it. */
export type Removals = readonly (readonly [coordinate: string, version: number])[];

/** Finds which of these coordinates an earlier version had. */
export type FindRemovals = (coordinates: readonly string[]) => Promise<Removals>;

/** @param open resolves with the registry, and the number of the version that runs; undefined if it is in no registry */
export function findRemovals(
  open: () => Promise<{ readonly reader: RegistryReader; readonly running: number | undefined }>,
): FindRemovals {
  /** Of the version that runs. */
  let known: { readonly running: number; readonly removed: Promise<ReadonlyMap<string, number>> } | undefined;
  return async (coordinates) => {
    const { reader, running } = await open();
    if (running === undefined) return [];
    if (known?.running !== running) known = { running, removed: readRemoved(reader, running) };
    const { removed } = known;
    // The next one reads it again.
    removed.catch(() => (known = undefined));
    const found = await removed;
    return coordinates.flatMap((coordinate) => {
      const version = found.get(coordinate);
      return version === undefined ? [] : [[coordinate, version] as const];
    });
  };
}

async function readRemoved(reader: RegistryReader, running: number): Promise<ReadonlyMap<string, number>> {
  const newest = (await reader.newest()).number;
  const history = await reader.history(Math.min(newest - running + 1 + mostVersions, mostRead));
  const versions: VersionedSupergraph[] = [];
  let later: string | undefined;
  // Of versions with an equal supergraph the first one, which has made it.
  for (const version of history.filter(({ number }) => number <= running)) {
    if (version.supergraph === undefined) continue;
    const supergraphSdl =
      version.supergraph === later ? versions.pop()!.supergraphSdl : await reader.supergraph(version);
    versions.push({ number: version.number, supergraphSdl });
    later = version.supergraph;
  }
  return new Map(await inSchemaThread<Removals>({ versions }));
}

/** Versions before the one that runs. */
const mostVersions = 20;
const mostRead = 200;
