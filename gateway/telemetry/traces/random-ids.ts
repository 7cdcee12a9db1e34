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
