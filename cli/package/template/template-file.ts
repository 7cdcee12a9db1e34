import { dirname } from 'node:path';
import { CommandFailure } from '../../context';
import { makeFolder } from '../../terminal/make-folder';
import { replaceFile } from '../../terminal/replace-file';
import type { FunctionCode } from './function';

/** Where the code of a package is, as seen from the template beside it. */
export const packagedCode: FunctionCode = { uri: 'code', handler: 'index.handler' };

/** Writes a template, and the folder that it is in. A template that is there is replaced in one step. */
export async function writeTemplateFile(file: string, text: string): Promise<void> {
  await makeFolder(dirname(file)).catch((error: unknown) => {
    throw new CommandFailure(`weir: ${file} cannot be written: ${(error as Error).message}.`, 2);
  });
  await replaceFile(file, text);
}
