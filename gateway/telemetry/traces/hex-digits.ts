/** Reads hexadecimal digits, in lower case, as numbers of 32 bits: 8 digits each. */
export function wordsIn(digits: string): readonly number[] {
  const words: number[] = [];
  for (let at = 0; at < digits.length;) {
    let word = 0;
    for (const end = at + 8; at < end; at++) word = (word << 4) | valueOfDigit(digits.charCodeAt(at));
    words.push(word);
  }
  return words;
}

/** Without a branch, which would be guessed wrongly for every other digit. @param code of 0 to 9 or a to f */
export const valueOfDigit = (code: number): number => (code & 0xf) + 9 * (code >> 6);
