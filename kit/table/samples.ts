import { hash } from 'node:crypto';

/** A number in [0, 1) that depends only on the key, so that more samples do not change the others. */
export const randomOf = (key: string): number =>
  Number.parseInt(hash('sha256', key, 'hex').slice(0, 8), 16) / 2 ** 32;

/** One of several, which depends only on the key. */
export const pickOf = <Of>(key: string, from: readonly Of[]): Of =>
  from[Math.floor(randomOf(key) * from.length)]!;
