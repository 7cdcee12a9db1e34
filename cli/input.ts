import { readFile } from 'node:fs/promises';
import { CommandFailure } from './context';

/** The text of the file that `flag` names; one that cannot be read ends the command with a sentence. */
export async function readInput(flag: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const fact = missing ? 'does not exist' : `cannot be read: ${(error as Error).message}`;
    throw new CommandFailure(`weir: ${flag} names ${file}, which ${fact}.`, 2);
  });
}
