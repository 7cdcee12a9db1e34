import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { continuation, type Link, noHash, readLine } from './record';

/** Where the lines of a trail go. */
export interface AuditDestination {
  /** The record that the next one follows. */
  readonly last: Link;
  /**
   * Resolves when the lines are out of the process: its end does not lose them.
   *
   * @param before the record that the first of them follows
   */
  write(lines: string, before: Link): Promise<void>;
  close(): Promise<void>;
}

/**
 * Appends to a file, which only one process may have; goes on with the chain that is in it. Rejects when it cannot
 * be opened.
 */
export async function openFileDestination(file: string, key: string | undefined): Promise<AuditDestination> {
  const handle = await open(file, 'a+', 0o600);
  const { last, isTorn } = await readEnd(handle, key);
  // Half a line of a process that died must not be taken for the beginning of the next.
  if (isTorn) await handle.write('\n');
  return {
    last: last ?? newChain(),
    async write(lines, before) {
      // It was emptied meanwhile: what was in it stands in another file.
      const isContinued = before.seq > 0 && (await handle.stat()).size === 0;
      await handle.appendFile(isContinued ? continuation(before, key) + lines : lines);
    },
    close: () => handle.close(),
  };
}

/** Writes to standard output, or to a stream of one's own. */
export function openStreamDestination(stream: NodeJS.WritableStream): AuditDestination {
  return {
    last: newChain(),
    write: (text) =>
      new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve()))),
    close: () => Promise.resolve(),
  };
}

const newChain = (): Link => ({ chain: randomUUID(), seq: 0, hash: noHash });

/** The last whole record of a file, if there is one, and whether something stands behind it without a line's end. */
async function readEnd(
  handle: FileHandle,
  key: string | undefined,
): Promise<{ readonly last: Link | undefined; readonly isTorn: boolean }> {
  const { size } = await handle.stat();
  // A record is mostly short, but may be as long as what clients can send.
  for (let length = Math.min(size, firstTail); ; length = Math.min(size, length * 4)) {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const tail = buffer.toString('utf8');
    const lines = tail.trimEnd().split('\n');
    const last = lines.map((line) => readLine(line, key)).findLast((line) => line !== undefined);
    if (last !== undefined || length === size)
      return { last: last?.link, isTorn: tail !== '' && !tail.endsWith('\n') };
  }
}

/** Bytes. */
const firstTail = 256 * 1024;
