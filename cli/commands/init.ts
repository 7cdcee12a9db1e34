import { Command } from 'commander';
import type { Context } from '../context';
import type * as Scaffold from '../init/scaffold';

interface InitFlags {
  readonly subgraph?: string;
}

/** `weir init`: writes the files of a graph that can be run. */
export function initCommand(context: Context): Command {
  return new Command('init')
    .summary('write the files of a new graph, or of one more subgraph')
    .description(
      'Writes weir.yaml, supergraph.yaml and a subgraph that runs. Where there is a supergraph.yaml, --subgraph NAME ' +
        'writes one more subgraph, with its test, and enters it there. No other file is changed: when one of the ' +
        'new ones exists, nothing is written.',
    )
    .argument('[FOLDER]', 'where to write them', '.')
    .option('--subgraph <NAME>', 'the name of the subgraph, such as reviews (default: products)')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir init\n' +
        '  $ weir init my-graph\n' +
        '  $ weir init --subgraph reviews\n' +
        '\nThen `weir dev` runs the graph; docs/getting-started.md goes all the way.',
    )
    .action(async (folder: string, { subgraph }: InitFlags) => {
      const { scaffold, describeScaffold } = require('../init/scaffold') as typeof Scaffold;
      context.stdout.write(describeScaffold(await scaffold({ folder, subgraph, env: context.env })));
    });
}
