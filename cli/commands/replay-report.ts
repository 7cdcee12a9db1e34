import { Command } from 'commander';
import type { Context } from '../context';
import type { AdminPortFlags } from '../operators/admin-port';
import { formatOption } from '../registry/registry';
import type * as ShadowReports from '../replay/shadow-report';

export interface ReplayReportFlags extends AdminPortFlags {
  readonly format: string;
}

/** `weir replay report`: prints what a running gateway has compared with its shadow. */
export function replayReportCommand(context: Context): Command {
  return new Command('report')
    .summary("show how a gateway's answers compare with those of its shadow")
    .description(
      'Prints what running gateways have compared by the option `shadow`: A is the gateway, B its shadow. The gateway ' +
        'is that of the `weir dev` that runs in this folder, else that of --admin.',
    )
    .option('--admin <URL...>', 'the admin ports of gateways, whose reports follow one another')
    .option('--token <TOKEN>', 'their `admin.token`; as a variable it is in no list of processes')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExit code 0 if all compared answers are equal, 1 if some are different, 2 if there is no report.\n\n' +
        'Examples:\n' +
        '  $ weir replay report\n' +
        '  $ WEIR_TOKEN=… weir replay report --admin http://10.0.0.1:9464\n' +
        '  $ weir replay report --format json | jq .[].different',
    )
    .action((flags: ReplayReportFlags) =>
      (require('../replay/shadow-report') as typeof ShadowReports).printShadowReports(flags, context),
    );
}
