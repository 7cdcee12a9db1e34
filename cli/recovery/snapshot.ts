import { createHash } from 'node:crypto';
import type { SnapshotStore } from './snapshot-store';
import type { ArchivedEvent, Item, RehearsalStore } from './store-process';

/** `manifest.json`: written last, so a snapshot without one is not complete. */
export interface Manifest {
  readonly version: number;
  /** ISO 8601, UTC: when it was begun. */
  readonly begunAt: string;
  /** The position of the archive before it; '' for the beginning. All that was archived by then is in the snapshot. */
  readonly position: string;
  readonly parts: readonly SnapshotPart[];
}

export interface SnapshotPart {
  readonly name: string;
  readonly table: string;
  readonly items: number;
  /** Of the part's bytes, in hex. */
  readonly sha256: string;
}

/** Dumps all tables, one after the other, while writes go on. */
export async function takeSnapshot(
  store: RehearsalStore,
  to: SnapshotStore,
  position: string,
): Promise<Manifest> {
  const begunAt = new Date().toISOString();
  const parts: SnapshotPart[] = [];
  for (const table of store.names) {
    for await (const items of store.dump(table)) {
      if (items.length === 0) continue;
      const text = items.map((item) => `${JSON.stringify(item)}\n`).join('');
      const name = `part-${String(parts.length + 1).padStart(5, '0')}.jsonl`;
      await to.write(name, text);
      parts.push({ name, table, items: items.length, sha256: sha256Of(text) });
    }
  }
  const manifest: Manifest = { version, begunAt, position, parts };
  await to.write(manifestName, `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

export interface RestoredSnapshot {
  /** As the manifest says; '' if it cannot be read: then the archive has all. */
  readonly position: string;
  readonly items: number;
  /** A sentence for each part that is missing or damaged, and was left out. */
  readonly problems: readonly string[];
}

/** Writes a snapshot into empty tables. */
export async function restoreSnapshot(from: SnapshotStore, store: RehearsalStore): Promise<RestoredSnapshot> {
  const problems: string[] = [];
  const manifest = readManifest(await from.read(manifestName));
  if (typeof manifest === 'string') return { position: '', items: 0, problems: [manifest] };
  const { position, begunAt, parts } = manifest;
  let restored = 0;
  let isLogWhole = true;
  for (const { name, table, items, sha256 } of parts) {
    const text = await from.read(name);
    const isLog = table === store.names.at(-1);
    if (text === undefined || sha256Of(text) !== sha256) {
      const fact = text === undefined ? 'is missing' : `is damaged: its SHA-256 is not ${sha256}`;
      problems.push(`${name} of the snapshot, ${items} items of ${table}, ${fact}.`);
      isLogWhole &&= !isLog;
      continue;
    }
    const read = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Item);
    if (!isLog) await store.put(table, read);
    else if (isLogWhole)
      await store.restore(
        read.map((each) => eventOf(each, begunAt)),
        position,
      );
    restored += items;
  }
  return { position, items: restored, problems };
}

/** When an event of a snapshot was logged is not known: it may be told again to those who ask for events since a time. */
const eventOf = (item: Item, begunAt: string): ArchivedEvent =>
  ({ ...item, at: Date.parse(begunAt) }) as unknown as ArchivedEvent;

/** A sentence if there is none that can be read. */
function readManifest(text: string | undefined): Manifest | string {
  if (text === undefined) return `The snapshot has no ${manifestName}.`;
  try {
    const manifest = JSON.parse(text) as Partial<Manifest>;
    if (manifest.version === version && Array.isArray(manifest.parts)) return manifest as Manifest;
  } catch {
    // It is said below.
  }
  return `${manifestName} of the snapshot is damaged.`;
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
const manifestName = 'manifest.json';
/** Of the form of the manifest and its parts. */
const version = 1;
