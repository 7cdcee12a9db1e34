import { Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context';
import type * as Rehearsal from '../recovery/rehearsal';
import { formatOption } from '../registry/registry';

export interface RehearseRecoveryFlags {
  readonly endpoint?: string;
  readonly embedded?: true;
  readonly yes?: true;
  readonly folder: string;
  readonly items: number;
  readonly writers: number;
  readonly acknowledge: 'archived' | 'written';
  readonly reset?: true;
  readonly format: string;
}

/** `weir rehearse-recovery`: loses a DynamoDB, brings it back, and measures both. */
export function rehearseRecoveryCommand(context: Context): Command {
  return new Command('rehearse-recovery')
    .summary('lose tables of DynamoDB, bring them back, and measure it')
    .description(
      'Writes items with their events to tables of its own, archives the events, takes a snapshot while writes go on, ' +
        'deletes the tables at a random moment, brings them back from snapshot and archive, and compares each item ' +
        'with what was acknowledged. Prints the time from the loss to the first answer (RTO), and the acknowledged ' +
        'writes that are gone (RPO). All its tables are named weir-rehearsal-…; no other table is read or changed. ' +
        'docs/recovery.md says what follows for your own.',
    )
    .option('--endpoint <URL>', 'a DynamoDB at an address of its own (default: AWS, with --yes)')
    .option('--embedded', 'an embedded DynamoDB in memory, to try it')
    .option('--yes', 'create and delete the tables at AWS, which costs money')
    .option(
      '--folder <FOLDER>',
      'where weir-rehearsal with archive and snapshot is made: a folder, or s3://BUCKET/PREFIX?region=REGION',
      '.weir',
    )
    .option(
      '-n, --items <N>',
      'how many items there are when the tables are lost, at least',
      numberUpTo(1_000_000),
      10_000,
    )
    .option('--writers <N>', 'how many writes go on at once', numberUpTo(400), 16)
    .addOption(
      new Option(
        '--acknowledge <WHEN>',
        'when a write is answered: its event is archived, or the item is written',
      )
        .choices(['archived', 'written'])
        .default('archived'),
    )
    .option('--reset', 'first delete what a rehearsal has left that was killed, or that failed')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExit code 0 if nothing that was acknowledged is lost. 1 if something is, with the first key that differs; the ' +
        'tables, archive and snapshot then stay. 2 if there is something left of an earlier rehearsal.\n\nExamples:\n' +
        '  $ weir rehearse-recovery --embedded --items 500\n' +
        '  $ weir rehearse-recovery --endpoint http://127.0.0.1:8000\n' +
        '  $ weir rehearse-recovery --endpoint http://127.0.0.1:8000 --acknowledge written\n' +
        '  $ AWS_REGION=eu-west-1 weir rehearse-recovery --yes --folder "s3://rehearsals?region=eu-west-1" --writers 400',
    )
    .action((flags: RehearseRecoveryFlags) =>
      (require('../recovery/rehearsal') as typeof Rehearsal).rehearseRecovery(flags, context),
    );
}

const numberUpTo =
  (most: number) =>
  (text: string): number => {
    const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
    if (number < 1 || number > most) throw new InvalidArgumentError(`It must be a number from 1 to ${most}.`);
    return number;
  };
