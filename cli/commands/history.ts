import { Command, InvalidArgumentError } from 'commander';
import { paintFor } from '../terminal/colours';
import type { Context } from '../context';
import { showProblem } from '../terminal/problems';
import {
  addRegistryFlags,
  formatOption,
  type RegistryFlags,
  versionLine,
  versionNumber,
  withRegistry,
} from '../registry/registry';

interface HistoryFlags extends RegistryFlags {
  readonly limit: number;
  readonly format: string;
}

/** `weir history`: lists who changed a graph, when and how. */
export function historyCommand(context: Context): Command {
  const command = new Command('history')
    .summary('list the versions of a graph')
    .description(
      'Lists who published, rolled back or failed to publish what, the newest first. With VERSION, shows all ' +
        'details of that version, also why it was rejected.',
    )
    .argument('[VERSION]', 'the number of a version', versionNumber);
  return addRegistryFlags(command)
    .option('-n, --limit <N>', 'how many versions to list', countOf, 20)
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', '\nExamples:\n  $ weir history --graph shop@prod --limit 5\n  $ weir history 17')
    .action((number: number | undefined, flags: HistoryFlags) =>
      number === undefined ? list(flags, context) : show(number, flags, context),
    );
}

async function list(flags: HistoryFlags, context: Context): Promise<void> {
  const versions = await withRegistry(flags, (registry) => registry.history(flags.limit));
  const lines = versions.map((version) => `${versionLine(version)}\n`).join('');
  context.stdout.write(flags.format === 'json' ? `${JSON.stringify(versions, null, 2)}\n` : lines);
}

async function show(number: number, flags: HistoryFlags, context: Context): Promise<void> {
  const { stdout } = context;
  const { version, errors } = await withRegistry(flags, async (registry) => {
    const version = await registry.version(number);
    return { version, errors: await registry.errors(version) };
  });
  if (flags.format === 'json') {
    stdout.write(`${JSON.stringify({ ...version, errors }, null, 2)}\n`);
    return;
  }
  const { supergraph, subgraphs } = version;
  const parts = Object.entries(subgraphs).map(
    ([name, { routingUrl, since }]) => `  ${name}  ${routingUrl}  since version ${since}\n`,
  );
  stdout.write(
    `${versionLine(version)}\nsupergraph ${supergraph?.slice(0, 12) ?? 'none'}\n${parts.join('')}`,
  );
  const paint = paintFor(stdout, context);
  for (const error of errors) stdout.write(`\n${showProblem(error, paint)}\n`);
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 9999.');
}
