import { randomUUID } from 'node:crypto';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  truncate,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
    delete: (key, options) => guard(folder, () => deleteItem(folder, key, options)),
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
  if (expected > 1) await truncateIfThere(join(place, `${key.sort}.${expected - 1}`));
  return true;
}

/** Who deletes the item at the same moment may be faster. */
async function truncateIfThere(file: string): Promise<void> {
  await truncate(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}

/** Removes the earliest revision first, so that whoever is killed leaves the newest one. Then removes empty folders. */
async function deleteItem(
  folder: string,
  { partition, sort }: Key,
  { expected = Infinity }: Pick<PutOptions, 'expected'> = {},
): Promise<boolean> {
  const all = (await readFiles(folder, partition)).filter((file) => file.sort === sort);
  if (all.some(({ revision }) => revision > expected)) return false;
  all.sort((a, b) => a.revision - b.revision || a.expires - b.expires);
  for (const { name } of all) await rm(join(folder, partition, name), { force: true });
  await removeEmptyFolders(folder, partition);
  return true;
}

/** Removes the folder of a partition, and those around it, up to the first that is not empty. */
async function removeEmptyFolders(folder: string, partition: string): Promise<void> {
  for (let empty = partition; empty !== '.'; empty = dirname(empty)) {
    const isRemoved = await rmdir(join(folder, empty)).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
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
  const file = await createDraft(place, draft);
  try {
    await file.writeFile(value);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

/** A folder may be removed as empty until it has the draft. */
async function createDraft(place: string, draft: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(place, { recursive: true });
    try {
      return await open(draft, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 10) throw error;
    }
  }
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
  const left = files.filter((file) => !isExpired(file));
  if (left.length === 0) await removeEmptyFolders(folder, partition);
  return left;
}

/** Shorter than the hour after which the store is searched again for what a preview has left. */
const draftLifetime = 600_000;

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
