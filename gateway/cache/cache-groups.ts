import type { SubgraphResponse } from '../subgraph-calls/contract/transport';

/**
 * The groups that a response names (RFC 9875): those that it belongs to (`Cache-Groups`), or those that its request
 * invalidates (`Cache-Group-Invalidation`). Groups are used as tags. A header that is not a list of strings has no
 * groups.
 */
export function groupsOf(
  { headers }: Pick<SubgraphResponse, 'headers'>,
  header: 'cache-groups' | 'cache-group-invalidation',
): string[] {
  const value = headers[header];
  if (value === undefined) return [];
  const text = String(value);
  if (!list.test(text)) return [];
  return [...text.matchAll(string)].map(([, quoted]) => quoted!.replaceAll(/\\(["\\])/g, '$1'));
}

/** RFC 9651, section 3.3.3: printable ASCII in quotes. Parameters may follow and are ignored. */
const oneString =
  '"((?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*)"(?:; *[a-z*][a-z0-9_.*-]*(?:=[A-Za-z0-9*:/._-]+)?)*';
// Both are linear: `list` is anchored at the beginning, and `string` is applied only to texts that `list` matches.
/* oxlint-disable eslint-js/no-restricted-syntax -- composed of one text */
const string = new RegExp(oneString, 'g');
const list = new RegExp(`^ *${oneString}(?:[ \\t]*,[ \\t]*${oneString})* *$`);
/* oxlint-enable eslint-js/no-restricted-syntax */
