import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { openFolderStore, openS3Store, type SnapshotStore } from '../../cli/recovery/snapshot-store';
import { motoPython, sayWithoutMoto, startMoto } from './moto';

/** A place for the stores of a test file. */
interface SnapshotPlace {
  open(): Promise<SnapshotStore>;
  stop(): Promise<void>;
}

sayWithoutMoto('snapshots in S3');

const folder = {
  name: 'a folder',
  implementation: openFolderStore,
  start(): Promise<SnapshotPlace> {
    const root = mkdtempSync(join(tmpdir(), 'weir-snapshots-'));
    return Promise.resolve({
      open: () => openFolderStore(join(root, 'deep', 'down')),
      stop() {
        rmSync(root, { recursive: true });
        return Promise.resolve();
      },
    });
  },
};

const bucket = {
  name: 'S3',
  implementation: openS3Store,
  async start(): Promise<SnapshotPlace> {
    const moto = await startMoto();
    const before = process.env;
    process.env = { ...before, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const s3 = new S3({ ...moto.config, forcePathStyle: true });
    await s3.createBucket({ Bucket: 'rehearsals' });
    await s3.putObject({ Bucket: 'rehearsals', Key: 'ours/other', Body: 'of somebody else' });
    s3.destroy();
    const url = `s3://rehearsals/ours?region=us-east-1&endpoint=${encodeURIComponent(moto.url)}`;
    return {
      open: () => openS3Store(url),
      async stop() {
        process.env = before;
        await moto.stop();
      },
    };
  },
};

/** Those that can run here. */
export const testedSnapshotStores = motoPython === undefined ? [folder] : [folder, bucket];
export const snapshotStores = [folder, bucket].map(({ implementation }) => implementation);
