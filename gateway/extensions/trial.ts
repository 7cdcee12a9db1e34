/**
 * A process that loads extensions before a gateway does, as a module that never ends cannot be stopped in the process that
 * loads it, and one that throws there cannot be loaded again. The arguments are the files. It reports each before it is loaded,
 * the first one that cannot be used, and the end: a module may end the process.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ExtensionError, importExtension, tryInterceptors } from './import-extension';

export interface TrialMessage {
  /** The index of the module that is loaded next; how many there are, after the last. */
  readonly index: number;
  /** Where and why it cannot be used. */
  readonly problem?: Pick<ExtensionError, 'at' | 'reason'>;
}

const report = (message: TrialMessage): Promise<void> =>
  new Promise((reported) => void process.send!(message, undefined, undefined, () => reported()));

async function tryAll(files: readonly string[]): Promise<void> {
  for (const [index, file] of files.entries()) {
    await report({ index });
    try {
      tryInterceptors(await importExtension(file), file);
      // A promise that nobody handles ends the process now.
      await nextTurn();
    } catch (error) {
      if (!(error instanceof ExtensionError)) throw error;
      const { at, reason, cause } = error;
      await report({ index, problem: { at, reason } });
      // Of a syntax error only Node knows the line: it prints it.
      throw cause;
    }
  }
  await report({ index: files.length });
}

void tryAll(process.argv.slice(2)).then(() => process.exit(0));
