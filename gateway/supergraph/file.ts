import { stat, readFile } from 'node:fs/promises';
import { unwatchFile, watchFile } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { SupergraphListener, SupergraphSource } from './source';

export interface FileSourceOptions {
  readonly file: string;
  /** Milliseconds between two looks at the file. @default 250 */
  readonly interval?: number;
}

/**
 * A supergraph file; an edit is live at once. The file is looked at again and again rather than watched: that also
 * sees a file that is replaced, a mounted volume, and the symbolic links behind which Kubernetes swaps a ConfigMap.
 */
export function fileSource({ file, interval = 250 }: FileSourceOptions): SupergraphSource {
  let listener: SupergraphListener | undefined;
  let reported: string | undefined;
  let trouble: string | undefined;
  let reading = Promise.resolve();

  const onChange = () => {
    reading = reading.then(report);
  };

  async function report(): Promise<void> {
    try {
      const supergraphSdl = await readSettled(file);
      trouble = undefined;
      if (supergraphSdl === reported) return;
      reported = supergraphSdl;
      listener?.onSupergraph(supergraphSdl);
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble) listener?.onUnavailable(error as Error);
      trouble = message;
    }
  }

  return {
    start: async (to) => {
      reported = await readSettled(file);
      listener = to;
      watchFile(file, { interval }, onChange);
      // What happened between reading and watching would go unseen.
      onChange();
      return reported;
    },
    stop: async () => {
      listener = undefined;
      unwatchFile(file, onChange);
      await reading;
    },
  };
}

/** The content of the file, once nobody writes to it. @throws when the file is missing or empty */
async function readSettled(file: string): Promise<string> {
  for (;;) {
    try {
      const before = await stat(file);
      const content = await readFile(file, 'utf8');
      if (Date.now() - before.mtimeMs < recently) await delay(settleTime);
      const after = await stat(file);
      if (after.mtimeMs !== before.mtimeMs || after.size !== before.size) continue;
      if (content.trim() === '') throw new Error(`${file} is empty.`);
      return content;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw new Error(`${file} does not exist.`, { cause: error });
      throw code === undefined ? error : new Error(`${file} cannot be read: ${message}`, { cause: error });
    }
  }
}

/** Milliseconds. Who writes a file in several pieces writes the next one sooner than this. */
const settleTime = 30;
/** Milliseconds. A file that was written to longer ago is complete; on a busy machine a look may take its time. */
const recently = 1000;
