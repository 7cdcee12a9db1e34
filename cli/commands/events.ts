import { Command, InvalidArgumentError } from 'commander';
import type { Context } from '../context';
import type * as Failures from '../operators/failures';
import type * as Rebuilds from '../operators/rebuilds';
import { addOperatorFlags, countUpTo, type ReportFlags, whereSubgraphsAre } from '../operators/flags';

/** Loaded only when it is needed, as it takes long. */
const loadFailures = () => require('../operators/failures') as typeof Failures;

export interface FailedFlags extends ReportFlags {
  readonly consumer?: string;
}

export interface ListFailuresFlags extends FailedFlags {
  readonly limit: number;
  readonly after?: string;
}

export interface ChangeFailuresFlags extends FailedFlags {
  readonly all?: true;
}

export interface ReplayFlags extends ReportFlags {
  readonly projection: string;
  readonly to?: string;
  readonly restart?: true;
}

/** `weir events`: what operators do with consumers and projections. */
export function eventsCommand(context: Context): Command {
  const failed = new Command('failed')
    .summary('list the events that consumers could not handle')
    .description(
      'Lists the failure queues of consumers and projections, oldest failures first, and says where there are more. ' +
        whereSubgraphsAre,
    )
    .option('--consumer <NAME>', 'the failures of this consumer or projection alone')
    .option('-n, --limit <N>', 'how many to list of each consumer, at most 1000', countUpTo(1000), 100)
    .option(
      '--after <PLACE>',
      'the failures of --consumer behind this place, which the page before has printed',
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir events failed\n' +
        '  $ weir events failed --consumer thank-buyer --format json\n' +
        '  $ weir events failed --subgraph letters=https://letters.internal/graphql',
    )
    .action((flags: ListFailuresFlags) => loadFailures().listFailures(flags, context));
  const change = (action: 'retry' | 'drop', example: string) =>
    new Command(action)
      .argument('[ID...]', 'failures, as `weir events failed` prints them: CONSUMER/ID')
      .option('--all', 'all failures of --consumer, at most 100')
      .option('--consumer <NAME>', 'the consumer or projection of --all')
      .addHelpText(
        'after',
        `\nExit code 1 if there is no such failure.\n\nExamples:\n  $ weir events ${action} ${example}\n` +
          `  $ weir events ${action} --all --consumer thank-buyer`,
      )
      .action((ids: readonly string[], flags: ChangeFailuresFlags) =>
        loadFailures().changeFailures(action, ids, flags, context),
      );
  const retry = change('retry', 'thank-buyer/3f2a9c0d1e2b4c5d')
    .summary('deliver events again that have failed')
    .description(
      'Delivers events again to the consumer that could not handle them, with all tries. Later events of the same ' +
        'subject may have been handled meanwhile. ' +
        whereSubgraphsAre,
    );
  const drop = change('drop', 'thank-buyer/3f2a9c0d1e2b4c5d')
    .summary('forget events that have failed')
    .description(
      'Removes events from the failure queue of a consumer, which never handles them then. ' +
        whereSubgraphsAre,
    );
  const replay = new Command('replay')
    .summary('build a projection again from the events')
    .description(
      'Builds a projection from all events, beside the live one, and waits until it takes its place. With --to, it ' +
        'has the events up to that time, and takes no more until it is replayed without. Ctrl-C ends the command, ' +
        'not the rebuild. ' +
        whereSubgraphsAre,
    )
    .requiredOption('--projection <NAME>', 'the projection')
    .option('--to <TIME>', 'the last moment whose events it has, such as 2026-11-27T09:00:00Z', timeOf)
    .option('--restart', 'give up a rebuild that is going on')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir events replay --projection order-history\n' +
        '  $ weir events replay --projection order-history --to 2026-11-27T09:00:00Z',
    )
    .action((flags: ReplayFlags) =>
      (require('../operators/rebuilds') as typeof Rebuilds).replay(flags, context),
    );
  return new Command('events')
    .summary('retry or drop events that have failed, and build projections again')
    .description('Does what operators do with the consumers and projections of subgraphs.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ weir events failed')
    .addCommand(addOperatorFlags(failed))
    .addCommand(addOperatorFlags(retry))
    .addCommand(addOperatorFlags(drop))
    .addCommand(addOperatorFlags(replay));
}

/** A time as ISO 8601 has it, with its zone, in UTC. */
function timeOf(text: string): string {
  const [, date] =
    /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const time = date === undefined ? NaN : Date.parse(text);
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(time) || !new Date(`${date!}T00:00:00Z`).toISOString().startsWith(date!))
    throw new InvalidArgumentError('It must be a time with its zone, such as 2026-11-27T09:00:00Z.');
  if (time > Date.now()) throw new InvalidArgumentError('It must not be in the future.');
  return new Date(time).toISOString();
}
