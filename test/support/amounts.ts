/**
 * How much a random or repeated test does: what the variable says, else the whole under `npm run test:long` (`WEIR_LONG`),
 * else a part that is quick enough for each change.
 */
export const amountOf = (variable: string, short: number, whole: number): number =>
  Number(process.env[variable] ?? (process.env['WEIR_LONG'] ? whole : short));

/** How long a test may take, in milliseconds: two minutes, and longer where it is told to do more than usually. */
export const timeFor = (count: number, usual: number): number => 120_000 * Math.max(1, count / usual);

/** Cases that run only where tests run whole. */
export const whole = <Case>(...cases: Case[]): Case[] => (process.env['WEIR_LONG'] ? cases : []);
