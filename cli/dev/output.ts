import { styleText } from 'node:util';
import type { Context } from '../context';
import { readableLine } from '../../gateway/telemetry/readable-line';

/** Where `weir dev` and its processes speak to the person in front of the terminal. */
export interface Output {
  /** A sentence of `weir dev` itself. */
  say(sentence: string): void;
  /** Several lines, as they are. */
  print(text: string): void;
  /** A line that the process `name` printed. */
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
    // Failures of commands name Weir themselves.
    say: (sentence) => void stderr.write(prefixed('weir', sentence.replace(/^weir: /gm, ''))),
    print: (text) => void stdout.write(`${text}\n`),
    line: (name, line) => void stderr.write(prefixed(name, readableLine(line))),
  };
}
