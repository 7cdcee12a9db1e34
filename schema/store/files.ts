import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Item,
  type Key,
  type ListOptions,
  type PutOptions,
  type RegistryStore,
  StoreError,
} from './store';

/**
 * A registry in a folder, which may be shared: any file system with hard links and rename does, NFS and EFS too.
 *
 * An item is a file `SORT.REVISION`. A new revision is a hard link, which the system makes for one writer only. The
 * revisions before it are emptied but stay: were they removed, a writer that slept could make one of them again.
 */
export function filesStore(folder: string): RegistryStore {
  return {
    get: (key) => guard(folder, () => readNewest(folder, key)),
    list: (partition, options) => guard(folder, () => listItems(folder, partition, options)),
    put: (key, value, options) => guard(folder, () => putItem(folder, key, value, options)),
    close: () => Promise.resolve(),
  };
}

async function putItem(
  folder: string,
  key: Key,
  value: Buffer,
  { expected }: PutOptions = {},
): Promise<boolean> {
  const place = join(folder, key.partition);
  await mkdir(place, { recursive: true });
  const draft = await writeDraft(place, value);
  if (expected === undefined) {
    await rename(draft, join(place, `${key.sort}.0`));
    return true;
  }
  try {
    await link(draft, join(place, `${key.sort}.${expected + 1}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  if (expected > 1) await truncate(join(place, `${key.sort}.${expected - 1}`));
  return true;
}

/** A file that is complete on the disk before it gets its name. */
async function writeDraft(place: string, value: Buffer): Promise<string> {
  const draft = join(place, `.${randomUUID()}`);
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(value);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

async function listItems(
  folder: string,
  partition: string,
  { prefix = '', limit = Infinity, newestFirst = false }: ListOptions = {},
): Promise<Item[]> {
  const names = await readNames(folder, partition);
  const sorts = [...new Set(names.map(sortOf))].filter((sort) => sort.startsWith(prefix)).sort();
  if (newestFirst) sorts.reverse();
  const newest = newestRevisions(names);
  const items = await Promise.all(
    sorts.slice(0, limit).map((sort) => readRevision(folder, { partition, sort }, newest.get(sort)!)),
  );
  return items.filter((item) => item !== undefined);
}

async function readNewest(folder: string, key: Key): Promise<Item | undefined> {
  const revision = newestRevisions(await readNames(folder, key.partition)).get(key.sort);
  return revision === undefined ? undefined : readRevision(folder, key, revision);
}

async function readRevision(folder: string, key: Key, revision: number): Promise<Item | undefined> {
  const value = await readFile(join(folder, key.partition, `${key.sort}.${revision}`));
  // It was emptied by a writer that came two revisions later: look again.
  return value.length > 0 || revision === 0 ? { sort: key.sort, value, revision } : readNewest(folder, key);
}

function newestRevisions(names: readonly string[]): Map<string, number> {
  const newest = new Map<string, number>();
  for (const name of names) {
    const sort = sortOf(name);
    newest.set(sort, Math.max(newest.get(sort) ?? 0, Number(name.slice(sort.length + 1))));
  }
  return newest;
}

/** The names of complete files; drafts that a killed writer left are removed when they are old. */
async function readNames(folder: string, partition: string): Promise<string[]> {
  const place = join(folder, partition);
  const entries = await readdir(place, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  await Promise.all(files.filter((name) => name.startsWith('.')).map((name) => removeOld(join(place, name))));
  return files.filter((name) => !name.startsWith('.'));
}

const draftLifetime = 3_600_000;

async function removeOld(draft: string): Promise<void> {
  const status = await stat(draft).catch(() => undefined);
  if (status !== undefined && Date.now() - status.mtimeMs > draftLifetime) await rm(draft, { force: true });
}

const sortOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));

async function guard<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new StoreError(`The registry in ${folder} cannot be used: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
