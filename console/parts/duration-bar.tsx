import type { JSX } from 'preact';
import { duration } from './format';

/** A duration, with a bar that is as long as its share of the longest one. */
export const DurationBar = ({
  ms,
  longest,
}: {
  readonly ms: number;
  readonly longest: number;
}): JSX.Element => (
  <span class="duration-bar">
    <span class="bar" style={{ width: `${Math.max(2, (ms / Math.max(longest, 0.01)) * 100)}%` }} />
    <span>{duration(ms)}</span>
  </span>
);
