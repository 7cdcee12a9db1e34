/** The first characters of a text, copied: a slice would hold the memory of the whole text. */
export const beginningOf = (text: string, most: number): string =>
  text.length > most ? Buffer.from(text.slice(0, most)).toString() : text;
