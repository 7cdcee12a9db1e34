import { matchesParts } from '../../wildcards';

/**
 * Compiles name patterns, `*` standing for anything, to a function that copies a value with what stands under such a
 * name replaced by `[redacted]`. Long texts and lists are cut: a record tells what was done, it is no backup.
 */
export function compileRedaction(patterns: readonly string[]): (value: unknown) => unknown {
  const secret = patterns.map((pattern) => pattern.toLowerCase().split('*'));
  const isSecret = (name: string): boolean => {
    const lower = name.toLowerCase();
    return secret.some((parts) => matchesParts(lower, parts));
  };
  const copy = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string')
      return value.length > longestText ? `${value.slice(0, longestText)}…` : value;
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= deepest) return '…';
    if (Array.isArray(value)) {
      const items = value.slice(0, longestList).map((item) => copy(item, depth + 1));
      return value.length > longestList ? [...items, `… ${value.length - longestList} more`] : items;
    }
    const entries = Object.entries(value).slice(0, longestList);
    return Object.fromEntries(
      entries.map(([name, member]) => [name, isSecret(name) ? '[redacted]' : copy(member, depth + 1)]),
    );
  };
  return (value) => copy(value, 0);
}

const longestText = 256;
const longestList = 32;
const deepest = 8;
