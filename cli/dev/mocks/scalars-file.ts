import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CommandFailure } from '../../context';
import type { ScalarValues } from './leaf-values';

/**
 * Reads the values of scalars from a file in YAML or JSON: a map of a value, or a list of values, for each scalar.
 *
 * @throws {CommandFailure} if it is no such file
 */
export function readScalarValues(file: string): ScalarValues {
  const wrong = (fact: string): CommandFailure =>
    new CommandFailure(
      `weir: --mock-scalars: ${file} ${fact}; it must be a map of scalars and their values, such as \`Money: [9.99 EUR, 12.50 EUR]\`.`,
      2,
    );
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw wrong(code === 'ENOENT' ? 'does not exist' : `cannot be read (${message.split('\n', 1)[0]})`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw wrong('is no map');
  const values = Object.entries(content).map(([name, given]) => {
    const list: unknown[] = Array.isArray(given) ? given : [given];
    if (list.length === 0 || list.includes(null)) throw wrong(`has no value for ${name}`);
    return [name, list] as const;
  });
  return new Map(values);
}
