/** How long a test may take, in milliseconds: two minutes, and longer where it is told to do more than usually. */
export const timeFor = (count: number, usual: number): number => 120_000 * Math.max(1, count / usual);
