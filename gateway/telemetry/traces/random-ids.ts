import { randomFillSync } from 'node:crypto';

/**
 * Returns a function that makes random ids. They are made of many random bytes at a time, which are written as digits at
 * once: each span has one. V8 keeps all digits for an id of them, so they must be few: a span may be kept for long.
 */
export function randomIds(): (bytes: 8 | 16) => string {
  const pool = Buffer.allocUnsafeSlow(1024);
  let digits = '';
  let at = 0;
  return (bytes) => {
    const end = at + 2 * bytes;
    if (end > digits.length) {
      digits = randomFillSync(pool).toString('hex');
      at = 0;
      return digits.slice(0, (at = 2 * bytes));
    }
    return digits.slice(at, (at = end));
  };
}

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
