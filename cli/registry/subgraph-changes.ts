import type { Command } from 'commander';
import type { SubgraphChange } from '../../schema';
import { CommandFailure, type Context } from '../context';
import { readInput } from '../terminal/input';
import { addIntrospectionFlags, type Introspect, type IntrospectionFlags } from './introspection';
import type * as Schema from '../../schema';
import { givenBy } from '../variables';

/** The flags that select the schemas of a command. */
export interface SchemaFlags extends IntrospectionFlags {
  readonly schema?: string;
  readonly routingUrl?: string;
  readonly config?: string;
}

export function addSchemaFlags(command: Command): Command {
  return addIntrospectionFlags(command)
    .option('-s, --schema <FILE>', 'the schema of the subgraph')
    .option('--routing-url <URL>', 'the URL of the subgraph for gateways (default: unchanged)')
    .option('-c, --config <FILE>', "all subgraphs of a configuration in Rover's format, in place of one");
}

/** Reads the schemas to publish or check: of one subgraph, or of all subgraphs of a configuration. */
export async function readChanges(
  name: string | undefined,
  { schema, routingUrl, config }: SchemaFlags,
  { env }: Context,
  calls: Introspect,
): Promise<SubgraphChange[]> {
  if (config !== undefined) {
    if (name !== undefined || schema !== undefined || routingUrl !== undefined)
      throw new CommandFailure(
        'weir: --config names all subgraphs: leave SUBGRAPH, --schema and --routing-url out.',
        2,
      );
    return readConfig(config, env, calls);
  }
  if (name === undefined)
    throw new CommandFailure('weir: which subgraph? Name it, or all with --config FILE.', 2);
  if (schema === undefined)
    throw new CommandFailure(`weir: which schema has ${name}? Name it with --schema FILE.`, 2);
  if (routingUrl !== undefined && !(/^https?:\/\//.test(routingUrl) && URL.canParse(routingUrl)))
    throw new CommandFailure(
      `weir: ${givenBy('--routing-url', routingUrl, env)} must be an http or https URL, but got: "${routingUrl}".`,
      2,
    );
  const sdl = await readInput('--schema', schema, env);
  return [{ name, sdl, file: schema, routingUrl }];
}

async function readConfig(file: string, env: Context['env'], calls: Introspect): Promise<SubgraphChange[]> {
  const { formatProblem, loadSupergraphConfig, readSubgraphSchemas, SupergraphConfigError } =
    require('../../schema') as typeof Schema;
  try {
    return await readSubgraphSchemas(await loadSupergraphConfig({ file, env }), calls);
  } catch (error) {
    if (!(error instanceof SupergraphConfigError)) throw error;
    throw new CommandFailure(error.problems.map(formatProblem).join('\n'), 2);
  }
}
