import { Command, InvalidArgumentError } from 'commander';
import type { Context } from '../context';
import type * as CallReport from '../operators/call-report';
import { formatOption } from '../registry/registry';

export interface CallReportFlags {
  readonly admin?: readonly string[];
  readonly token?: string;
  /** Milliseconds. */
  readonly since?: number;
  readonly format: string;
}

/** `weir report`: prints who calls whom how often, what is saved, and what would be better. */
export function reportCommand(context: Context): Command {
  return new Command('report')
    .summary('show which calls of subgraphs could be fewer, and how fresh caches are')
    .description(
      'Tells how often operations call each subgraph, and services one another; how many calls were merged, ' +
        'deduplicated, batched or cached; how often caches are hit, how old that is, and how often it had changed ' +
        'by the time it was fetched again; and which operations should be one call, or cached. The gateway is that ' +
        'of the `weir dev` that runs in this folder, else that of --admin.',
    )
    .option('--admin <URL...>', 'the admin ports of gateways, whose counts are added up')
    .option('--token <TOKEN>', 'their `admin.token`; as a variable it is in no list of processes')
    .option(
      '--since <DURATION>',
      'such as 15m: the last minutes, at most 1h (default: since the start)',
      lastMinutes,
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir report\n' +
        '  $ weir report --since 15m\n' +
        '  $ WEIR_TOKEN=… weir report --admin http://10.0.0.1:9464 http://10.0.0.2:9464\n' +
        "  $ weir report --format json | jq -r '.advice[]'",
    )
    .action((flags: CallReportFlags) =>
      (require('../operators/call-report') as typeof CallReport).report(flags, context),
    );
}

function lastMinutes(text: string): number {
  const [, amount, unit] = /^(\d{1,4})(m|h)$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (unit === 'h' ? 3_600_000 : 60_000);
  if (milliseconds >= 60_000 && milliseconds <= 3_600_000) return milliseconds;
  throw new InvalidArgumentError('It must be a number of minutes from 1m to 60m, or 1h.');
}
