import { optionsSchema } from '../../gateway/options';
import { isMap } from '../../gateway/options/is-map';
import { describeIssue } from '../../gateway/options/problem';
import type { Draft, Entry } from './draft';
import { hasReference } from './foreign';
import { referInstead } from './issuers';

/** Parsing once takes less time than to compile the parser. */
const once = { jitless: true };

/**
 * Takes away what the options refuse, so that what is written is valid; the keys that it came from are reported with the
 * reason. What a reference stands for is not known, so that it is left as it is.
 */
export function keepValid(draft: Draft): void {
  // Each round takes something away.
  for (;;) {
    const value = draft.value();
    const { error } = optionsSchema.safeParse(value, once);
    const issues = (error?.issues ?? []).filter(({ path }) => !mayBeRight(at(value, path)));
    if (issues.length === 0) return;
    const problems = issues.flatMap((issue) => describeIssue(issue, value, optionsSchema));
    const paths = draft.locate(problems.map(({ path = [] }) => path));
    for (const [i, { sentence }] of problems.entries()) {
      const path = paths[i]!;
      const entries = draft.entriesAt(path);
      if (!referInstead(draft, path)) draft.remove(path);
      for (const entry of entries) refuse(entry, sentence);
    }
  }
}

/** Whether a reference decides it: the value itself, or one in the map, or in the list of maps, that a rule is about. */
const mayBeRight = (value: unknown): boolean =>
  hasReference(value) ||
  (Array.isArray(value) && value.some(mayBeRight)) ||
  (isMap(value) && Object.values(value).some(hasReference));

function refuse(entry: Entry, sentence: string): void {
  entry.becomes = 'different';
  entry.isWritten = false;
  entry.note = `Not written, as Weir refuses it: ${sentence}`;
}

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((map, key) => (map as Record<PropertyKey, unknown> | undefined | null)?.[key], value);
