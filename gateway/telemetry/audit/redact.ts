import { createHash } from 'node:crypto';
import { matchesParts } from '../../options/wildcards';

type Values = Readonly<Record<string, unknown>>;

/**
 * Compiles name patterns, in which `*` stands for any characters, to a function that copies values and replaces those
 * with a matching name by `[redacted]`. The top-level names are not matched: they are aliases of root fields, with
 * which a client could hide what it has sent.
 *
 * Long values are shortened: a long text is replaced by its beginning, length and digest, and the whole record is
 * bounded. Omissions are marked.
 */
export function compileRedaction(patterns: readonly string[]): (values: Values) => Values {
  const secret = patterns.map((pattern) => pattern.toLowerCase().split('*'));
  const isSecret = (name: string): boolean => {
    const lower = name.toLowerCase();
    return secret.some((parts) => matchesParts(lower, parts));
  };
  return (values) => {
    let left = longestRecord;
    const copy = (value: unknown, depth: number): unknown => {
      left -= 1;
      if (typeof value === 'string') {
        left -= value.length;
        return shorten(value);
      }
      if (typeof value !== 'object' || value === null) return value;
      if (depth >= deepest) return '…';
      return Array.isArray(value) ? copyList(value, depth) : copyObject(value as Values, depth);
    };
    const copyList = (list: readonly unknown[], depth: number): unknown[] => {
      const items: unknown[] = [];
      for (const item of list) {
        if (left <= 0) return [...items, `… ${list.length - items.length} more`];
        items.push(copy(item, depth + 1));
      }
      return items;
    };
    const copyObject = (object: Values, depth: number): Values => {
      const members: [name: string, value: unknown][] = [];
      const all = Object.entries(object);
      for (const [name, value] of all) {
        if (left <= 0) {
          members.push(['…', `${all.length - members.length} more`]);
          break;
        }
        left -= name.length;
        const isHidden = depth > 0 && isSecret(name);
        members.push([name, isHidden ? '[redacted]' : copy(value, depth + 1)]);
      }
      return Object.fromEntries(members);
    };
    return copyObject(values, 0);
  };
}

function shorten(text: string): string {
  if (text.length <= longestText) return text;
  const digest = createHash('sha256').update(text).digest('hex');
  return `${text.slice(0, longestText)}… (${text.length} characters, SHA-256 ${digest})`;
}

/**
 * The bound of a record: characters of names and texts, and 1 per value. Arguments that use a variable often may be
 * longer than the request.
 */
const longestRecord = 2 ** 20;
const longestText = 256;
const deepest = 100;
