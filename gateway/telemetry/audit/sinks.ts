import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type Link, noHash, readLine } from './record';

/** Where the lines of a trail go. */
export interface Sink {
  /** The record that the next one follows. */
  readonly last: Link;
  /** Resolves when the lines are out of the process: its end does not lose them. */
  write(lines: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Appends to a file, which only one process may have; goes on with the chain that is in it. Rejects when it cannot
 * be opened.
 */
export async function openFileSink(file: string, key: string | undefined): Promise<Sink> {
  const handle = await open(file, 'a+', 0o600);
  const tail = await readTail(handle);
  // Half a line of a process that died must not be taken for the beginning of the next.
  if (tail !== '' && !tail.endsWith('\n')) await handle.write('\n');
  const lines = tail.trimEnd().split('\n');
  const last = lines.map((line) => readLine(line, key)).findLast((line) => line !== undefined);
  return {
    last: last?.link ?? newChain(),
    write: (text) => handle.appendFile(text),
    close: () => handle.close(),
  };
}

/** Writes to standard output, or to a stream of one's own. */
export function openStreamSink(stream: NodeJS.WritableStream): Sink {
  return {
    last: newChain(),
    write: (text) =>
      new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve()))),
    close: () => Promise.resolve(),
  };
}

const newChain = (): Link => ({ chain: randomUUID(), seq: 0, hash: noHash });

/** The end of a file; it holds the last whole record if one has been written at all. */
async function readTail(handle: FileHandle): Promise<string> {
  const { size } = await handle.stat();
  const length = Math.min(size, longestTail);
  const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString('utf8');
}

/** Bytes: more than several of the longest records. */
const longestTail = 256 * 1024;
