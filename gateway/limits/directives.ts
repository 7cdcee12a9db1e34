import type { DocumentRule } from './document-rule';

/** Directives as they are written, wherever they stand. */
export const directives: DocumentRule<'directives'> = {
  limit: 'directives',
  code: 'MAX_DIRECTIVES_LIMIT',
  measure: (outline) => outline.directives,
};
