import { once } from 'node:events';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { OptionsError } from '../../options';
import type { ManifestMessage, ManifestWork, Misfits } from './manifest-thread';

export interface TrustedOperations {
  readonly texts: ReadonlySet<string>;
  /** Texts by id in the manifest, and by SHA-256 of the text. */
  readonly byName: ReadonlyMap<string, string>;
  /** Equal for equal manifests. */
  readonly digest: string;
}

export const noTrustedOperations: TrustedOperations = { texts: new Set(), byName: new Map(), digest: '' };

/** Reads manifests in a thread. @param option which names them @throws {OptionsError} with the file that is wrong, and the reason */
export async function readTrustedOperations(
  files: readonly string[],
  option: readonly string[] = ['persistedOperations', 'manifest'],
): Promise<TrustedOperations> {
  if (files.length === 0) return noTrustedOperations;
  const texts = new Set<string>();
  const byName = new Map<string, string>();
  const thread = startThread({ files, option: option.join('.') });
  try {
    for (;;) {
      const message = await next(thread);
      if (message.kind === 'refused') throw new OptionsError([{ path: option, sentence: message.reason }]);
      if (message.kind === 'all') return { texts, byName, digest: message.digest };
      if (message.kind !== 'some') continue;
      for (const { text, names } of message.operations) {
        texts.add(text);
        for (const name of names) byName.set(name, text);
      }
    }
  } finally {
    await thread.terminate();
  }
}

/** Validates the operations of manifests against a schema, in a thread. Resolves with undefined when aborted. */
export async function findMisfits(
  work: Required<Omit<ManifestWork, 'option'>>,
  signal: AbortSignal,
): Promise<Misfits | undefined> {
  const thread = startThread(work);
  thread.unref();
  const stop = (): void => void thread.terminate();
  signal.addEventListener('abort', stop);
  try {
    const message = await next(thread, signal);
    return message.kind === 'misfits' ? message.misfits : undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await thread.terminate();
  }
}

function startThread(work: ManifestWork): Worker {
  return new Worker(threadFile, { workerData: work, execArgv: threadArguments });
}

async function next(thread: Worker, signal?: AbortSignal): Promise<ManifestMessage> {
  thread.postMessage('next');
  const [message] = (await once(thread, 'message', { signal })) as [ManifestMessage];
  return message;
}

// Under jest the sources are TypeScript, so the thread must compile them, too.
const threadFile = join(__dirname, `manifest-thread${extname(__filename)}`);
const threadArguments =
  extname(__filename) === '.ts' ? ['--require', join(__dirname, '../../../test/support/typescript.cjs')] : [];
