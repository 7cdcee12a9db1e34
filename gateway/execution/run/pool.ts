import { Workspace } from '../json/tape';
import { ByteWriter } from '../json/write';

/** Reuses workspaces and writers: as many as requests ran at once, within a bound in bytes. */
export class Pool {
  readonly #workspaces: Workspace[] = [];
  readonly #writers: ByteWriter[] = [];
  /** The writers of sent responses. */
  readonly #outputs: ByteWriter[] = [];
  #keptBytes = 0;

  takeWorkspace(): Workspace {
    const workspace = this.#workspaces.pop();
    if (workspace === undefined) return new Workspace();
    this.#keptBytes -= workspace.byteLength;
    return workspace;
  }

  takeWriter(): ByteWriter {
    const writer = this.#writers.pop();
    if (writer === undefined) return new ByteWriter(writerBytes);
    this.#keptBytes -= writer.bytes.length;
    return writer;
  }

  takeOutput(usualBytes: number): ByteWriter {
    const writer = this.#outputs.pop();
    if (writer !== undefined) this.#keptBytes -= writer.bytes.length;
    return writer !== undefined && writer.bytes.length >= usualBytes ? writer : new ByteWriter(usualBytes);
  }

  giveBackOutput(writer: ByteWriter): void {
    writer.end = 0;
    if (this.#keeps(writer.bytes.length)) this.#outputs.push(writer);
  }

  giveBack(workspace: Workspace, writers: readonly ByteWriter[]): void {
    workspace.reset();
    if (this.#keeps(workspace.byteLength)) this.#workspaces.push(workspace);
    for (const writer of writers) {
      writer.end = 0;
      if (this.#keeps(writer.bytes.length)) this.#writers.push(writer);
    }
  }

  #keeps(bytes: number): boolean {
    if (bytes > mostBytesEach || this.#keptBytes + bytes > mostBytes) return false;
    this.#keptBytes += bytes;
    return true;
  }
}

const writerBytes = 2048;
/** 2 MiB: larger buffers are left to the garbage collector. */
const mostBytesEach = 2 * 1024 * 1024;
/** 64 MiB, for all programs together. */
const mostBytes = 64 * 1024 * 1024;

export const pool = new Pool();
