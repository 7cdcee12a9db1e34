import { Command } from 'commander';
import type { Registry, SubgraphChange } from '../../schema';
import { CommandFailure, type Context } from '../context';
import {
  addAuthorFlags,
  addRegistryFlags,
  type AuthorFlags,
  authorshipOf,
  formatOption,
  type RegistryFlags,
  reportResult,
  withRegistry,
} from '../registry/registry';
import { withIntrospection } from '../registry/introspection';
import { addSchemaFlags, readChanges, type SchemaFlags } from '../registry/subgraph-changes';

interface PublishFlags extends RegistryFlags, AuthorFlags, SchemaFlags {
  readonly remove?: true;
  readonly format: string;
}

/** `weir publish`: publishes a subgraph's schema to every gateway that runs the graph. */
export function publishCommand(context: Context): Command {
  const command = new Command('publish')
    .summary('publish the schema of a subgraph to the registry')
    .description(
      'Composes the schema with those of all other subgraphs and, if it composes, makes it live on every gateway ' +
        'that runs this graph. Concurrent publishes wait for each other and never overwrite. A schema that does not ' +
        'compose is recorded as rejected, and the running graph is unchanged: exit code 1.',
    )
    .argument('[SUBGRAPH]', 'its name; left out with --config');
  return addAuthorFlags(addRegistryFlags(addSchemaFlags(command)))
    .option('--remove', 'take the subgraph out of the graph')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir publish reviews --schema schema.graphql --routing-url https://reviews.internal/graphql\n' +
        '  $ weir publish --config schema/supergraph.yaml --registry ./registry --graph shop@dev\n' +
        '  $ weir publish reviews --remove',
    )
    .action((name: string | undefined, flags: PublishFlags) => publish(name, flags, context));
}

async function publish(name: string | undefined, flags: PublishFlags, context: Context): Promise<void> {
  const run = flags.remove
    ? removal(name, flags)
    : publication(
        await withIntrospection(flags, context, (calls) => readChanges(name, flags, context, calls)),
      );
  const authorship = await authorshipOf(flags, context);
  await withRegistry(flags, async (registry) => {
    reportResult(await run(registry, authorship), registry, flags.format, context);
  });
}

type Run = (
  registry: Registry,
  authorship: Awaited<ReturnType<typeof authorshipOf>>,
) => ReturnType<Registry['publish']>;

const publication =
  (changes: readonly SubgraphChange[]): Run =>
  (registry, authorship) =>
    registry.publish(changes, authorship);

function removal(name: string | undefined, { schema, config }: PublishFlags): Run {
  if (name === undefined || schema !== undefined || config !== undefined) {
    throw new CommandFailure(
      'weir: --remove takes the name of a subgraph, and neither --schema nor --config.',
      2,
    );
  }
  return (registry, authorship) => registry.remove(name, authorship);
}
