import { styleText } from 'node:util';
import type { Context } from '../context';
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
    say: (sentence) => void stderr.write(prefixed('weir', sentence.replace(/^weir: /gm, ''))),
    print: (text) => void stdout.write(`${text}\n`),
    line: (name, line) => void stderr.write(prefixed(name, readableLine(line))),
  };
}
