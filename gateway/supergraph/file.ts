import { stat, readFile } from 'node:fs/promises';
import { unwatchFile, watchFile } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { SupergraphListener, SupergraphSource } from './source';

interface FileSourceOptions {
  readonly file: string;
  /** Milliseconds between two checks of the file. @default 250 */
  readonly interval?: number;
}

/**
 * A supergraph file. An edit is live at once. The file is polled and not watched, as polling also notices a replaced
 * file, changes on a mounted volume, and the symbolic links with which Kubernetes swaps a ConfigMap.
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
      // Checks for changes between reading and watching.
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

/** The content of the file, once nothing writes to it any more. @throws when the file is missing or empty */
async function readSettled(file: string): Promise<string> {
  for (;;) {
    try {
      const before = await stat(file);
      const content = await readFile(file, 'utf8');
      if (Date.now() - before.mtimeMs < recently) await delay(settleTime);
      const after = await stat(file);
      if (after.mtimeMs !== before.mtimeMs || after.size !== before.size) continue;
      if (content.trim() !== '') return content;
      // Whoever writes a file may empty it before. The clock of its volume may be another one.
      if (Math.abs(Date.now() - after.mtimeMs) < recently) continue;
      throw new Error(`${file} is empty.`);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw new Error(`${file} does not exist.`, { cause: error });
      throw code === undefined ? error : new Error(`${file} cannot be read: ${message}`, { cause: error });
    }
  }
}

/** Milliseconds. A process that writes a file in several pieces writes the next piece sooner. */
const settleTime = 30;
/** Milliseconds. A file written longer ago counts as complete. Checks may be slow on a busy machine. */
const recently = 1000;
