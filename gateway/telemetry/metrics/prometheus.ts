import Negotiator from 'negotiator';
import type { MetricAttributes, Exemplar, CollectedMetric, Series } from './meter';
import type { MetricDefinition } from './metric-table';

/** `prometheus` is Prometheus' text format 0.0.4, `openmetrics` OpenMetrics 1.0, which has exemplars, too. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

/** The content types of the formats. */
export const metricsTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The format that a client prefers, by its `Accept`. Prometheus' own where it takes neither. */
export function metricsFormatFor(accept: string | undefined): MetricsFormat {
  const type = new Negotiator({ headers: { accept } }).mediaType([...formatsByType.keys()]);
  return formatsByType.get(type ?? metricsTypes.prometheus)!;
}

/**
 * By content type, of OpenMetrics with each scheme to escape names by: Prometheus 3 always asks for one. All names here are
 * valid without escaping.
 */
const formatsByType = new Map<string, MetricsFormat>([
  [metricsTypes.prometheus, 'prometheus'],
  [metricsTypes.openmetrics, 'openmetrics'],
  ...['allow-utf-8', 'underscores', 'dots', 'values'].map(
    (scheme) => [`${metricsTypes.openmetrics}; escaping=${scheme}`, 'openmetrics'] as const,
  ),
]);

/** Writes metrics for Prometheus. */
export function writePrometheus(
  metrics: readonly CollectedMetric[],
  format: MetricsFormat = 'prometheus',
): string {
  const written = metrics.map((metric) => writeMetric(metric, format)).join('');
  return format === 'openmetrics' ? `${written}# EOF\n` : written;
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

function writeMetric({ name, definition, series }: CollectedMetric, format: MetricsFormat): string {
  const { kind, description } = definition;
  const full = prometheusName(name, definition);
  const type = kind === 'upDownCounter' ? 'gauge' : kind;
  // In OpenMetrics `_total` belongs to the sample of a counter, and not to its name; and quotes are escaped in all texts.
  const isOpen = format === 'openmetrics';
  const described = isOpen && kind === 'counter' ? full.replace(/_total$/, '') : full;
  const help = isOpen ? escaped(description) : description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const lines = series.map((each) => writeSeries(full, definition, each, format));
  return `# HELP ${described} ${help}\n# TYPE ${described} ${type}\n${lines.join('')}`;
}

function writeSeries(
  name: string,
  definition: MetricDefinition,
  { attributes, value }: Series,
  format: MetricsFormat,
): string {
  const labels = writeLabels(definition, attributes);
  if (typeof value === 'number') return `${name}${braced(labels)} ${value}\n`;
  const isOpen = format === 'openmetrics';
  let below = 0;
  const buckets = value.counts.map((count, i) => {
    below += count;
    const boundary = value.boundaries[i];
    const text = boundary === undefined ? '+Inf' : isOpen ? canonical(boundary) : String(boundary);
    const le = `le="${text}"`;
    const exemplar = isOpen ? writeExemplar(value.exemplars?.[i]) : '';
    return `${name}_bucket${braced(labels === '' ? le : `${labels},${le}`)} ${below}${exemplar}\n`;
  });
  return `${buckets.join('')}${name}_sum${braced(labels)} ${value.sum}\n${name}_count${braced(labels)} ${below}\n`;
}

/** A boundary of a bucket as OpenMetrics demands: as Go writes it, but always with a point or an exponent. */
function canonical(boundary: number): string {
  if (!Number.isInteger(boundary)) return String(boundary);
  return boundary < 1e6 ? `${boundary}.0` : boundary.toExponential().replace(/\+(\d)$/, '+0$1');
}

function writeExemplar(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, spanId, value, at } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${value} ${at / 1000}`;
}

function writeLabels(definition: MetricDefinition, attributes: MetricAttributes): string {
  return Object.keys(definition.attributes ?? {})
    .filter((name) => attributes[name] !== undefined)
    .map((name) => `${prometheusLabel(name, definition)}="${escaped(String(attributes[name]))}"`)
    .join(',');
}

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
