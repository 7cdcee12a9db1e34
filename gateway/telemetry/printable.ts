/**
 * A text with all characters escaped, as JSON escapes them, that a terminal would obey, or that end a line for some
 * readers: C0 and C1 control characters, DEL, line and paragraph separators, and those that turn the direction of text.
 * JSON stays JSON with the same meaning, as these stand in its strings alone.
 */
export const printable = (text: string): string => text.replace(unprintable, escaped);

const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string =>
  character.charCodeAt(0) < 0x20
    ? JSON.stringify(character).slice(1, -1)
    : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A text from outside as JSON in a line of the log. Most need no escaping, and to find that out takes a third of the time. */
export const jsonText = (text: string): string =>
  isPlain.test(text) ? `"${text}"` : printable(JSON.stringify(text));

/** ASCII without quotes, backslashes and control characters. */
const isPlain = /^[ !#-[\]-~]*$/;
