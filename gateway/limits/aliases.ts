import type { DocumentRule } from './document-rule';

/** Aliases as written: they let one document select the same field again and again. */
export const aliases: DocumentRule<'aliases'> = {
  limit: 'aliases',
  code: 'MAX_ALIASES_LIMIT',
  measure: (outline) => outline.aliases,
};
