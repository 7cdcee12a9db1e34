import { Command } from 'commander';
import type { Context } from '../context';
import {
  addAuthorFlags,
  addRegistryFlags,
  type AuthorFlags,
  authorshipOf,
  formatOption,
  type RegistryFlags,
  reportResult,
  versionNumber,
  withRegistry,
} from '../registry/registry';

interface RollbackFlags extends RegistryFlags, AuthorFlags {
  readonly to?: number;
  readonly format: string;
}

/** `weir rollback`: restores an earlier version. */
export function rollbackCommand(context: Context): Command {
  const command = new Command('rollback')
    .summary('restore what was published before')
    .description(
      'Restores the previous schema and URL of a subgraph, and keeps what other teams published since. Without ' +
        'SUBGRAPH, restores the whole graph: what every team published since is undone. A rollback is a new ' +
        'version, and can itself be rolled back.',
    )
    .argument('[SUBGRAPH]', 'the subgraph to roll back; left out: all');
  return addAuthorFlags(addRegistryFlags(command))
    .option('--to <VERSION>', 'the version to restore (default: the last that was different)', versionNumber)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir rollback reviews\n  $ weir rollback --to 17 --graph shop@prod',
    )
    .action((subgraph: string | undefined, flags: RollbackFlags) => rollback(subgraph, flags, context));
}

async function rollback(subgraph: string | undefined, flags: RollbackFlags, context: Context): Promise<void> {
  const authorship = await authorshipOf(flags, context);
  await withRegistry(flags, async (registry) => {
    const result = await registry.rollback({ to: flags.to, subgraph }, authorship);
    reportResult(result, registry, flags.format, context);
  });
}
