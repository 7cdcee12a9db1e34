import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ImportModule } from '../auth/import-module';
import { OptionsError } from '../options';
import type { Logger } from '../telemetry/logger';
import { combineHooks } from './combine-hooks';
import { type Extension, ExtensionError, importExtension } from './import-extension';

/** What this process has loaded: the SHA-256 of each module by its file, as a module is loaded once and for all. */
const loaded = new Map<string, string>();

/**
 * Loads the modules of the option `extensions`, one after the other.
 *
 * @param inCode what the gateway is given in code, which is before them
 * @throws {OptionsError} with the first module that cannot be used
 */
export async function loadExtensions(
  files: readonly string[],
  inCode: Extension = {},
  importNamed?: ImportModule,
): Promise<Required<Extension>> {
  const modules: Extension[] = [];
  for (const [index, file] of files.entries()) {
    if (!loaded.has(file)) loaded.set(file, digestOf(file));
    modules.push(await importExtension(file, importNamed).catch((error: unknown) => refuse(index, error)));
  }
  const own = inCode.hooks ?? {};
  return {
    hooks: modules.length === 0 ? own : combineHooks([own, ...modules.flatMap(({ hooks }) => hooks ?? [])]),
    interceptors: [inCode, ...modules].flatMap(({ interceptors }) => interceptors ?? []),
    plugins: [inCode, ...modules].flatMap(({ plugins }) => plugins ?? []),
  };
}

/** @throws {OptionsError} for a module that cannot be used */
export function refuse(index: number, error: unknown): never {
  if (!(error instanceof ExtensionError)) throw error;
  throw refusal(index, error);
}

export const refusal = (index: number, error: ExtensionError): OptionsError =>
  OptionsError.of(['extensions', index], `cannot be used: ${error.message}`);

/** Logs the modules that changed after the process loaded them. */
export function reportChangedExtensions(files: readonly string[], logger: Pick<Logger, 'warn'>): void {
  const changed = files.filter((file) => loaded.get(file) !== digestOf(file));
  if (changed.length > 0)
    logger.warn(
      { changed },
      'extensions have changed, and the gateway goes on with those that it has loaded: start it again',
    );
}

/** Of a file that cannot be read, that of nothing. */
function digestOf(file: string): string {
  let content: Buffer | string = '';
  try {
    content = readFileSync(file);
  } catch {
    // Reported where it is imported.
  }
  return createHash('sha256').update(content).digest('hex');
}
