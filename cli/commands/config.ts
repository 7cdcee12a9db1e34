import { Command, Option } from 'commander';
import type { Node } from 'yaml';
import type { OptionInForce } from '../../gateway/options/in-force';
import type { OptionOrigin } from '../../gateway/options/sources';
import type { Context } from '../context';
import {
  addGatewayFlags,
  addSupergraphFlags,
  flagNames,
  type OwnFlags,
  readOptions,
  withOptionsErrors,
} from '../gateway-options';
import type * as InForce from '../../gateway/options/in-force';
import type * as Yaml from 'yaml';

interface PrintFlags extends OwnFlags {
  readonly format: 'yaml' | 'json';
}

/** `weir config print`: prints the options in force. */
export function configCommand(context: Context): Command {
  const print = addSupergraphFlags(addGatewayFlags(new Command('print')))
    .summary('print all options that are in force, and where each comes from')
    .description(
      'Prints the options that `weir gateway` would run with, given the same flags: those of the file, of the ' +
        'environment and of flags, and the defaults of all others. Secrets are hidden.',
    )
    .addOption(
      new Option('--format <FORMAT>', 'yaml is for people, json for programs')
        .choices(['yaml', 'json'])
        .default('yaml'),
    )
    .addHelpText(
      'after',
      '\nExit code 2 if the options are wrong.\n\nExamples:\n' +
        '  $ weir config print --config weir.yaml\n' +
        '  $ weir config print --config weir.yaml --format json',
    )
    .action((flags: PrintFlags) => printOptions(flags, context));
  return new Command('config')
    .summary('print the options that are in force')
    .description('Shows what a configuration comes to. `weir gateway --check` checks it.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ weir config print --config weir.yaml')
    .addCommand(print);
}

async function printOptions(flags: PrintFlags, context: Context): Promise<void> {
  const inForce = await withOptionsErrors(() => {
    const { options, sources } = readOptions(flags, context);
    return (require('../../gateway/options/in-force') as typeof InForce).optionsInForce(options, sources);
  });
  context.stdout.write(flags.format === 'json' ? toJson(inForce) : toYaml(inForce));
}

function toJson(options: readonly OptionInForce[]): string {
  const rows = options.map(({ path, value, origin }) => ({
    option: path.join('.'),
    ...(value === undefined ? { hidden: true } : { value }),
    origin: origin.kind === 'flag' ? { ...origin, flag: flagNames[path.join('.')] ?? origin.kind } : origin,
  }));
  return `${JSON.stringify({ options: rows }, null, 2)}\n`;
}

/** Formats options as YAML, with the origin of each as a comment. */
function toYaml(options: readonly OptionInForce[]): string {
  const { Document, isCollection } = require('yaml') as typeof Yaml;
  const document = new Document({});
  for (const { path, value, origin } of options) {
    const node = document.createNode(value ?? '[hidden]') as Node;
    if (isCollection(node)) node.flow = true;
    node.comment = ` ${describe(origin, path)}`;
    document.setIn(path, node);
  }
  return document.toString({ lineWidth: 0, singleQuote: true });
}

function describe(origin: OptionOrigin, path: readonly (string | number)[]): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'flag':
      return flagNames[path.join('.')] ?? 'flag';
    case 'environment':
      return origin.variable;
    case 'file': {
      const taken = [
        ...origin.variables.map((name) => `\${${name}}`),
        ...origin.files.map((file) => `\${file:${file}}`),
      ];
      return [`${origin.file}:${origin.line}`, ...taken].join(' ');
    }
    default:
      return origin satisfies never;
  }
}
