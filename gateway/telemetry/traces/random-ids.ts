import { randomFillSync } from 'node:crypto';

/** Returns a function that makes random ids. They are made of many random bytes at a time: each span has one. */
export function randomIds(): (bytes: 8 | 16) => string {
  const pool = Buffer.allocUnsafeSlow(4096);
  let at = pool.length;
  return (bytes) => {
    if (at + bytes > pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    return pool.toString('hex', at, (at += bytes));
  };
}
