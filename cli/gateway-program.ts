/** `weir gateway` alone, which `bundle.mjs` makes one file with all that its start loads. */
import { runCommandLine } from './command-line';
import type { Context } from './context';
import { gatewayCommand } from './commands/gateway';

/** Runs a command line that begins with `gateway`: see `runCommandLine`. */
export const runCli = (args: readonly string[], context: Context): Promise<number> =>
  runCommandLine([gatewayCommand], args, context);
