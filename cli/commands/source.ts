import { Command } from 'commander';
import type { SourceDescription } from '../../schema';
import { CommandFailure, type Context } from '../context';
import {
  addIntrospectionFlags,
  type Introspect,
  type IntrospectionFlags,
  withIntrospection,
} from '../registry/introspection';
import { formatOption } from '../registry/registry';
import { paintFor } from '../terminal/colours';
import { configHere } from '../terminal/config-here';
import { showProblem } from '../terminal/problems';
import type * as Schema from '../../schema';

interface SourceFlags extends IntrospectionFlags {
  readonly config?: string;
  readonly suggest?: true;
  readonly format: string;
}

/** `weir source`: shows what an API that is no federation subgraph becomes in a graph. */
export function sourceCommand(context: Context): Command {
  return addIntrospectionFlags(new Command('source'))
    .summary('print the schema of an API with its overlay, and propose lookups')
    .description(
      'Prints the source schema of a subgraph: that of its API, or of the operations of its OpenAPI document that the overlay ' +
        'names, with the overlay. Its size, and what cannot be as in the document and why, go to stderr. With --suggest, ' +
        'prints lines for the overlay instead: queries that look like lookups, and ids that look like links to entities.',
    )
    .argument('<NAME>', 'the subgraph')
    .option(
      '-c, --config <FILE>',
      "the configuration in Rover's format (default: supergraph.yaml, or schema/supergraph.yaml if only that exists)",
    )
    .option('--suggest', 'propose lines for the overlay')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir source users\n' +
        '  $ weir source users --suggest > users.join.graphql\n' +
        '  $ weir source pets --format json | jq .notes',
    )
    .action((name: string, flags: SourceFlags) =>
      withIntrospection(flags, context, (calls) => source(name, flags, context, calls)),
    );
}

async function source(name: string, flags: SourceFlags, context: Context, calls: Introspect): Promise<void> {
  const { stdout, stderr, env } = context;
  const { describeSource, SupergraphConfigError } = require('../../schema') as typeof Schema;
  const { config: file = configHere(), suggest = false } = flags;
  let found: SourceDescription;
  try {
    found = await describeSource({ file, env, name, suggest, ...calls });
  } catch (error) {
    if (!(error instanceof SupergraphConfigError)) throw error;
    const paint = paintFor(stderr, context);
    throw new CommandFailure(error.problems.map((problem) => showProblem(problem, paint)).join('\n\n'), 2);
  }
  if (flags.format === 'json') {
    stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return;
  }
  stdout.write(suggest ? found.suggestions.map(({ overlay }) => `${overlay}\n`).join('') : found.sdl);
  for (const { message, coordinates } of suggest ? [] : found.notes)
    stderr.write(`weir: ${message} (${listOf(coordinates)})\n`);
  stderr.write(`weir: ${suggest ? suggested(found) : sizeOf(found)}\n`);
}

const sizeOf = ({ name, types, fields, sdl }: SourceDescription): string =>
  `${name} has ${types} types with ${fields} fields, ${Buffer.byteLength(sdl)} bytes.`;

const suggested = ({ name, suggestions }: SourceDescription): string =>
  suggestions.length === 0
    ? `nothing of ${name} looks like a lookup or a link that its overlay does not have.`
    : `lines for the overlay of ${name}: ${suggestions.length}. Keep those that are right.`;

/** The first of them are enough to find the others. */
const listOf = (coordinates: readonly string[]): string =>
  coordinates.length <= 3
    ? coordinates.join(', ')
    : `${coordinates.slice(0, 3).join(', ')} and ${coordinates.length - 3} more`;
