import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { continuation, type ChainLink, noHash, readLine } from './record';

/** The file or stream to which a trail is written. */
export interface AuditDestination {
  /** The record that the next one follows. */
  readonly last: ChainLink;
  /**
   * Resolves when the lines have left the process, so that they survive its end.
   *
   * @param before the record that the first of them follows
   */
  write(lines: string, before: ChainLink): Promise<void>;
  close(): Promise<void>;
}

/** A destination whose records can be read again. */
export interface KeptDestination extends AuditDestination {
  /** Its last records as lines, and the last one in any case. */
  readonly tail: readonly string[];
}

/** The trail has another writer. The message does not have the trail's name. */
export class TrailTaken extends Error {
  override readonly name = 'TrailTaken';

  constructor(message = 'another process writes to it') {
    super(message);
  }
}

/**
 * Appends to a file, and continues the chain in it. Only one process may write to the file. Rejects if the file cannot
 * be opened.
 */
export async function openFileDestination(file: string, key: string | undefined): Promise<KeptDestination> {
  const handle = await open(file, 'a+', 0o600);
  const { last, tail, isTorn } = await readEnd(handle, key);
  // Ends half a line of a process that died, so that the next record begins on a new line.
  if (isTorn) await handle.write('\n');
  return {
    last: last ?? newChain(),
    tail,
    async write(lines, before) {
      // The file was emptied after a copy, so the chain continues here from that copy.
      const isContinued = before.seq > 0 && (await handle.stat()).size === 0;
      await handle.appendFile(isContinued ? continuation(before, key) + lines : lines);
    },
    close: () => handle.close(),
  };
}

/** Writes to a stream, such as standard output. */
export function openStreamDestination(stream: NodeJS.WritableStream): AuditDestination {
  return {
    last: newChain(),
    write: (text) =>
      new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve()))),
    close: () => Promise.resolve(),
  };
}

const newChain = (): ChainLink => ({ chain: randomUUID(), seq: 0, hash: noHash });

/** The last complete record of a file, if there is one, with those before it, and whether an incomplete line follows. */
async function readEnd(
  handle: FileHandle,
  key: string | undefined,
): Promise<{
  readonly last: ChainLink | undefined;
  readonly tail: readonly string[];
  readonly isTorn: boolean;
}> {
  const { size } = await handle.stat();
  // A record is mostly short, but may be as long as a request.
  for (let length = Math.min(size, firstTail); ; length = Math.min(size, length * 4)) {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const tail = buffer.toString('utf8');
    const lines = tail.trimEnd().split('\n');
    const read = lines.map((line) => readLine(line, key));
    const last = read.findLast((line) => line !== undefined);
    if (last !== undefined || length === size)
      return {
        last: last?.link,
        tail: lines.filter((_, i) => read[i] !== undefined),
        isTorn: tail !== '' && !tail.endsWith('\n'),
      };
  }
}

/** Bytes that are read first. */
const firstTail = 256 * 1024;
