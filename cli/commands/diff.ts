import { Command } from 'commander';
import type { Registry, SchemaChange, Version } from '../../schema';
import { type Paint, paintFor } from '../terminal/colours';
import type { Context } from '../context';
import type * as Schema from '../../schema';
import {
  addRegistryFlags,
  formatOption,
  type RegistryFlags,
  versionLine,
  versionNumber,
  withRegistry,
} from '../registry/registry';

interface DiffFlags extends RegistryFlags {
  readonly format: string;
}

interface Diff {
  /** Null if none ran before. */
  readonly from: Version | null;
  readonly to: Version;
  readonly changes: readonly SchemaChange[];
}

/** `weir diff`: shows how the API schema differs between two versions. */
export function diffCommand(context: Context): Command {
  const command = new Command('diff')
    .summary('list the changes between two versions')
    .description(
      'Lists the changes that clients see between two versions: breaking, dangerous and safe ones. Without TO, the ' +
        'newest version that ran is used, without FROM the one that ran before it: a rejected version never ran.',
    )
    .argument('[FROM]', 'the number of a version', versionNumber)
    .argument('[TO]', 'the number of a version', versionNumber);
  return addRegistryFlags(command)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir diff\n  $ weir diff 17 --graph shop@prod\n  $ weir diff 17 19',
    )
    .action((from: number | undefined, to: number | undefined, flags: DiffFlags) =>
      diff(from, to, flags, context),
    );
}

async function diff(
  from: number | undefined,
  to: number | undefined,
  flags: DiffFlags,
  context: Context,
): Promise<void> {
  const { found, name } = await withRegistry(flags, async (registry) => ({
    found: await compare(registry, from, to),
    name: registry.name,
  }));
  const { stdout } = context;
  stdout.write(
    flags.format === 'json'
      ? `${JSON.stringify(found, null, 2)}\n`
      : describe(found, name, paintFor(stdout, context)),
  );
}

async function compare(registry: Registry, from: number | undefined, to: number | undefined): Promise<Diff> {
  const { apiSchemaOf, changesBetween } = require('../../schema') as typeof Schema;
  // Of one that is named, what went on running counts if it was rejected.
  const after =
    to === undefined ? ((await registry.lastRun()) ?? (await registry.newest())) : await registry.version(to);
  const young = await registry.supergraph(after);
  const before = from === undefined ? await registry.lastRun(after.number - 1) : await registry.version(from);
  if (before === undefined) return { from: null, to: after, changes: [] };
  const old = await registry.supergraph(before);
  const changes = old === young ? [] : await changesBetween(apiSchemaOf(old), apiSchemaOf(young));
  return { from: before, to: after, changes };
}

function describe({ from, to, changes }: Diff, name: string, paint: Paint): string {
  if (from === null)
    return `${versionLine(to)}\nThis is the first version of ${name} that ran: there is none before it to compare with.\n`;
  const lines = changes.map(
    ({ severity, message }) => `  ${paint(styles[severity], severity.padEnd(9))}  ${message}\n`,
  );
  const text = lines.length === 0 ? 'Clients see no difference.\n' : lines.join('');
  return `${versionLine(from)}\n${versionLine(to)}\n${text}`;
}

const styles = { breaking: 'red', dangerous: 'yellow', safe: 'green' } as const;
