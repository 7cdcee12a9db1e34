import { type DocumentRule, greatest } from './document-rule';

/**
 * Levels of braces, those of fragments included wherever they are spread, or of brackets in a value, whichever are
 * more. An inline fragment is a level, too: what recurses over a document recurses into it.
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
