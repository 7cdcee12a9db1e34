import { type DocumentRule, greatest } from './document-rule';

/**
 * The nesting depth: of braces, including those of spread fragments, or of brackets in a value, whichever is greater.
 * An inline fragment counts as a level, as recursive code recurses into it, too.
 */
export const depth: DocumentRule<'depth'> = {
  limit: 'depth',
  code: 'MAX_DEPTH_LIMIT',
  measure: (outline) =>
    Math.max(
      outline.levels,
      outline.valueLevels,
      greatest(outline, ({ levels, spreads }, depthOf) =>
        spreads.reduce((most, spread) => Math.max(most, spread.level + depthOf(spread)), levels),
      ),
    ),
};
