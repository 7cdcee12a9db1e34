/** Progressive `@override`s: a label says for which share of the requests a field has moved to another subgraph. */
import type { Options } from '../options';

export interface OverrideRate {
  readonly label: string;
  /** The share of the requests that it is on for. */
  readonly percent: number;
}

/** What the options say of the supergraph's labels, or these of themselves: `percent(25)` is on for every fourth request. */
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
