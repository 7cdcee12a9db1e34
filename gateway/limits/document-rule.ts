import type { Limits } from '../options/limits';
import type { Definition, Outline, Spread } from './document-outline';

/** The documents' measures that are limited; each has a rule in a file of its own. */
export type DocumentMeasure = Exclude<keyof Limits, CheckedElsewhere>;

/** By `variables.ts`, `cost/`, `request/pipeline.ts` and `execution/run/call-scheduler.ts`. */
type CheckedElsewhere =
  'introspection' | 'listSize' | 'cost' | 'batch' | 'variables' | 'variablesDepth' | 'calls';

/** One limit of documents. */
export interface DocumentRule<Limit extends DocumentMeasure = DocumentMeasure> {
  /** The name of the limit in the options. */
  readonly limit: Limit;
  readonly code:
    'GRAPHQL_PARSE_FAILED' | `MAX_${'DEPTH' | 'ALIASES' | 'ROOT_FIELDS' | 'DIRECTIVES' | 'SELECTIONS'}_LIMIT`;
  readonly measure: (outline: Outline) => number;
}

/**
 * The greatest of what `of` says of the definitions of a document. `of` is told what was said of a fragment that the
 * definition spreads: nothing is expanded, and each definition is looked at once. Of a circle of fragments, which
 * validation refuses, it is told 0.
 */
export function greatest(
  { definitions }: Outline,
  of: (definition: Definition, spread: (spread: Spread) => number) => number,
  among: 'all' | 'operations' = 'all',
): number {
  const known = new Map<string, number>();
  let result = 0;
  for (const definition of definitions) {
    const value = Math.min(
      saturation,
      of(definition, ({ fragment }) => known.get(fragment) ?? 0),
    );
    if (definition.fragment !== undefined) known.set(definition.fragment, value);
    if (definition.fragment === undefined || among === 'all') result = Math.max(result, value);
  }
  return result;
}

/** Fragments that double again and again reach any number; beyond this one, more is the same. */
const saturation = 2 ** 31;
