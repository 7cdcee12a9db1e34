import type { JSX } from 'preact';
import type { Distribution as Counted } from '../../gateway/console/api';
import { count, duration, share } from './format';

/** How many requests took how long: a bar for each range of durations, from the shortest to the longest that was met. */
export function Distribution({ of: { bounds, counts } }: { readonly of: Counted }): JSX.Element {
  const first = Math.max(
    0,
    counts.findIndex((each) => each > 0),
  );
  const last = counts.findLastIndex((each) => each > 0);
  const all = counts.reduce((sum, each) => sum + each, 0);
  const most = Math.max(...counts, 1);
  const shown = counts.slice(first, last + 1);
  return (
    <>
      <div class="bars" role="img" aria-label={summaryOf({ bounds, counts }, all)}>
        {shown.map((each, index) => (
          <div
            key={index}
            class="bar-of"
            title={`${rangeAt(bounds, first + index)}: ${count(each)} (${share(each / all)})`}
          >
            <span style={{ height: `${(each / most) * 100}%` }} />
          </div>
        ))}
      </div>
      <p class="ends muted" aria-hidden="true">
        <span>{duration(bounds[first - 1] ?? 0)}</span>
        <span>
          {bounds[last] === undefined ? `over ${duration(bounds.at(-1)!)}` : duration(bounds[last])}
        </span>
      </p>
      <p class="muted note">{summaryOf({ bounds, counts }, all)}</p>
    </>
  );
}

const rangeAt = (bounds: readonly number[], index: number): string =>
  bounds[index] === undefined
    ? `over ${duration(bounds.at(-1)!)}`
    : `${duration(bounds[index - 1] ?? 0)} to ${duration(bounds[index])}`;

function summaryOf({ bounds, counts }: Counted, all: number): string {
  const within = (part: number): string => {
    let sum = 0;
    const index = counts.findIndex((each) => (sum += each) >= part * all);
    return bounds[index] === undefined
      ? `over ${duration(bounds.at(-1)!)}`
      : `up to ${duration(bounds[index])}`;
  };
  return `Of ${count(all)} requests half took ${within(0.5)}, 95 % ${within(0.95)}, and 99 % ${within(0.99)}.`;
}
