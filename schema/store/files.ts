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
 * A registry in a folder. The folder may be shared: any file system with hard links and rename works, also NFS and EFS.
 *
 * An item is a file `SORT.REVISION`, or `SORT.0.EXPIRES` if it expires. A new revision is a hard link, which the system
 * creates for one writer only. Earlier revisions are truncated and not removed, as a delayed writer could otherwise
 * create one of them again.
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
  { expected, expires }: PutOptions = {},
): Promise<boolean> {
  const place = join(folder, key.partition);
  await mkdir(place, { recursive: true });
  const draft = await writeDraft(place, value);
  if (expected === undefined) {
    const name = expires === undefined ? `${key.sort}.0` : `${key.sort}.0.${expires}`;
    await rename(draft, join(place, name));
    if (expires !== undefined) await removeEarlier(folder, key, name);
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

/** Removes files of the same item that expire earlier. A reader that sees both takes the later one. */
async function removeEarlier(folder: string, { partition, sort }: Key, kept: string): Promise<void> {
  const place = join(folder, partition);
  const names = (await readdir(place)).filter((name) => name !== kept && name.startsWith(`${sort}.0.`));
  await Promise.all(names.map((name) => rm(join(place, name), { force: true })));
}

/** Writes a file completely to the disk before it gets its name. */
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
  const newest = newestFiles(await readFiles(folder, partition));
  const sorts = [...newest.keys()].filter((sort) => sort.startsWith(prefix)).sort();
  if (newestFirst) sorts.reverse();
  const items = await Promise.all(
    sorts.slice(0, limit).map((sort) => readItem(folder, partition, newest.get(sort)!)),
  );
  return items.filter((item) => item !== undefined);
}

async function readNewest(folder: string, { partition, sort }: Key): Promise<Item | undefined> {
  const newest = newestFiles(await readFiles(folder, partition)).get(sort);
  return newest === undefined ? undefined : readItem(folder, partition, newest);
}

async function readItem(folder: string, partition: string, file: ItemFile): Promise<Item | undefined> {
  const { name, sort, revision } = file;
  const value = await readFile(join(folder, partition, name)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  // The file was truncated by a writer two revisions later, or replaced by one that expires later: read again.
  const isGone = value === undefined || (value.length === 0 && revision > 0);
  return isGone ? readNewest(folder, { partition, sort }) : { sort, value, revision };
}

interface ItemFile {
  readonly name: string;
  readonly sort: string;
  readonly revision: number;
  /** Unix seconds. */
  readonly expires: number;
}

function toItemFile(name: string): ItemFile {
  const [sort = '', revision, expires = Infinity] = name.split('.');
  return { name, sort, revision: Number(revision), expires: Number(expires) };
}

function newestFiles(files: readonly ItemFile[]): Map<string, ItemFile> {
  const newest = new Map<string, ItemFile>();
  for (const file of files) {
    const other = newest.get(file.sort);
    if (
      other === undefined ||
      file.revision > other.revision ||
      (file.revision === other.revision && file.expires > other.expires)
    )
      newest.set(file.sort, file);
  }
  return newest;
}

/** The complete files of a partition. Removes expired items, and old drafts of writers that were killed. */
async function readFiles(folder: string, partition: string): Promise<ItemFile[]> {
  const place = join(folder, partition);
  const entries = await readdir(place, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const drafts = names.filter((name) => name.startsWith('.'));
  const files = names.filter((name) => !name.startsWith('.')).map(toItemFile);
  const isExpired = ({ expires }: ItemFile) => expires * 1000 <= Date.now();
  await Promise.all([
    ...drafts.map((name) => removeOld(join(place, name))),
    ...files.filter(isExpired).map(({ name }) => rm(join(place, name), { force: true })),
  ]);
  return files.filter((file) => !isExpired(file));
}

const draftLifetime = 3_600_000;

async function removeOld(draft: string): Promise<void> {
  const status = await stat(draft).catch(() => undefined);
  if (status !== undefined && Date.now() - status.mtimeMs > draftLifetime) await rm(draft, { force: true });
}

async function guard<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new StoreError(`The registry in ${folder} cannot be used: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
