import { chmod, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { CommandFailure } from '../context';

/**
 * Replaces a file atomically: a reader sees the old text or the new one. A file with the same text is not touched, and a
 * file that exists keeps its rights. Links stay, and so do devices and pipes, such as `/dev/null`: the text is written to
 * them.
 *
 * @param mode the rights of a new file
 */
export async function replaceFile(file: string, text: string, mode = 0o666): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  const target = await realpath(file).catch(() => file);
  const draft = `${target}.${process.pid}.draft`;
  try {
    if (before?.isFile() === false) {
      await writeFile(file, text);
      return;
    }
    if (text === (await readFile(target, 'utf8').catch(() => undefined))) return;
    await rm(draft, { force: true });
    // `wx`: never through a link that somebody else has put there.
    await writeFile(draft, text, { mode, flag: 'wx' });
    if (before !== undefined) await chmod(draft, before.mode);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CommandFailure(`weir: ${file} cannot be written: ${(error as Error).message}.`, 2);
  }
}

/** The rights of a new file that may hold values of requests or answers: its owner's alone. */
export const privately = 0o600;
