import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { CommandFailure } from '../context';

/** Replaces a file atomically: a reader sees the old text or the new one. A file with the same text is not touched. */
export async function replaceFile(file: string, text: string): Promise<void> {
  if (text === (await readFile(file, 'utf8').catch(() => undefined))) return;
  const draft = `${file}.${process.pid}.draft`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CommandFailure(`weir: ${file} cannot be written: ${(error as Error).message}.`, 2);
  }
}
