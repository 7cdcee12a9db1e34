import type { DocumentRule } from './document-rule';

/** The number of directives as written, at any position. */
export const directives: DocumentRule<'directives'> = {
  limit: 'directives',
  code: 'MAX_DIRECTIVES_LIMIT',
  measure: (outline) => outline.directives,
};
