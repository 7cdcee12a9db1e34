import type { Attributes, Metric, Series } from './meter';
import type { MetricDefinition } from './metric-table';

/** The content type of what `writePrometheus` writes. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Writes metrics in Prometheus' text format. */
export function writePrometheus(metrics: readonly Metric[]): string {
  return metrics.map(writeMetric).join('');
}

/** The name of a metric in Prometheus, as OpenTelemetry translates it: with its unit, and `_total` for a counter. */
export function prometheusName(name: string, { kind, unit, prometheus }: MetricDefinition): string {
  if (prometheus !== undefined) return prometheus.name;
  const words = unitWords[unit] ?? (kind === 'gauge' && unit === '1' ? '_ratio' : '');
  return `${labelName(name)}${words}${kind === 'counter' ? '_total' : ''}`;
}

/** The name of an attribute's label. */
export const prometheusLabel = (attribute: string, { prometheus }: MetricDefinition): string =>
  prometheus?.labels?.[attribute] ?? labelName(attribute);

const unitWords: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

const labelName = (name: string): string => name.replace(/\W/g, '_');

function writeMetric({ name, definition, series }: Metric): string {
  const { kind, description } = definition;
  const full = prometheusName(name, definition);
  const type = kind === 'upDownCounter' ? 'gauge' : kind;
  const help = description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const lines = series.map((each) => writeSeries(full, definition, each));
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

function writeSeries(name: string, definition: MetricDefinition, { attributes, value }: Series): string {
  const labels = writeLabels(definition, attributes);
  if (typeof value === 'number') return `${name}${braced(labels)} ${value}\n`;
  let below = 0;
  const buckets = value.counts.map((count, i) => {
    below += count;
    const le = `le="${value.boundaries[i] ?? '+Inf'}"`;
    return `${name}_bucket${braced(labels === '' ? le : `${labels},${le}`)} ${below}\n`;
  });
  return `${buckets.join('')}${name}_sum${braced(labels)} ${value.sum}\n${name}_count${braced(labels)} ${below}\n`;
}

function writeLabels(definition: MetricDefinition, attributes: Attributes): string {
  return Object.keys(definition.attributes ?? {})
    .filter((name) => attributes[name] !== undefined)
    .map((name) => `${prometheusLabel(name, definition)}="${escaped(String(attributes[name]))}"`)
    .join(',');
}

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
