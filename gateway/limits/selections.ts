import { type DocumentRule, greatest } from './document-rule';

/** Fields that one operation selects with its fragments expanded. */
export const selections: DocumentRule<'selections'> = {
  limit: 'selections',
  code: 'MAX_SELECTIONS_LIMIT',
  measure: (outline) =>
    greatest(outline, ({ fields, spreads }, countOf) =>
      spreads.reduce((sum, spread) => sum + countOf(spread), fields),
    ),
};
