import { Argument, Command } from 'commander';
import type { Context } from '../context';

/** `weir completion`: prints a script with which the shell completes commands, flags and their values. */
export function completionCommand({ stdout }: Context): Command {
  return new Command('completion')
    .summary('print a script with which bash or zsh completes commands and flags')
    .description(
      'Prints a script for a shell, which then completes commands, flags, and the values of flags that take one of ' +
        'a few; file names everywhere else.',
    )
    .addArgument(new Argument('<SHELL>', 'the shell').choices(['bash', 'zsh']))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir completion bash > ~/.local/share/bash-completion/completions/weir\n' +
        '  $ weir completion zsh > ~/.zfunc/_weir\n\n' +
        'bash reads that folder if the package bash-completion is installed; without it, put\n' +
        '`source <(weir completion bash)` into ~/.bashrc. zsh reads ~/.zfunc if ~/.zshrc has\n' +
        '`fpath+=(~/.zfunc)` before `autoload -U compinit && compinit`.',
    )
    .action((shell: string, _flags: object, command: Command) => {
      stdout.write(shell === 'zsh' ? zsh(command.parent!) : bash(command.parent!));
    });
}

/** Zsh can run the completion of bash. The first completion only loads this file, so the last line completes again. */
const zsh = (program: Command): string =>
  `#compdef weir
autoload -U +X bashcompinit && bashcompinit
${bash(program)}if [ "\${funcstack[1]}" = "_weir" ]; then _bash_complete -o default -F _weir; fi
`;

/**
 * Uses only features of bash 3.2, the version on macOS. With no completion of its own, `-o default` completes file
 * names.
 * `--flag=value` is three words in bash, and one in zsh.
 */
function bash(program: Command): string {
  const commands = commandsBelow(program, '');
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  return `_weir() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" path="" words="" flag="" i
  case "$word" in
    =) word="" ;;
    --*=*) before="\${word%%=*}" flag="\${word%%=*}=" word="\${word#*=}" ;;
    *) if [ "$before" = "=" ]; then before="\${COMP_WORDS[COMP_CWORD - 2]}"; fi ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${paths.join('|')}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$path $before" in
${commands.flatMap(valuesOf).join('\n')}
  esac
  if [ -n "$flag" ]; then return; fi
  case "$path" in
${commands.map(({ path, command }) => `    "${path}") words="${wordsOf(command).join(' ')}" ;;`).join('\n')}
  esac
  case "$word" in
    -*) ;;
    *) case "$words" in -*) return ;; esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _weir weir
`;
}

interface CommandPath {
  /** The path of the command, such as ` audit verify`; empty for `weir` itself. */
  readonly path: string;
  readonly command: Command;
}

const commandsBelow = (command: Command, path: string): CommandPath[] => [
  { path, command },
  ...command.commands.flatMap((below) => commandsBelow(below, `${path} ${below.name()}`)),
];

/** Commands and choices come first. If there are none, a word without a dash is a file name. */
function wordsOf(command: Command): string[] {
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const flags = command.options.flatMap(({ long }) => (long == null ? [] : [long]));
  return [...command.commands.map((below) => below.name()), ...choices, ...flags, '--help'];
}

/** The completions after a flag that takes a value. */
function valuesOf({ path, command }: CommandPath): string[] {
  return command.options
    .filter(({ required }) => required)
    .map(({ short, long, argChoices }) => {
      const names = [short, long].flatMap((name) => (name == null ? [] : [`"${path} ${name}"`])).join('|');
      const answer =
        argChoices === undefined
          ? ''
          : `COMPREPLY=($(compgen -P "$flag" -W "${argChoices.join(' ')}" -- "$word")); `;
      return `    ${names}) ${answer}return ;;`;
    });
}
