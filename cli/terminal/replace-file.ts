import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { CommandFailure } from '../context';

/**
 * Replaces a file atomically: a reader sees the old text or the new one. A file with the same text is not touched, and a
 * file that exists keeps its rights.
 *
 * @param mode the rights of a new file
 */
export async function replaceFile(file: string, text: string, mode = 0o666): Promise<void> {
  if (text === (await readFile(file, 'utf8').catch(() => undefined))) return;
  const draft = `${file}.${process.pid}.draft`;
  try {
    const before = await stat(file).catch(() => undefined);
    await rm(draft, { force: true });
    // `wx`: never through a link that somebody else has put there.
    await writeFile(draft, text, { mode, flag: 'wx' });
    if (before !== undefined) await chmod(draft, before.mode);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CommandFailure(`weir: ${file} cannot be written: ${(error as Error).message}.`, 2);
  }
}

/** The rights of a new file that may hold values of requests or answers: its owner's alone. */
export const privately = 0o600;
