import type { TimelineStep } from '../../gateway/console/api';

/** A step of a request with its place in the tree. */
export interface StepRow {
  readonly step: TimelineStep;
  /** 0 for steps that are part of no other. */
  readonly depth: number;
}

/**
 * Steps depth first, those of the same parent in the order of their start. A step whose parent is not among them, or that
 * would be a part of itself, stands at the top.
 */
export function rowsOf(steps: readonly TimelineStep[]): StepRow[] {
  const ids = new Set(steps.map(({ id }) => id));
  const parts = new Map<string | undefined, TimelineStep[]>();
  for (const step of steps) {
    const parent = step.parent !== undefined && ids.has(step.parent) ? step.parent : undefined;
    const siblings = parts.get(parent);
    if (siblings === undefined) parts.set(parent, [step]);
    else siblings.push(step);
  }
  const rows: StepRow[] = [];
  const seen = new Set<TimelineStep>();
  const walk = (parent: string | undefined, depth: number): void => {
    for (const step of (parts.get(parent) ?? []).toSorted((a, b) => a.start - b.start)) {
      if (seen.has(step)) continue;
      seen.add(step);
      rows.push({ step, depth });
      walk(step.id, depth + 1);
    }
  };
  walk(undefined, 0);
  for (const step of steps) if (!seen.has(step)) rows.push({ step, depth: 0 });
  return rows;
}

/** Round times for the axis of a timeline: at most 5 after 0, the last one within `end`. Milliseconds. */
export function ticksUntil(end: number): number[] {
  if (!(end > 0)) return [];
  const size = 10 ** Math.floor(Math.log10(end / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((each) => end / each <= 5)!;
  return Array.from({ length: Math.floor(end / step + 1e-9) }, (_, index) => (index + 1) * step);
}
