import { styleText } from 'node:util';
import type { Context } from '../context';
import { printable } from '../terminal/printable';
import { readableLine } from '../../gateway/telemetry/readable-line';

/** The output of `weir dev` and its processes in the terminal. */
export interface Output {
  /** Prints a sentence of `weir dev` itself. */
  say(sentence: string): void;
  /** Prints lines unchanged. */
  print(text: string): void;
  /** Prints a line of the process `name`. */
  line(name: string, line: string): void;
}

export function createOutput(
  { stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>,
  colours: boolean,
): Output {
  const dim = (text: string) => (colours ? styleText('dim', text) : text);
  const prefixed = (name: string, text: string) =>
    text
      .split('\n')
      .map((line) => `${dim(`${name.padEnd(9)} |`)} ${line}\n`)
      .join('');
  return {
    // Messages of command failures begin with "weir:" already.
    // Names and reasons may come from schemas and answers of others.
    say(sentence) {
      const lines = sentence.replace(/^weir: /gm, '').split('\n');
      stderr.write(prefixed('weir', lines.map((line) => printable(line, longest)).join('\n')));
    },
    print: (text) => void stdout.write(`${text}\n`),
    line: (name, line) => void stderr.write(prefixed(name, readableLine(line))),
  };
}

/** Characters of a line. */
const longest = 10_000;
