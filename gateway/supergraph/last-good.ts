import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The last good supergraph on disk, for a start while its source is down. */
export interface LastGood {
  readonly file: string;
  /** Undefined when there is none. */
  read(): Promise<{ readonly supergraphSdl: string; readonly since: Date } | undefined>;
  write(supergraphSdl: string): Promise<void>;
}

export function lastGoodFile(file: string): LastGood {
  return {
    file,
    async read() {
      try {
        const [supergraphSdl, { mtime }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
        return { supergraphSdl, since: mtime };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    // Several gateways may write at once, so each replaces the file atomically.
    async write(supergraphSdl) {
      const draft = `${file}.${randomUUID()}`;
      await mkdir(dirname(file), { recursive: true });
      try {
        await writeFile(draft, supergraphSdl);
        await rename(draft, file);
      } finally {
        await rm(draft, { force: true });
      }
    },
  };
}
