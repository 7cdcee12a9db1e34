import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A function of the user's own: the file of a module that exports it as its default, or the function itself. */
export type HookModule = string | ((...given: never[]) => unknown);

/** Loads a hook when it is first called for. Rejects, each time, when there is no such function. */
export function loadHook<Hook extends (...given: never[]) => unknown>(
  module: HookModule,
): () => Promise<Hook> {
  let loaded: Promise<Hook> | undefined;
  return () => (loaded ??= load<Hook>(module));
}

async function load<Hook>(module: HookModule): Promise<Hook> {
  if (typeof module === 'function') return module as Hook;
  if (!existsSync(module)) throw new Error(`${module} does not exist.`);
  let found = (await import(pathToFileURL(resolve(module)).href)) as unknown;
  // What a CommonJS module exports is the default of its namespace, where its own default is one level below.
  while (typeof found === 'object' && found !== null && 'default' in found) found = found.default;
  if (typeof found !== 'function') throw new Error(`${module} must have a function as its default export.`);
  return found as Hook;
}

/** Settles as `work` does, or rejects after that many milliseconds. */
export async function withTimeout<Result>(
  milliseconds: number,
  work: () => Promise<Result>,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${milliseconds} ms.`)), milliseconds);
  });
  // Also where it throws at once: the timer would reject with nobody there to hear it.
  const working = Promise.resolve().then(work);
  return Promise.race([working, late]).finally(() => clearTimeout(timer));
}
