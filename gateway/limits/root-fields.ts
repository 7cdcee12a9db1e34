import { type DocumentRule, greatest } from './document-rule';

/** Fields of `Query` or `Mutation` that one operation selects, also through fragments. */
export const rootFields: DocumentRule<'rootFields'> = {
  limit: 'rootFields',
  code: 'MAX_ROOT_FIELDS_LIMIT',
  measure: (outline) =>
    greatest(
      outline,
      ({ rootFields: own, spreads }, countOf) =>
        spreads.reduce((sum, spread) => (spread.isAtRoot ? sum + countOf(spread) : sum), own),
      'operations',
    ),
};
