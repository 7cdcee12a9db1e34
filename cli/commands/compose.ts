import { Command, Option } from 'commander';
import type { FileComposition } from '../../schema';
import { paintFor } from '../terminal/colours';
import { CommandFailure, type Context, untilStopped } from '../context';
import {
  addIntrospectionFlags,
  type IntrospectionFlags,
  type Introspect,
  withIntrospection,
} from '../registry/introspection';
import type * as Schema from '../../schema';
import { showProblem } from '../terminal/problems';
import { configHere } from '../terminal/config-here';
import { replaceFile } from '../terminal/replace-file';

interface ComposeOptions extends IntrospectionFlags {
  readonly out?: string;
  readonly watch?: true;
  readonly format: 'text' | 'json';
}

/** `weir compose`: composes subgraph schemas to a supergraph. */
export function composeCommand(context: Context): Command {
  return addIntrospectionFlags(new Command('compose'))
    .summary('compose subgraph schemas into a supergraph')
    .description(
      "Composes the subgraphs that a configuration in Rover's format lists into one supergraph, and prints it. " +
        'Errors and hints go to stderr, with file and line. Exits 1 when the subgraphs do not compose. ' +
        'Subgraphs are introspected through the proxies of the environment and, with a private link, with a key of ' +
        'WEIR_LINK_KEYS or WEIR_LINK_KEYS_FILE; --options adds the options of the gateway.',
    )
    .argument(
      '[FILE]',
      'the configuration (default: supergraph.yaml, or schema/supergraph.yaml if only that exists)',
    )
    .option('-o, --out <FILE>', 'write the supergraph to a file, replaced in one step')
    .option(
      '-w, --watch',
      'compose again after every edit; needs --out, which keeps the last good supergraph',
    )
    .addOption(
      new Option(
        '--format <FORMAT>',
        'of the report: `json` prints supergraph, errors and hints as one document',
      )
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir compose --out schema/supergraph.graphql\n' +
        '  $ weir compose my-supergraph.yaml --out supergraph.graphql --watch\n' +
        '  $ weir compose --format json | jq .errors',
    )
    .action((file: string | undefined, options: ComposeOptions) =>
      withIntrospection(options, context, (calls) => compose(file ?? configHere(), options, context, calls)),
    );
}

async function compose(
  file: string,
  options: ComposeOptions,
  context: Context,
  calls: Introspect,
): Promise<void> {
  const { env } = context;
  if (options.watch && options.out === undefined) {
    throw new CommandFailure('weir: --watch needs --out FILE, which keeps the last good supergraph.', 2);
  }
  const { composeFile, watchSupergraph } = require('../../schema') as typeof Schema;
  if (!options.watch) {
    const composition = await composeFile({ file, env, ...calls });
    await deliver(composition, options, context);
    if (composition.errors) throw new CommandFailure(summary(composition), composition.unreadable ? 2 : 1);
    if (options.out !== undefined) context.stderr.write(`${summary(composition, options.out)}\n`);
    return;
  }
  let delivered = Promise.resolve();
  const watch = await watchSupergraph({
    file,
    env,
    ...calls,
    onComposition: (composition) => {
      delivered = delivered
        .then(() => deliver(composition, options, context))
        .then(() => summary(composition, options.out))
        .catch((error: unknown) => (error as Error).message)
        .then((line) => void context.stderr.write(`${line}\n`));
    },
  });
  await untilStopped(context);
  await watch.close();
  await delivered;
}

/** Reports the problems, and writes the supergraph to its destination. */
async function deliver(
  composition: FileComposition,
  { out, format }: ComposeOptions,
  { stdout, stderr, env }: Context,
): Promise<void> {
  const paint = paintFor(stderr, { env });
  const { errors, hints, supergraphSdl } = composition;
  if (format === 'json')
    stdout.write(`${JSON.stringify(errors ? { errors } : { supergraphSdl, hints }, null, 2)}\n`);
  else for (const problem of errors ?? hints) stderr.write(`${showProblem(problem, paint)}\n\n`);
  if (supergraphSdl === undefined) return;
  if (out !== undefined) await replaceFile(out, supergraphSdl);
  else if (format === 'text') stdout.write(supergraphSdl);
}

function summary({ errors, unreadable, subgraphs, hints }: FileComposition, out = 'stdout'): string {
  if (unreadable) return 'weir: nothing was composed.';
  if (errors) return `weir: does not compose: ${count(errors.length, 'error')}.`;
  const note = hints.length === 0 ? '' : `, with ${count(hints.length, 'hint')}`;
  return `weir: composed ${count(subgraphs.length, 'subgraph')} into ${out}${note}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
