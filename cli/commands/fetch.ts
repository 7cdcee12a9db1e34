import { Command, Option } from 'commander';
import type { Context } from '../context';
import type * as Schema from '../../schema';
import type * as GraphQL from 'graphql';
import { addRegistryFlags, type RegistryFlags, versionNumber, withRegistry } from '../registry/registry';
import { replaceFile } from '../terminal/replace-file';

interface FetchFlags extends RegistryFlags {
  readonly subgraph?: string;
  readonly apiSchema?: true;
  readonly out?: string;
}

/** `weir fetch`: prints a schema that is in the registry. */
export function fetchCommand(context: Context): Command {
  const command = new Command('fetch')
    .summary('print the supergraph, the API schema or the schema of a subgraph')
    .description(
      'Prints the supergraph of a graph in the registry: that which runs, or with VERSION that of a version. With ' +
        '--api-schema prints what clients see of it, with --subgraph the schema of one subgraph as it was published. ' +
        'Of a rejected version these are the supergraph that went on running, and the schema that was refused.',
    )
    .argument('[VERSION]', 'the number of a version', versionNumber);
  return addRegistryFlags(command)
    .option('--subgraph <NAME>', 'print the schema of this subgraph')
    .addOption(new Option('--api-schema', 'print the API schema').conflicts('subgraph'))
    .option('-o, --out <FILE>', 'write the schema to a file, replaced in one step')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir fetch --graph shop@prod --out supergraph.graphql\n' +
        '  $ weir fetch 17 --subgraph reviews\n' +
        '  $ weir fetch --api-schema',
    )
    .action((version: number | undefined, flags: FetchFlags) => fetchSchema(version, flags, context));
}

async function fetchSchema(
  number: number | undefined,
  flags: FetchFlags,
  { stdout }: Context,
): Promise<void> {
  const { subgraph, apiSchema, out } = flags;
  const text = await withRegistry(flags, async (registry) => {
    const version =
      number === undefined
        ? ((await registry.lastRun()) ?? (await registry.newest()))
        : await registry.version(number);
    if (subgraph !== undefined) return registry.schema(version, subgraph);
    const supergraph = await registry.supergraph(version);
    return apiSchema ? apiSchemaIn(supergraph) : supergraph;
  });
  if (out === undefined) stdout.write(text);
  else await replaceFile(out, text);
}

const apiSchemaIn = (supergraph: string): string =>
  `${(require('graphql') as typeof GraphQL).printSchema((require('../../schema') as typeof Schema).apiSchemaOf(supergraph))}\n`;
