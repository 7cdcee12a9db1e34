import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those around it that do not exist. Resolves with the outermost one that it made; undefined if the
 * folder was there. `mkdir` of Node with `recursive` never ends where no folder can be made, such as below `/proc`.
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const around = dirname(folder);
  const made = existsSync(around) ? undefined : await makeFolder(around);
  try {
    await mkdir(folder);
    return made ?? folder;
  } catch (error) {
    if ((await stat(folder).catch(() => undefined))?.isDirectory() === true) return made;
    throw error;
  }
}
