import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type AuditDestination, TrailTaken } from '../../telemetry/audit/destinations';

interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Of this opening of the file. */
  readonly id: string;
}

/** The lock of an audit trail in a file: `FILE.lock` names its writer. */
export interface TrailLock {
  /** Rejects with {@link TrailTaken} once another process has the lock. */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Locks a file for one writer. A lock whose process has ended is taken over. Rejects with {@link TrailTaken} if there is
 * another writer.
 */
export async function lockTrail(file: string): Promise<TrailLock> {
  const path = `${file}.lock`;
  const own: LockOwner = { pid: process.pid, host: hostname(), id: randomUUID() };
  const text = JSON.stringify(own);
  for (;;) {
    try {
      await writeFile(path, text, { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = await readOwner(path);
    if (owner !== undefined && isAtWork(owner, own))
      throw new TrailTaken(
        `process ${owner.pid} on ${owner.host} writes to it; if that is another program, remove ${path}`,
      );
    await rm(path, { force: true });
  }
  const isOwn = async (): Promise<boolean> => (await readFile(path, 'utf8').catch(() => '')) === text;
  return {
    async check() {
      if (!(await isOwn())) throw new TrailTaken();
    },
    async release() {
      if (await isOwn()) await rm(path, { force: true });
    },
  };
}

/** The destination, which looks at its lock before each write. */
export function withLock<Destination extends AuditDestination>(
  destination: Destination,
  lock: TrailLock,
): Destination {
  return {
    ...destination,
    async write(lines, before) {
      await lock.check();
      await destination.write(lines, before);
    },
    async close() {
      await destination.close();
      await lock.release();
    },
  };
}

/** Undefined where there is none any more, or it is not written yet. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  } catch {
    return undefined;
  }
}

/** Nobody can see from here whether a process of another machine is at work. */
function isAtWork({ pid, host }: LockOwner, own: LockOwner): boolean {
  if (host !== own.host) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
