import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trailInS3 } from '../../gateway/events/archive/archive-bucket';
import { openS3, reasonOf, statusOf } from '../../gateway/net/s3-client';

/** Where archive and snapshot of a rehearsal are: a folder of its own, or a prefix of its own in S3. */
export interface SnapshotStore {
  /** For people, and with a name for the archive. */
  readonly place: string;
  write(name: string, text: string): Promise<void>;
  /** Undefined where there is none of this name. */
  read(name: string): Promise<string | undefined>;
  /** Whether anything is in it. */
  isEmpty(): Promise<boolean>;
  /** Removes all that is in it. */
  clear(): Promise<void>;
  close(): void;
}

/** Makes the folder of a rehearsal. */
export async function openFolderStore(folder: string): Promise<SnapshotStore> {
  const place = join(folder, ownName);
  await mkdir(place, { recursive: true, mode: 0o700 });
  return {
    place,
    write: (name, text) => writeFile(join(place, name), text, { mode: 0o600 }),
    async read(name) {
      try {
        return await readFile(join(place, name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    isEmpty: async () => (await readdir(place)).length === 0,
    async clear() {
      for (const name of await readdir(place)) await rm(join(place, name), { recursive: true });
    },
    close: () => undefined,
  };
}

/** @param url `s3://BUCKET/PREFIX?region=eu-west-1` */
export async function openS3Store(url: string): Promise<SnapshotStore> {
  const place = trailInS3(url, ownName);
  const { hostname: Bucket, pathname, searchParams } = new URL(place);
  const prefix = `${decodeURIComponent(pathname.slice(1))}/`;
  const client = await openS3(searchParams);
  const failure = (error: unknown) =>
    new Error(`s3://${Bucket}/${prefix}: ${reasonOf(error)}`, { cause: error });

  async function list(most = 1000): Promise<string[]> {
    const { Contents = [] } = await client
      .listObjectsV2({ Bucket, Prefix: prefix, MaxKeys: most })
      .catch((error: unknown) => Promise.reject(failure(error)));
    return Contents.map(({ Key }) => Key!);
  }

  return {
    place,
    async write(name, text) {
      await client
        .putObject({ Bucket, Key: prefix + name, Body: text })
        .catch((error: unknown) => Promise.reject(failure(error)));
    },
    async read(name) {
      try {
        const { Body } = await client.getObject({ Bucket, Key: prefix + name });
        return (await Body?.transformToString()) ?? '';
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw failure(error);
      }
    },
    isEmpty: async () => (await list(1)).length === 0,
    async clear() {
      for (let keys = await list(); keys.length > 0; keys = await list()) {
        const Objects = keys.map((Key) => ({ Key }));
        const { Errors = [] } = await client
          .deleteObjects({ Bucket, Delete: { Objects } })
          .catch((error: unknown) => Promise.reject(failure(error)));
        if (Errors.length > 0) throw new Error(`s3://${Bucket}/${Errors[0]!.Key}: ${Errors[0]!.Message}`);
      }
    },
    close: () => client.destroy(),
  };
}

/** Of the folder in which all is that a rehearsal keeps outside of its tables. */
const ownName = 'weir-rehearsal';
