import type { DocumentRule } from './document-rule';

/** Names, punctuators and values, as section 2.1.6 of the GraphQL specification counts them. */
export const tokens: DocumentRule<'tokens'> = {
  limit: 'tokens',
  code: 'GRAPHQL_PARSE_FAILED',
  measure: (outline) => outline.tokens,
};
