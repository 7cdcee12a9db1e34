import { Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context';
import { formatOption } from '../registry/registry';
import type { ReplayFlags } from '../replay/flags';
import type * as Replay from '../replay/replay';
import { replayReportCommand } from './replay-report';

/** `weir replay`: proves that two endpoints answer alike. */
export function replayCommand(context: Context): Command {
  return (
    new Command('replay')
      .summary('send recorded queries to two endpoints, and compare the answers')
      .description(
        'Sends each query of a file to A and B, compares the answers by value, and reports what is different by ' +
          'operation and path. Mutations, subscriptions and uploads are left out. Values are in no report without ' +
          '--values. docs/replay.md shows how to prove a switch.',
      )
      .argument('<A>', 'a GraphQL endpoint, such as the gateway in use')
      .argument('<B>', 'the other one')
      .option(
        '--from <SOURCE...>',
        'JSON lines (query or hash, variables, operationName), a HAR of a browser, or the admin port of a gateway, for what its console has recorded',
      )
      .option(
        '--token <TOKEN>',
        'the `admin.token` of that gateway; as a variable it is in no list of processes',
      )
      .option(
        '--header <NAME=VARIABLE...>',
        'a header for both, with its value from a variable of the environment',
      )
      .option('--header-a <NAME=VARIABLE...>', 'one for A alone')
      .option('--header-b <NAME=VARIABLE...>', 'one for B alone')
      .option('--keep-header <NAME...>', 'a header of a HAR that is sent; all others of it are dropped')
      .option('--ignore <PATH...>', 'what is not compared, such as products[].stock or **.updatedAt')
      .option('--unordered <PATH...>', 'lists whose order does not matter, such as products[].tags')
      .option('--values', 'print the values that differ')
      .option('--rate <N>', 'requests in a second to each endpoint', numberUpTo(10_000), 10)
      .option('--concurrency <N>', 'requests that run at once at each endpoint', numberUpTo(100), 4)
      .addOption(
        new Option('--timeout <DURATION>', 'how long to wait for an answer, such as 5s')
          .argParser(milliseconds)
          .default(30_000, '30s'),
      )
      .option('--state <FILE>', 'what was compared: the same command goes on from there after it was stopped')
      .addOption(formatOption('text', 'json'))
      .addHelpText(
        'after',
        '\nExit code 0 if all answers are equal, 1 if some are different, 2 if the input is wrong or not all was sent.\n\n' +
          'Examples:\n' +
          '  $ weir replay https://api.example.com/graphql http://127.0.0.1:4000/graphql --from queries.jsonl\n' +
          '  $ TOKEN="Bearer …" weir replay "$OLD" "$NEW" --from shop.har --header authorization=TOKEN\n' +
          '  $ weir replay "$OLD" "$NEW" --from queries.jsonl --unordered \'search[].tags\' --ignore \'**.updatedAt\'\n' +
          '  $ WEIR_TOKEN=… weir replay "$OLD" "$NEW" --from http://127.0.0.1:9464\n' +
          '  $ weir replay "$OLD" "$NEW" --from queries.jsonl --state replay.json --format json | jq .different',
      )
      // Flags after `report` are its own.
      .enablePositionalOptions()
      .addCommand(replayReportCommand(context))
      .action((a: string, b: string, flags: ReplayFlags) =>
        (require('../replay/replay') as typeof Replay).replay(a, b, flags, context),
      )
  );
}

const numberUpTo =
  (most: number) =>
  (text: string): number => {
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (number < 1 || number > most) throw new InvalidArgumentError(`It must be a number from 1 to ${most}.`);
    return number;
  };

function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d{1,5})(ms|s|m)$/.exec(text) ?? [];
  const units = { ms: 1, s: 1000, m: 60_000 };
  const time = Number(amount) * units[unit as keyof typeof units];
  if (time >= 1 && time <= 3_600_000) return time;
  throw new InvalidArgumentError('It must be a time up to 60m, such as 500ms or 30s.');
}
