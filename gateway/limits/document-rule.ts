import type { Limits } from '../options/limits';
import type { Definition, Outline, Spread } from './document-outline';

/** The measures of documents that are limited. Each has a rule in a file of its own. */
export type DocumentMeasure = Exclude<keyof Limits, CheckedElsewhere>;

/** By `variables.ts`, `cost/`, `request/pipeline.ts` and `execution/run/call-scheduler.ts`. */
type CheckedElsewhere =
  | 'introspection'
  | 'listSize'
  | 'cost'
  | 'batch'
  | 'variables'
  | 'variablesDepth'
  | 'calls';

/** One limit of documents. */
export interface DocumentRule<Limit extends DocumentMeasure = DocumentMeasure> {
  /** The name of the limit in the options. */
  readonly limit: Limit;
  readonly code:
    | 'GRAPHQL_PARSE_FAILED'
    | `MAX_${'DEPTH' | 'ALIASES' | 'ROOT_FIELDS' | 'DIRECTIVES' | 'SELECTIONS'}_LIMIT`;
  readonly measure: (outline: Outline) => number;
}

/**
 * The maximum of `of` over the definitions of a document. `of` also gets the values of spread fragments, so nothing is
 * expanded and each definition is read once. For a cycle of fragments, which validation refuses, that value is 0.
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

/** Values are cut here, as fragments that double repeatedly reach any number. */
const saturation = 2 ** 31;
