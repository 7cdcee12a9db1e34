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
    <span class="bar">
      <span style={{ width: `${Math.max(3, (ms / Math.max(longest, 0.01)) * 100)}%` }} />
    </span>
    <span>{duration(ms)}</span>
  </span>
);
