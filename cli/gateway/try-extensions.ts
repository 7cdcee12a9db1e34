import { fork } from 'node:child_process';
import { extname, join } from 'node:path';
import {
  ExtensionError,
  importExtension,
  loadingLimit,
  notLoadedInTime,
  positionIn,
  tryInterceptors,
} from '../../gateway/extensions/import-extension';
import { refusal, refuse } from '../../gateway/extensions/load-extensions';
import type { TrialMessage } from '../../gateway/extensions/trial';
import type { OptionsError } from '../../gateway/options';
import type { LoadedExtension, LoadingMessage } from './workers';

/**
 * Loads modules of the option `extensions` in a process of its own, so that one that cannot be used, even one that never
 * yields, does no harm here.
 *
 * @throws {OptionsError} with the first module that cannot be used
 */
export async function tryExtensions(files: readonly string[]): Promise<void> {
  const { index, error } = await runTrial(files);
  if (error !== undefined) refuse(index, error);
}

/**
 * Loads the same modules in a worker, before its gateway does. The primary learns of each, as one may never yield in a worker
 * alone.
 *
 * @throws {OptionsError} with the first module that cannot be used
 */
export async function loadInWorker(files: readonly string[]): Promise<void> {
  const report = (extension?: LoadedExtension): Promise<void> =>
    new Promise((sent) => {
      const message: LoadingMessage = { type: 'loading', ...(extension && { extension }) };
      process.send!(message, undefined, undefined, () => sent());
    });
  for (const [index, file] of files.entries()) {
    await report({ index, file });
    await importExtension(file).then(
      (extension) => tryInterceptors(extension, file),
      (error: unknown) => refuse(index, error),
    );
  }
  await report();
}

/** The error for a module that a worker did not load in time. */
export function notLoadedInWorker({ index, file }: LoadedExtension): OptionsError {
  const { at, reason } = notLoadedInTime(file);
  return refusal(index, new ExtensionError(at, `${reason.slice(0, -1)} in a worker.`));
}

/** Milliseconds. Later than the limit of a module that lets timers run. */
export const longestLoading = loadingLimit + 1_000;

interface Trial {
  /** Of the module that was loaded last. */
  readonly index: number;
  /** Why it cannot be used. */
  readonly error: ExtensionError | undefined;
}

function runTrial(files: readonly string[]): Promise<Trial> {
  const child = fork(trialModule, [...files], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  let index = 0;
  let problem: TrialMessage['problem'];
  let printed = '';
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-50_000)));
  child.on('message', (message: TrialMessage) => {
    ({ index, problem } = message);
    clearTimeout(timer);
    timer = setTimeout(() => (isLate = kill()), longestLoading);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // What a module has started may hold its standard error open.
    child.on('exit', () => setTimeout(() => child.stderr!.destroy(), 1_000).unref());
    child.on('close', (code) => {
      clearTimeout(timer);
      process.off('exit', kill);
      const last = Math.min(index, files.length - 1);
      const isLoaded = index === files.length && code === 0;
      resolve({ index: last, error: isLoaded ? undefined : errorOf(files[last]!) });
    });
  });

  function errorOf(file: string): ExtensionError {
    if (isLate) return notLoadedInTime(file);
    const { at, reason } = problem ?? { at: file, reason: 'It ends the process that loads it.' };
    return new ExtensionError(at === file ? (positionIn(printed, file) ?? at) : at, reason);
  }
}

const extension = extname(__filename);
const trialModule = join(__dirname, `../../gateway/extensions/trial${extension}`);

const execArgv = [
  // Two processes cannot have one port for a debugger.
  ...process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
  // Jest runs the sources, which Node must be told to compile.
  ...(extension === '.ts' ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : []),
];
