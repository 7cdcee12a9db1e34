import { readFile } from 'node:fs/promises';
import { CommandFailure } from './context';

/** The text of a file that a flag names; one that cannot be read ends the command with a sentence. */
export async function readInput(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const fact = missing ? 'does not exist' : `cannot be read: ${(error as Error).message}`;
    throw new CommandFailure(`weir: ${file} ${fact}.`, 2);
  });
}
