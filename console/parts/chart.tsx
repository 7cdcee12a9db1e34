import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import Plot from 'uplot';

export interface Line {
  readonly title: string;
  /** One value per time; null where none is known. */
  readonly values: readonly (number | null)[];
  readonly colour: 'accent' | 'bad' | 'warn' | 'good';
}

export interface ChartProps {
  /** What is seen, in a sentence, for those who do not see it. */
  readonly summary: string;
  /** Unix milliseconds, in order. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** How a value is written, such as `duration` of `format.ts`. */
  readonly format: (value: number) => string;
}

/** Pixels. */
const height = 160;

/** Lines over time. The newest values, or those at the pointer, stand in the legend; colours follow light and dark. */
export function Chart({ summary, times, lines, format }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const shape = lines.map(({ title, colour }) => `${title}:${colour}`).join();
  const data = (): Plot.AlignedData => [
    times.map((time) => time / 1000),
    ...lines.map(({ values }) => [...values]),
  ];

  useEffect(() => {
    const parent = place.current!;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new Plot(optionsOf(parent, lines, format), data(), parent);
      showNewest(plot.current);
    };
    draw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: parent.clientWidth, height }));
    resized.observe(parent);
    return () => {
      dark.removeEventListener('change', draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(data());
    if (plot.current) showNewest(plot.current);
  }, [times, lines]);

  return <div class="chart" ref={place} role="img" aria-label={summary} />;
}

/** Shows the newest values in the legend, unless the pointer is at others. */
function showNewest(plot: Plot): void {
  if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function optionsOf(
  parent: HTMLElement,
  lines: readonly Line[],
  format: (value: number) => string,
): Plot.Options {
  const style = getComputedStyle(parent);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('muted'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: parent.clientWidth,
    height,
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    hooks: { setLegend: [showNewest] },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        space: 80,
        size: 28,
        values: (_plot, seconds) => seconds.map((each) => minute.format(each * 1000)),
      },
      { ...axis, size: 64, values: (_plot, values) => values.map(format) },
    ],
    series: [
      {
        label: 'Time',
        value: (_plot, seconds: number | null) => (seconds === null ? '–' : minute.format(seconds * 1000)),
      },
      ...lines.map(({ title, colour: name }) => ({
        label: title,
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
        value: (_plot: Plot, value: number | null) => (value === null ? '–' : format(value)),
      })),
    ],
  };
}

const minute = new Intl.DateTimeFormat(undefined, {
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  hourCycle: 'h23',
});

/** A small line without axes, for a cell of a table or beside a figure. */
export function Sparkline({
  summary,
  values,
}: {
  /** What is seen, for those who do not see it. */
  readonly summary: string;
  /** One value per step; null where none is known. */
  readonly values: readonly (number | null)[];
}): JSX.Element {
  const [width, height] = [100, 24];
  const high = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const step = width / Math.max(values.length - 1, 1);
  let isDrawing = false;
  const path = values.map((value, index) => {
    const command = isDrawing ? 'L' : 'M';
    isDrawing = value !== null;
    return value === null
      ? ''
      : `${command}${(index * step).toFixed(1)} ${(height - 2 - (value / high) * (height - 4)).toFixed(1)}`;
  });
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={summary}
    >
      <path d={path.join('')} />
    </svg>
  );
}
