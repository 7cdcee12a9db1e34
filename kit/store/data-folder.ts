import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../serve/start-error';

/** The owner of a data folder: this process, until it calls `release`, or another one, which answers at `endpoint`. */
export type Claim =
  | {
      readonly kind: 'owned';
      /** The port of the last owner, which died without releasing the folder: clients may still try it. */
      readonly lastPort: number | undefined;
      /** Writes this process's endpoint to the lock file. */
      announce(endpoint: string): Promise<void>;
      release(): Promise<void>;
    }
  | { readonly kind: 'taken'; readonly endpoint: string };

interface Lock {
  readonly pid: number;
  readonly endpoint?: string;
}

const patienceMilliseconds = 3000;

/**
 * Claims a data folder, or finds its owner. A lock file names the owner and its endpoint; one that is left over from a
 * process that died is taken over. Throws a {@link StartError} when somebody holds the folder and does not answer.
 */
export async function claimFolder(folder: string): Promise<Claim> {
  const path = join(folder, 'weir.lock');
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    if (await createExclusively(path, lockText({ pid: process.pid }))) return own(folder, path, deadline);

    const lock = await readLock(path);
    const state = lock?.endpoint === undefined ? 'silent' : await probe(lock.endpoint);
    if (lock?.endpoint !== undefined && state === 'answers')
      return { kind: 'taken', endpoint: lock.endpoint };
    // A running process with this id may be another program by now. An unanswered port is better evidence.
    const abandoned = lock && (!isAlive(lock.pid) || state === 'refuses');
    if (abandoned && (await takeOver(path, lock))) return own(folder, path, deadline, lock);
    if (Date.now() > deadline) {
      const holder = lock ? `process ${lock.pid}` : 'another process';
      throw new StartError(`The data folder ${folder} is in use by ${holder}, which does not answer.`);
    }
    await sleep(50);
  }
}

/**
 * This process holds the lock. Only now may it open the files to test them: before, that could disturb a process that
 * takes the folder over.
 */
async function own(folder: string, path: string, deadline: number, last?: Lock): Promise<Claim> {
  let text = lockText({ pid: process.pid });
  async function release(): Promise<void> {
    // Another process may own it by now.
    if ((await readFile(path, 'utf8').catch(() => '')) === text) await rm(path, { force: true });
  }
  try {
    // The last owner may still be closing its files. A program that ignores our lock file may have them open, too;
    // dynalite would crash then.
    while (await isOpenElsewhere(folder)) {
      if (Date.now() > deadline) {
        throw new StartError(
          `The data folder ${folder} is in use by another process; stop it, or choose another folder.`,
        );
      }
      await sleep(50);
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    kind: 'owned',
    lastPort: last?.endpoint === undefined ? undefined : portOf(last.endpoint),
    async announce(endpoint) {
      text = lockText({ pid: process.pid, endpoint });
      await replace(path, text);
    },
    release,
  };
}

async function createExclusively(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new StartError(`The lock file ${path} cannot be written: ${(error as Error).message}`);
  }
}

/** Writes a file atomically: readers see the old text or the new text, never a part. */
async function replace(path: string, text: string): Promise<void> {
  const next = `${path}.${process.pid}`;
  await writeFile(next, text);
  await rename(next, path);
}

/** Takes an abandoned lock over. Of several processes that try, one succeeds. */
async function takeOver(path: string, abandoned: Lock): Promise<boolean> {
  const turn = `${path}.turn`;
  if (!(await createExclusively(turn, String(process.pid)))) {
    // The holder needs some milliseconds. An older one was killed meanwhile.
    const age = Date.now() - (await stat(turn).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > patienceMilliseconds / 2) await rm(turn, { force: true });
    return false;
  }
  try {
    const lock = await readLock(path);
    if (lock?.pid !== abandoned.pid || lock.endpoint !== abandoned.endpoint) return false;
    await replace(path, lockText({ pid: process.pid }));
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}

async function readLock(path: string): Promise<Lock | undefined> {
  try {
    const lock = JSON.parse(await readFile(path, 'utf8')) as Partial<Lock>;
    return typeof lock.pid === 'number' ? (lock as Lock) : undefined;
  } catch {
    // The file was removed, or is not written yet.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `answers`: dynalite. `refuses`: nothing listens, or another program. `silent`: no answer within a second. */
export async function probe(endpoint: string): Promise<'answers' | 'refuses' | 'silent'> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(1000) });
    return (await response.text()).startsWith('healthy: dynamodb') ? 'answers' : 'refuses';
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    return cause?.code === 'ECONNREFUSED' ? 'refuses' : 'silent';
  }
}

/**
 * Tries LevelDB's own lock, which the system releases when its process dies. When the lock is free, repairs the tables
 * that a killed process left half-made.
 */
async function isOpenElsewhere(folder: string): Promise<boolean> {
  const { Level } = await import('level');
  const level = new Level<string, StoredTable>(folder, { valueEncoding: 'json' });
  try {
    await level.open();
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    if (code === 'LEVEL_LOCKED') return true;
    throw new StartError(`The data in ${folder} cannot be read: ${message}`);
  }
  // After a restart dynalite does not go on with a table that was in `CREATING`.
  for await (const [key, table] of level.iterator({ gte: 'table~', lt: 'table~~' })) {
    if (table.TableStatus !== 'CREATING') continue;
    const indexes = table.GlobalSecondaryIndexes?.map((index) => ({ ...index, IndexStatus: 'ACTIVE' }));
    await level.put(key, {
      ...table,
      TableStatus: 'ACTIVE',
      ...(indexes && { GlobalSecondaryIndexes: indexes }),
    });
  }
  await level.close();
  return false;
}

/** A table's description as dynalite keeps it, under `table~` and its name. */
interface StoredTable {
  readonly TableStatus: string;
  readonly GlobalSecondaryIndexes?: readonly object[];
}

function lockText(lock: Lock): string {
  return JSON.stringify(lock);
}

export function portOf(endpoint: string): number {
  return Number(new URL(endpoint).port);
}
