import { Command, InvalidArgumentError } from 'commander';
import type { PreviewOptions, Registry, SubgraphChange } from '../../schema';
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
  readonly from?: string;
  /** Milliseconds; 0 ends a preview now. */
  readonly expires?: number;
  readonly format: string;
}

/** `weir publish`: publishes a subgraph's schema to every gateway that runs the graph. */
export function publishCommand(context: Context): Command {
  const command = new Command('publish')
    .summary('publish the schema of a subgraph to the registry')
    .description(
      'Composes the schema with those of all other subgraphs and, if it composes, makes it live on every gateway ' +
        'that runs this graph. Concurrent publishes wait for each other and never overwrite. A schema that does not ' +
        'compose is recorded as rejected, and the running graph is unchanged: exit code 1. With --from, publishes to ' +
        'a preview: a variant with the other subgraphs of another one, which is deleted when it expires.',
    )
    .argument('[SUBGRAPH]', 'its name; left out with --config');
  return addAuthorFlags(addRegistryFlags(addSchemaFlags(command)))
    .option('--remove', 'take the subgraph out of the graph')
    .option('--from <GRAPH@VARIANT>', 'publish to a preview, made from the newest version of this variant')
    .option(
      '--expires <DURATION>',
      'how long the preview stays after this publish, 1m to 90d (default: 14d); now: delete it',
      lifetimeOf,
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir publish reviews --schema schema.graphql --routing-url https://reviews.internal/graphql\n' +
        '  $ weir publish --config schema/supergraph.yaml --registry ./registry --graph shop@dev\n' +
        '  $ weir publish reviews --remove\n' +
        '  $ weir publish reviews --schema schema.graphql --graph shop@pr-7 --from shop@prod --expires 14d\n' +
        '  $ weir publish --graph shop@pr-7 --expires now',
    )
    .action((name: string | undefined, flags: PublishFlags) => publish(name, flags, context));
}

async function publish(name: string | undefined, flags: PublishFlags, context: Context): Promise<void> {
  if (flags.expires === 0) return endPreview(name, flags, context);
  const { from, expires } = flags;
  if (from === undefined && expires !== undefined)
    throw new CommandFailure(
      'weir: --expires needs --from: the variant that the preview is made from. Only --expires now does not.',
      2,
    );
  if (from !== undefined && flags.remove)
    throw new CommandFailure('weir: --remove does not take --from: a preview keeps what it is made from.', 2);
  const run = flags.remove
    ? removal(name, flags)
    : publication(
        await withIntrospection(flags, context, (calls) => readChanges(name, flags, context, calls)),
        from === undefined ? undefined : { from, lifetime: expires ?? usualLifetime },
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
  (changes: readonly SubgraphChange[], preview: PreviewOptions | undefined): Run =>
  (registry, authorship) =>
    preview === undefined
      ? registry.publish(changes, authorship)
      : registry.preview(changes, preview, authorship);

/** Deletes a preview. Succeeds where there is none, as a pipeline runs it for each pull request that is closed. */
async function endPreview(
  name: string | undefined,
  { remove, ...flags }: PublishFlags,
  { stdout }: Context,
): Promise<void> {
  if (name !== undefined || remove)
    throw new CommandFailure(
      'weir: --expires now deletes the whole preview that --graph names: leave SUBGRAPH and --remove out.',
      2,
    );
  await withRegistry(flags, async (registry) => {
    const outcome = (await registry.endPreview()) ? 'ended' : 'unchanged';
    stdout.write(
      flags.format === 'json'
        ? `${JSON.stringify({ outcome }, null, 2)}\n`
        : outcome === 'ended'
          ? `${registry.name} has ended, and is deleted with its usage.\n`
          : `There is no ${registry.name}: nothing to do.\n`,
    );
  });
}

const day = 86_400_000;
const usualLifetime = 14 * day;

/** In milliseconds. */
function lifetimeOf(text: string): number {
  if (text === 'now') return 0;
  const [, amount, unit] = /^(\d{1,6})(m|h|d)$/.exec(text) ?? [];
  const lifetime = Number(amount) * (unit === 'd' ? day : unit === 'h' ? 3_600_000 : 60_000);
  if (lifetime >= 60_000 && lifetime <= 90 * day) return lifetime;
  throw new InvalidArgumentError('It must be minutes, hours or days, from 1m to 90d, such as 14d; or now.');
}

function removal(name: string | undefined, { schema, config }: PublishFlags): Run {
  if (name === undefined || schema !== undefined || config !== undefined) {
    throw new CommandFailure(
      'weir: --remove takes the name of a subgraph, and neither --schema nor --config.',
      2,
    );
  }
  return (registry, authorship) => registry.remove(name, authorship);
}
