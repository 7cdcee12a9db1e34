import type * as DescribeTools from '../../gateway/mcp/tools/describe-tools';
import type { LeftOutTool } from '../../gateway/mcp/tools/tools';
import type { Options } from '../../gateway/options';
import { CommandFailure, type Context } from '../context';
import { forOneGraph, OptionsReader, withOptionsErrors } from '../gateway-options';

/** What an options file offers to agents. @param read the supergraph */
export function toolsIn(
  given: { readonly config: string; readonly supergraph?: string },
  context: Context,
  read: (options: Options) => Promise<string>,
): ReturnType<typeof DescribeTools.describeTools> {
  const reader = new OptionsReader(given, context, undefined, forOneGraph(given));
  return withOptionsErrors(async () => {
    const options = reader.read();
    const { mcp } = options;
    if (mcp === undefined)
      throw new CommandFailure(`weir: ${given.config} has no \`mcp\`: it offers nothing to agents.`, 2);
    const { describeTools } = require('../../gateway/mcp/tools/describe-tools') as typeof DescribeTools;
    return describeTools({ ...options, mcp }, await read(options));
  }, reader);
}

/** An operation that is no tool, and why. */
export const lineOfLeftOut = ({ name, file, reason }: LeftOutTool): string =>
  `left out: ${name}\n  ${reason} ${file}`;
