import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Command } from 'commander';
import { CommandFailure, type Context } from '../context';
import { subgraphNames, subgraphScript } from '../own-package';

/** `weir subgraph`: runs one reference subgraph. */
export function subgraphCommand(context: Context): Command {
  return new Command('subgraph')
    .summary('run one subgraph of the reference graph')
    .description(
      'Runs one subgraph of the reference graph alone. Flags after its name are passed to it: --port, --host, ' +
        '--data, --schema. The exit code is that of the subgraph.',
    )
    .argument(
      '<NAME>',
      'accounts, products, inventory, reviews, orders, payments, history, shipping, wishlists or suppliers',
    )
    .argument('[FLAGS...]', 'flags of the subgraph')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir subgraph reviews\n' +
        '  $ weir subgraph products --port 5002 --data /tmp/products\n' +
        '  $ DYNAMODB_ENDPOINT=http://127.0.0.1:8000 weir subgraph orders',
    )
    .action((name: string, flags: string[]) => runSubgraph(name, flags, context));
}

async function runSubgraph(name: string, flags: readonly string[], { env, signal }: Context): Promise<void> {
  const script = subgraphScript(name);
  if (script === undefined) {
    const names = subgraphNames().join(', ');
    throw new CommandFailure(`weir: there is no subgraph '${name}'; there are: ${names}.`, 2);
  }
  // With the IPC channel the subgraph ends even if this process is killed. With a process group of its own it gets
  // Ctrl-C only once, from here.
  const child = spawn(process.execPath, [script, ...flags], {
    env: { ...env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  const exitCode = await new Promise<number>((ended, failed) => {
    child.once('error', failed);
    child.once('exit', (code, killed) => ended(code ?? 128 + (killed ? constants.signals[killed] : 0)));
  });
  // The subgraph has printed the reason.
  if (exitCode !== 0) throw new CommandFailure('', exitCode);
}
