/**
 * Whether a text has 12 digits in a row, with or without spaces, hyphens and underscores between them: numbers of cards have 12 to 19
 * (ISO/IEC 7812). What looks like one is to be refused before it is stored, logged or repeated.
 */
export function looksLikeCardNumber(text: string): boolean {
  let digits = 0;
  for (const character of text) {
    if (character >= '0' && character <= '9') digits++;
    else if (!separators.has(character)) digits = 0;
    if (digits === 12) return true;
  }
  return false;
}

const separators: ReadonlySet<string> = new Set([' ', '-', '_']);
