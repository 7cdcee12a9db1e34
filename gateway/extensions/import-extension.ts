import { readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ApolloServerPlugin } from '@apollo/server';
import { withTimeout } from '../net/time-limit';
import { type ImportModule, importModule } from '../auth/import-module';
import type { Hooks } from '../request/hooks';
import type { Interceptor } from '../subgraph-calls/contract/transport';
import { shown } from '../subgraph-calls/interceptors/enforce-contract';

/** What a module of the option `extensions` exports, by name or as the members of its default export: at least one. */
export interface Extension {
  readonly hooks?: Hooks;
  /** The outermost first. */
  readonly interceptors?: readonly Interceptor[];
  readonly plugins?: readonly ApolloServerPlugin[];
}

/** Milliseconds in which a module must be loaded. */
export const loadingLimit = 10_000;

/** A module cannot be used. */
export class ExtensionError extends Error {
  /**
   * @param at the file, with the line where that is known
   * @param reason a sentence
   */
  constructor(
    readonly at: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${at}: ${reason}`, options);
  }
}

export const notLoadedInTime = (file: string): ExtensionError =>
  new ExtensionError(file, `It did not finish loading within ${loadingLimit / 1000} s.`);

/**
 * Imports a module and checks what it exports. The limit ends only the loading of a module that lets the event loop run.
 *
 * @throws {ExtensionError} if there is no such module, it does not load in time, or its exports are not an extension
 */
export async function importExtension(
  file: string,
  importNamed: ImportModule = importModule,
): Promise<Extension> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new ExtensionError(file, 'It does not exist.');
  if (found.isDirectory()) throw new ExtensionError(file, 'It is a folder.');
  const url = pathToFileURL(resolve(file)).href;
  try {
    const loaded = await withTimeout(
      loadingLimit,
      () => importNamed(url),
      () => notLoadedInTime(file),
    );
    const exported = exportsOf(loaded as object);
    const wrong = problemOf(exported);
    if (wrong === undefined) return exported;
    const [name, reason] = wrong;
    throw new ExtensionError(atLineWith(file, name), reason);
  } catch (error) {
    throw error instanceof ExtensionError ? error : notLoaded(error, file);
  }
}

/**
 * Has each interceptor make a `Send`, of which no call is made.
 *
 * @throws {ExtensionError} if one throws, or makes none
 */
export function tryInterceptors({ interceptors = [] }: Extension, file: string): void {
  try {
    for (const interceptor of interceptors) {
      const send: unknown = interceptor(() => new Promise(() => undefined));
      if (typeof send !== 'function')
        throw new ExtensionError(
          atLineWith(file, 'interceptors'),
          `Each of \`interceptors\` must return a function, but got: ${shown(send)}.`,
        );
    }
  } catch (error) {
    throw error instanceof ExtensionError ? error : notLoaded(error, file);
  }
}

/** A CommonJS module has its exports as the default one, too; Node and compilers add names of their own. */
function exportsOf(loaded: object): Record<string, unknown> {
  const { default: all, ...named } = loaded as Record<string, unknown>;
  const {
    __esModule,
    'module.exports': _,
    ...exported
  } = {
    ...(typeof all === 'object' ? all : all !== undefined && { default: all }),
    ...named,
  } as Record<string, unknown>;
  return exported;
}

const known = ['hooks', 'interceptors', 'plugins'];
const knownHooks = ['onRequest', 'onOperation', 'onAnswer'];

/** What is wrong with the exports of a module, after the name of the export; undefined if nothing is. */
function problemOf(exported: Readonly<Record<string, unknown>>): readonly [string, string] | undefined {
  const names = Object.keys(exported);
  if (names.length === 0) return ['export', `It exports nothing: one of ${known.join(', ')} is needed.`];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    return [unknown, `It exports \`${unknown}\`, which is unknown; known here: ${known.join(', ')}.`];
  const { hooks = {}, interceptors = [], plugins = [] } = exported;
  const hook = problemOfHooks(hooks);
  if (hook !== undefined) return [hook.name, `\`${hook.path.join('.')}\` ${hook.problem}`];
  if (!Array.isArray(interceptors) || interceptors.some((each) => typeof each !== 'function'))
    return ['interceptors', '`interceptors` must be a list of functions.'];
  if (!Array.isArray(plugins) || plugins.some((each) => typeof each !== 'object' || each === null))
    return ['plugins', '`plugins` must be a list of objects.'];
  return undefined;
}

/** What is wrong with hooks: where, and what; undefined if nothing is. */
export function problemOfHooks(hooks: unknown) {
  if (typeof hooks !== 'object' || hooks === null)
    return { name: 'hooks', path: ['hooks'], problem: 'must be an object.' };
  for (const [name, hook] of Object.entries(hooks) as [string, unknown][]) {
    const path = ['hooks', name];
    if (!knownHooks.includes(name))
      return { name, path, problem: `is unknown; known here: ${knownHooks.join(', ')}.` };
    if (hook !== undefined && typeof hook !== 'function')
      return { name, path, problem: `must be a function, but got: ${shown(hook)}.` };
  }
  return undefined;
}

function notLoaded(error: unknown, file: string): ExtensionError {
  const { message, stack = '' } = error instanceof Error ? error : new Error(shown(error));
  // What follows the first line lists who requires whom.
  const [first = ''] = message.split('\n');
  const at = positionIn(stack, file) ?? importIn(first, file) ?? file;
  return new ExtensionError(at, first.endsWith('.') ? first : `${first}.`, { cause: error });
}

/** A frame of a stack, or what Node prints above an error that ends a process. */
const framePattern = /^(?: {4}at (?:async )?(?:[^(]* \()?)?((?:file:\/\/)?\/[^:]+):(\d+)/;
const ownFolder = join(__dirname, '../..');

/** The first file of modules that is in the stack of an error, with its line. */
export function positionIn(stack: string, loaded: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, path, number] = framePattern.exec(line) ?? [];
    if (path === undefined) continue;
    const file = path.startsWith('file:') ? fileURLToPath(path) : path;
    if (!file.startsWith(ownFolder)) return `${asNamed(file, loaded)}:${number}`;
  }
  return undefined;
}

/** Where a module imports what Node cannot find. */
function importIn(message: string, loaded: string): string | undefined {
  const [, missing, from] =
    /^Cannot find (?:package|module) '([^']+)'(?: imported from (.+))?$/.exec(message) ?? [];
  return (
    missing && atLineWith(asNamed(from ?? loaded, loaded), isAbsolute(missing) ? basename(missing) : missing)
  );
}

const asNamed = (file: string, loaded: string): string => (file === resolve(loaded) ? loaded : file);

/** A file, with its first line that has a text, if there is one. */
function atLineWith(file: string, text: string): string {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((each) => each.includes(text));
  return line === -1 ? file : `${file}:${line + 1}`;
}
