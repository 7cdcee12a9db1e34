/** Without a branch, which would be guessed wrongly for every other digit. @param code of 0 to 9 or a to f */
export const valueOfDigit = (code: number): number => (code & 0xf) + 9 * (code >> 6);
