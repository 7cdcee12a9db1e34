import type { DocumentRule } from './document-rule';

/** The number of aliases as written. Aliases let a document select the same field many times. */
export const aliases: DocumentRule<'aliases'> = {
  limit: 'aliases',
  code: 'MAX_ALIASES_LIMIT',
  measure: (outline) => outline.aliases,
};
