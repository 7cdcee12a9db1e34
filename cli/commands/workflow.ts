import { Command, Option } from 'commander';
import type { Context } from '../context';
import type * as Executions from '../operators/executions';
import { addOperatorFlags, countUpTo, type ReportFlags, whereSubgraphsAre } from '../operators/flags';

/** Loaded only when it is needed, as it takes long. */
const loadExecutions = () => require('../operators/executions') as typeof Executions;

export interface ListFlags extends ReportFlags {
  readonly status?: 'failed' | 'running';
  readonly limit: number;
}

/** `weir workflow`: what operators do with the executions of workflows. */
export function workflowCommand(context: Context): Command {
  const list = new Command('list')
    .summary('list the executions that have failed or run')
    .description(
      'Lists the executions that have failed, then those that run, those that changed last first. Executions that ' +
        'have succeeded are not listed, but `weir workflow show` shows them. ' +
        whereSubgraphsAre,
    )
    .addOption(new Option('--status <STATUS>', 'these alone').choices(['failed', 'running']))
    .option('-n, --limit <N>', 'how many to list of each subgraph and status', countUpTo(100), 20)
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir workflow list\n  $ weir workflow list --status failed --subgraph orders',
    )
    .action((flags: ListFlags) => loadExecutions().list(flags, context));
  const show = new Command('show')
    .summary('show what happened to an execution, state by state')
    .description('Shows the input, the end and the history of an execution. ' + whereSubgraphsAre)
    .argument('<EXECUTION>', 'its name: WORKFLOW.ID')
    .addHelpText(
      'after',
      '\nExit code 1 if there is no such execution.\n\nExamples:\n  $ weir workflow show place-order.o1',
    )
    .action((execution: string, flags: ReportFlags) => loadExecutions().show(execution, flags, context));
  const retry = new Command('retry')
    .summary('let executions that have failed go on')
    .description(
      'Lets executions that have failed go on with the state that failed, with all its tries. ' +
        whereSubgraphsAre,
    )
    .argument('<EXECUTION...>', 'their names: WORKFLOW.ID')
    .addHelpText(
      'after',
      '\nExit code 1 if one of them has not failed or does not exist.\n\nExamples:\n' +
        '  $ weir workflow retry place-order.o1',
    )
    .action((executions: readonly string[], flags: ReportFlags) =>
      loadExecutions().retry(executions, flags, context),
    );
  return new Command('workflow')
    .summary('look at the executions of workflows, and let failed ones go on')
    .description('Does what operators do with the executions of the workflows of subgraphs.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ weir workflow list')
    .addCommand(addOperatorFlags(list))
    .addCommand(addOperatorFlags(show))
    .addCommand(addOperatorFlags(retry));
}
