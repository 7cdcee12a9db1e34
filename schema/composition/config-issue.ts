import { suggestionList } from 'graphql/jsutils/suggestionList';
import { type Document, isNode, isPair, isMap, type Node } from 'yaml';
import type { z } from 'zod';

/** One mistake in a YAML file, and where it starts in the text. */
export interface ConfigIssue {
  readonly message: string;
  readonly offset: number;
}

/**
 * Describes an issue of zod in a YAML document, with its position. One issue may be several mistakes: each unknown key
 * is one, with the nearest of the `knownKeys` at that path as a suggestion.
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  document: Document,
  knownKeys: (path: readonly PropertyKey[]) => string[],
): ConfigIssue[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      message: `${name([...path, key])} is unknown; ${suggest(key, knownKeys(path))}`,
      offset: offsetOf(document, [...path, key], 'key'),
    }));
  }
  const value: unknown = path.length === 0 ? document.toJS() : document.getIn(path);
  if (value === undefined) {
    return [{ message: `${name(path)} is missing.`, offset: offsetOf(document, path.slice(0, -1), 'key') }];
  }
  const rule = /^(must|may) /.test(issue.message) ? issue.message : 'must be a map';
  const fact = value !== null && typeof value === 'object' ? '' : `, but got: ${JSON.stringify(value)}`;
  return [
    { message: `${name(path)} ${rule}${fact}.`, offset: offsetOf(document, path, fact ? 'value' : 'key') },
  ];
}

function name(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'The configuration' : `\`${path.join('.')}\``;
}

function suggest(key: string, known: readonly string[]): string {
  const [nearest] = suggestionList(key, known);
  return nearest === undefined ? `known here: ${known.join(', ')}.` : `did you mean \`${nearest}\`?`;
}

/** The offset of the key or value at `path`; that of the nearest parent if it does not exist. */
function offsetOf(document: Document, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  const last = path.at(-1);
  if (last === undefined) return startOf(document.contents) ?? 0;
  const parent: unknown = document.getIn(path.slice(0, -1), true) ?? document.contents;
  const pair = isMap(parent)
    ? parent.items.find((item) => isPair(item) && keyText(item.key) === last)
    : undefined;
  return startOf(pair?.[part]) ?? startOf(pair?.key) ?? startOf(parent) ?? 0;
}

function keyText(key: unknown): unknown {
  return isNode(key) ? (key as { value?: unknown }).value : key;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
