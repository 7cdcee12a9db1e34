import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OptionsError } from '../options';
import { type ImportModule, importModule } from './import-module';

/** A function of the user: the file of a module with the function as its default export, or the function itself. */
export type HookModule = string | ((...given: never[]) => unknown);

/** Loads a hook on first use. Rejects each time if there is no such function. */
export function loadHook<Hook extends (...given: never[]) => unknown>(
  module: HookModule,
  importNamed: ImportModule = importModule,
): () => Promise<Hook> {
  let loaded: Promise<Hook> | undefined;
  return () => (loaded ??= load<Hook>(module, importNamed));
}

/** The hook that an option names. @throws {OptionsError} if there is no such function */
export async function loadNamedHook<Hook extends (...given: never[]) => unknown>(
  path: readonly PropertyKey[],
  module: HookModule,
  importNamed?: ImportModule,
): Promise<Hook> {
  try {
    return await loadHook<Hook>(module, importNamed)();
  } catch (error) {
    throw OptionsError.of(path, `cannot be used: ${(error as Error).message}`);
  }
}

async function load<Hook>(module: HookModule, importNamed: ImportModule): Promise<Hook> {
  if (typeof module === 'function') return module as Hook;
  if (!existsSync(module)) throw new Error(`${module} does not exist.`);
  let found = await importNamed(pathToFileURL(resolve(module)).href);
  // The exports of a CommonJS module are the `default` of its namespace, so its own default is one level deeper.
  while (typeof found === 'object' && found !== null && 'default' in found) found = found.default;
  if (typeof found !== 'function') throw new Error(`${module} must have a function as its default export.`);
  return found as Hook;
}
