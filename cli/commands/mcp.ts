import { Command } from 'commander';
import type { ToolDescription } from '../../gateway/mcp/tools/describe-tools';
import type * as ReadSupergraph from '../../gateway/process/read-supergraph';
import { CommandFailure, type Context } from '../context';
import { lineOfLeftOut, toolsIn } from '../mcp/tools-in';
import { formatOption } from '../registry/registry';

interface ToolsFlags {
  readonly config: string;
  readonly supergraph?: string;
  readonly format: string;
}

/** `weir mcp`: what agents are offered. */
export function mcpCommand(context: Context): Command {
  const tools = new Command('tools')
    .summary('print the tools of agents, and which operations are none')
    .description(
      'Prints what `mcp.operations` of the options come to in the supergraph: each tool with its arguments, what its fields ' +
        'require of callers, and the bytes of its definition. Then the operations that are left out, and why. With ' +
        '--format json, also the schemas. Exits 1 if an operation does not fit the supergraph.',
    )
    .requiredOption('-c, --config <FILE>', 'options of the gateway, in YAML')
    .option(
      '-s, --supergraph <SOURCE>',
      'a file, an http(s) or s3:// URL, or registry:LOCATION#GRAPH@VARIANT (default: `supergraph` of the options)',
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir mcp tools --config weir.yaml\n' +
        "  $ weir mcp tools --config weir.yaml --format json | jq '.tools[] | {name, scopes}'",
    )
    .action((flags: ToolsFlags) => printTools(flags, context));
  return new Command('mcp')
    .summary('print the tools of agents')
    .description('What agents are offered by the Model Context Protocol.')
    .addCommand(tools);
}

async function printTools({ format, ...given }: ToolsFlags, context: Context): Promise<void> {
  const { stdout } = context;
  const { readSupergraph } = require('../../gateway/process/read-supergraph') as typeof ReadSupergraph;
  const found = await toolsIn(given, context, readSupergraph);
  const { tools, leftOut } = found;
  if (format === 'json') stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else stdout.write(`${[...tools.map(lineOf), ...leftOut.map(lineOfLeftOut)].join('\n')}\n`);
  if (leftOut.some(({ isInvalid }) => isInvalid)) throw new CommandFailure('', 1);
}

function lineOf({ name, inputSchema, requires, scopes, bytes, file, partial }: ToolDescription): string {
  const required = (inputSchema['required'] ?? []) as readonly string[];
  const names = Object.keys(inputSchema.properties).map((each) =>
    required.includes(each) ? each : `${each}?`,
  );
  const needs = [
    ...(requires.length === 0 ? ['no login'] : requires.filter((label) => !label.startsWith('scopes '))),
    ...(scopes.length === 0 ? [] : [`scopes ${scopes.join(' ')}`]),
    ...(partial ? ['partial'] : []),
  ];
  return `${name}(${names.join(', ')})\n  ${needs.join('; ')}; ${bytes} bytes; ${file}`;
}
