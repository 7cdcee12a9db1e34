import { Command, CommanderError, Help, type Option } from 'commander';
import { MissingPackage } from '../optional-packages';
import { CommandFailure, type Context } from './context';
import { packageVersion } from './own-package';
import { takeVariables, valueOf, variableOf } from './variables';

export type CreateCommand = (context: Context) => Command;

/**
 * Runs one command line of a `weir` that has these commands. Resolves with the exit code: 0 for success, 1 for a negative
 * answer, 2 for bad usage or configuration. Never rejects. Errors are printed on `stderr`, one sentence each.
 *
 * @param args without the program's own name
 */
export async function runCommandLine(
  commands: readonly CreateCommand[],
  args: readonly string[],
  context: Context,
): Promise<number> {
  try {
    const program = programOf(commands, args.includes('--no-color') ? withoutColours(context) : context);
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own message. Help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const verbose =
      args.includes('--verbose') ||
      Boolean(context.env['DEBUG']) ||
      ['true', '1'].includes(context.env['WEIR_VERBOSE'] ?? '');
    const message = describe(error, verbose);
    if (message !== '') context.stderr.write(`${message}\n`);
    return error instanceof CommandFailure ? error.exitCode : 2;
  }
}

/** Whether it does nothing but hold other commands. */
export const isGroup = ({ commands, registeredArguments }: Command): boolean =>
  commands.length > 0 && registeredArguments.length === 0;

const withoutColours = (context: Context): Context => ({
  ...context,
  env: { ...context.env, NO_COLOR: '1', FORCE_COLOR: undefined },
});

export function programOf(commands: readonly CreateCommand[], context: Context): Command {
  const program = new Command('weir')
    .description('A GraphQL federation gateway: one endpoint over many services.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [COMMAND]', 'print the help of a command')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .hook('preAction', (_program, command) => takeVariables(command, context));
  for (const create of commands) program.addCommand(create(context));
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void context.stdout.write(text),
        writeErr: (text) => void context.stderr.write(text),
        // The same width everywhere, as `cli/help.txt` has it, which is printed without loading this module.
        getOutHelpWidth: () => 80,
        outputError: (text, write) => write(sentence(text, command)),
      })
      .configureHelp({ optionDescription: (option) => describeOption(option, command) })
      .allowExcessArguments(false);
    if (command === program) continue;
    command.helpOption('-h, --help', 'print this help');
    // A group of commands has no flags of its own.
    if (isGroup(command)) continue;
    if (!command.options.some(({ long }) => long === '--verbose'))
      command.option('--verbose', 'print the stack of an unexpected error');
    command.option('--no-color', 'print no colours [NO_COLOR]');
    for (const option of command.options) {
      const variable = variableOf(option, command);
      // Commander checks mandatory flags before it reads variables.
      if (variable !== undefined && valueOf(variable, context.env) !== undefined)
        option.makeOptionMandatory(false);
    }
  }
  return program;
}

/** The description of a flag with its variable, such as "the address to listen on (default: 127.0.0.1) [WEIR_HOST]". */
function describeOption(option: Option, command: Command): string {
  const variable = variableOf(option, command);
  const text = new Help().optionDescription(option);
  return variable === undefined ? text : `${text} [${variable}]`;
}

/** Rewrites Commander's "error: unknown option '--prot'\n(Did you mean --port?)" to one line that says what to do. */
function sentence(text: string, command: Command): string {
  if (command.name() === 'gateway' && text.startsWith("error: unknown option '--mock"))
    return 'weir: `weir gateway` makes no answers up, as it is for production: `weir dev --mock NAME` does.\n';
  const message = text
    .replace(/^error: /, '')
    .trim()
    .replace(/\n\(Did you mean ([^\n]+)\?\)$/, '; did you mean $1?')
    .replace(/^option '([^']+)' argument missing$/, '$1 needs a value.')
    .replace(/^required option '([^']+)' not specified$/, '$1 is needed.')
    .replace(/^option '([^']+)' argument '([^']*)' is invalid\. /, '$1 does not take "$2". ');
  const help = /^(unknown|too many)[^?]*$/.test(message)
    ? `; \`${pathOf(command)} --help\` says what there is.`
    : '';
  return `weir: ${help === '' ? message : message.replace(/\.$/, '')}${help}\n`;
}

/** The full name of a command, such as `weir audit verify`. */
const pathOf = (command: Command): string =>
  `${command.parent === null ? '' : `${pathOf(command.parent)} `}${command.name()}`;

function describe(error: unknown, verbose: boolean): string {
  if (error instanceof CommandFailure) return error.message;
  if (error instanceof MissingPackage) return `weir: ${error.message}`;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (verbose) return stack ?? message;
  return `weir: unexpected error: ${message} (\`--verbose\` shows where)`;
}
