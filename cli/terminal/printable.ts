/** Control and format characters, such as the escape sequences of terminals, and halves of characters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A text from elsewhere in one line that is safe in a terminal: what does nothing but control it is written as `\u001b`,
 * and what is over the limit is left out.
 */
export function printable(text: string, most = 1000): string {
  const characters = text.length > most ? `${text.slice(0, most)}…` : text;
  return characters.replace(unprintable, escaped);
}

/** A JSON document with such characters escaped, which is the same document. */
export const printableJson = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(unprintable, (character) => (character === '\n' ? '\n' : escaped(character)))}\n`;

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');
