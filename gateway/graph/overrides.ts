/**
 * Progressive `@override`s: each label has a percentage, the share of requests for which a field has moved to another
 * subgraph.
 */
import type { Options } from '../options';

export interface OverrideRate {
  readonly label: string;
  /** The share of requests for which the label is on. */
  readonly percent: number;
}

/** The percentage of each label: from the options, or from the label itself, as in `percent(25)`. */
export function overrideRates(labels: readonly string[], overrides: Options['overrides']): OverrideRate[] {
  return labels
    .map((label) => {
      const own = /^percent\((\d+(?:\.\d+)?)\)$/.exec(label)?.[1];
      return { label, percent: overrides[label] ?? Number(own ?? 0) };
    })
    .filter(({ percent }) => percent > 0)
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** The labels that are on for one request, sorted. */
export const chooseOverrides = (rates: readonly OverrideRate[]): readonly string[] =>
  rates.length === 0
    ? noLabels
    : rates.filter(({ percent }) => Math.random() * 100 < percent).map(({ label }) => label);

const noLabels: readonly string[] = [];
