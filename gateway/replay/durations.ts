/** How many durations each bucket has: plain JSON of bounded size. Buckets are 4 % wide, and so exact are percentiles. */
export type Durations = Record<number, number>;

export function addDuration(durations: Durations, milliseconds: number): void {
  const bucket = Math.round(Math.log(Math.min(Math.max(milliseconds, least), most)) / width);
  durations[bucket] = (durations[bucket] ?? 0) + 1;
}

export function addDurations(durations: Durations, more: Durations): void {
  for (const [bucket, count] of Object.entries(more))
    durations[Number(bucket)] = (durations[Number(bucket)] ?? 0) + count;
}

/** Milliseconds that this share of the durations does not exceed; null without any. */
export function percentile(durations: Durations, share: number): number | null {
  const buckets = Object.entries(durations).sort(([a], [b]) => Number(a) - Number(b));
  const rank = share * buckets.reduce((sum, [, count]) => sum + count, 0);
  let passed = 0;
  const found = buckets.find(([, count]) => (passed += count) >= rank);
  return found === undefined ? null : Number(Math.exp(Number(found[0]) * width).toPrecision(3));
}

const width = Math.log(1.04);
/** Milliseconds. */
const least = 0.01;
const most = 1e7;
