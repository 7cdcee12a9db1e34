import { createHash } from 'node:crypto';

/** A number in [0, 1) that depends only on the key, so that more samples do not change the others. */
export const randomOf = (key: string): number =>
  createHash('sha256').update(key).digest().readUInt32BE() / 2 ** 32;

/** One of several, which depends only on the key. */
export const pickOf = <Of>(key: string, from: readonly Of[]): Of =>
  from[Math.floor(randomOf(key) * from.length)]!;
