import type { DocumentRule } from './document-rule';

/** The number of tokens: names, punctuators and values (GraphQL, section 2.1.6). */
export const tokens: DocumentRule<'tokens'> = {
  limit: 'tokens',
  code: 'GRAPHQL_PARSE_FAILED',
  measure: (outline) => outline.tokens,
};
