import { readFile, stat } from 'node:fs/promises';
import { CommandFailure, type Context } from '../context';
import { givenBy } from '../variables';

/** Reads the file that a flag or its variable names. @throws {CommandFailure} if it cannot be read */
export async function readInput(flag: string, file: string, env: Context['env']): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const fact = missing ? 'does not exist' : `cannot be read: ${(error as Error).message}`;
    throw new CommandFailure(`weir: ${givenBy(flag, file, env)} names ${file}, which ${fact}.`, 2);
  });
}

/**
 * Reads a file as {@link readInput} does. A pipe or a device, which may never end, is refused.
 *
 * @throws {CommandFailure}
 */
export async function readFileInput(flag: string, file: string, env: Context['env']): Promise<string> {
  const stats = await stat(file).catch(() => undefined);
  if (stats?.isFile() === false && !stats.isDirectory())
    throw new CommandFailure(
      `weir: ${givenBy(flag, file, env)} names ${file}, which is no regular file: copy what it has into one.`,
      2,
    );
  return readInput(flag, file, env);
}
