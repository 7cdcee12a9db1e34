import type { Limits } from '../options/limits';
import type { Definition, Outline, Spread } from './document-outline';

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

export interface DocumentRule {
  readonly code:
    | 'GRAPHQL_PARSE_FAILED'
    | `MAX_${'DEPTH' | 'ALIASES' | 'ROOT_FIELDS' | 'DIRECTIVES' | 'SELECTIONS'}_LIMIT`;
  readonly measure: (outline: Outline) => number;
}

/** By the name of the limit, in the order of comparison: measures at which reading may stop come first. */
export const documentRules: Readonly<Record<DocumentMeasure, DocumentRule>> = {
  /**
   * The nesting depth: of braces, including those of spread fragments, or of brackets in a value, whichever is greater.
   * An inline fragment counts as a level, as recursive code recurses into it, too.
   */
  depth: {
    code: 'MAX_DEPTH_LIMIT',
    measure: (outline) =>
      Math.max(
        outline.levels,
        outline.valueLevels,
        greatest(outline, ({ levels, spreads }, depthOf) =>
          spreads.reduce((most, spread) => Math.max(most, spread.level + depthOf(spread)), levels),
        ),
      ),
  },
  /** The number of tokens: names, punctuators and values (GraphQL, section 2.1.6). */
  tokens: { code: 'GRAPHQL_PARSE_FAILED', measure: (outline) => outline.tokens },
  /** The number of aliases as written. Aliases let a document select the same field many times. */
  aliases: { code: 'MAX_ALIASES_LIMIT', measure: (outline) => outline.aliases },
  /** Fields of `Query` or `Mutation` that one operation selects, also through fragments. */
  rootFields: {
    code: 'MAX_ROOT_FIELDS_LIMIT',
    measure: (outline) =>
      greatest(
        outline,
        ({ rootFields, spreads }, countOf) =>
          spreads.reduce((sum, spread) => (spread.isAtRoot ? sum + countOf(spread) : sum), rootFields),
        'operations',
      ),
  },
  /** The number of directives as written, at any position. */
  directives: { code: 'MAX_DIRECTIVES_LIMIT', measure: (outline) => outline.directives },
  /** Fields that one operation selects with its fragments expanded. */
  selections: {
    code: 'MAX_SELECTIONS_LIMIT',
    measure: (outline) =>
      greatest(outline, ({ fields, spreads }, countOf) =>
        spreads.reduce((sum, spread) => sum + countOf(spread), fields),
      ),
  },
};

/**
 * The maximum of `of` over the definitions of a document. `of` also gets the values of spread fragments, so nothing is
 * expanded and each definition is read once. For a cycle of fragments, which validation refuses, that value is 0.
 */
function greatest(
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
