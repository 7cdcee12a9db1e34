/**
 * Escapes, as in JSON, the characters that control a terminal or may end a line: C0 and C1 control characters, DEL,
 * line and paragraph separators, and those that change the direction of text. JSON keeps its meaning, as such
 * characters occur only in its strings.
 */
export const printable = (text: string): string => text.replace(unprintable, escaped);

const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string =>
  character.charCodeAt(0) < 0x20
    ? JSON.stringify(character).slice(1, -1)
    : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A text from outside as JSON in a log line. Most texts need no escaping, and checking that takes a third of the time.
 */
export const jsonText = (text: string): string =>
  isPlain.test(text) ? `"${text}"` : printable(JSON.stringify(text));

/** ASCII without quotes, backslashes and control characters. */
const isPlain = /^[ !#-[\]-~]*$/;
