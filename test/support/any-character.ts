import fc from 'fast-check';

/** Halves of surrogate pairs, which are no characters: the first one, and how many there are. */
const [firstHalf, halves] = [0xd800, 0x800];

/**
 * Any character, as the unit of `fc.string`. Its own unit of this kind, `binary`, makes a list of all of them first, which
 * takes a second of a processor in each test file.
 */
export const anyCharacter = fc
  .nat(0x10ffff - halves)
  .map((number) => String.fromCodePoint(number < firstHalf ? number : number + halves));
