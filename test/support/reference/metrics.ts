import { type MetricDefinition, metricTable } from '../../../gateway/telemetry/metrics/metric-table';
import { prometheusLabel, prometheusName } from '../../../gateway/telemetry/metrics/prometheus';

/** `docs/metrics.md`: every metric, from the table that they are counted by. */
export function metricsReference(): string {
  const metrics = Object.entries<MetricDefinition>(metricTable);
  const groups = [
    ['HTTP', ['http.']],
    ['GraphQL', ['weir.graphql.', 'weir.client.', 'weir.operation.', 'weir.persisted_operations']],
    ['Overload and rates', ['weir.requests.', 'weir.rates.']],
    ['Subgraphs', ['weir.subgraph.']],
    ['Caches', ['weir.response_cache.', 'weir.cache.', 'weir.cdn.']],
    ['Supergraph, options, registry and audit', ['weir.']],
    ['Process and Node', ['process.', 'nodejs.', 'v8js.']],
  ] as const;
  const left = new Map(metrics);
  const sections = groups.map(([title, beginnings]) => {
    const mine = [...left].filter(([name]) => beginnings.some((beginning) => name.startsWith(beginning)));
    for (const [name] of mine) left.delete(name);
    return `## ${title}\n\n${table(mine)}`;
  });
  return [
    '# Metrics',
    'Generated from `gateway/telemetry/metrics/metric-table.ts`; a test keeps it true.',
    about,
    ...sections,
    '',
  ].join('\n\n');
}

const about = `\`GET /metrics\` on the admin port has all metrics in Prometheus' text format:

\`\`\`yaml
# prometheus.yml
scrape_configs:
  - job_name: weir
    static_configs: [{ targets: ['127.0.0.1:9464'] }]
    # Only if \`admin.token\` is set.
    authorization: { credentials_file: /run/secrets/weir-admin-token }
\`\`\`

A client that accepts \`application/openmetrics-text; version=1.0.0\`, as Prometheus does, gets [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/), which has **exemplars**, too: the durations of requests, operations and calls name the last [trace](tracing.md) of each bucket that is exported, with \`trace_id\` and \`span_id\`. Prometheus keeps them with \`--enable-feature=exemplar-storage\`, and Grafana shows them in graphs of \`_bucket\`. In OpenMetrics whole boundaries are written \`le="1.0"\`, and in the other format \`le="1"\`.

The same numbers can be sent to an OpenTelemetry collector, with \`telemetry.metrics.otlp\` in the [options](configuration.md#telemetry):

\`\`\`yaml
# weir.yaml
telemetry:
  metrics:
    otlp:
      url: http://collector:4318/v1/metrics
      interval: 30s
\`\`\`

[grafana-dashboard.json](grafana-dashboard.json) is a dashboard for Grafana, and [prometheus-alerts.yaml](prometheus-alerts.yaml) has alert rules; [failures.md](failures.md) lists what to do about each failure. Tests check that both name only metrics and labels that exist, and \`.ci/full\` has Prometheus' own \`promtool\` check them. A Prometheus 2.42 that scraped a gateway has evaluated every expression of both. The dashboard links its graphs with traces and logs, as [observability.md](observability.md#grafana) says. It has not been loaded into Grafana.

Names, units and attributes are those of OpenTelemetry's [semantic conventions](https://opentelemetry.io/docs/specs/semconv/http/http-metrics/) where it has them. Each metric is listed by its name in Prometheus, with its name in OTLP below it where that is not the same with dots. Names that clients or subgraphs choose are bounded: the most used ones have series of their own, all others are counted as \`other\`, and at most two a minute change.

With \`--workers\`, each sample has the label \`worker\`: \`sum without (worker) (…)\` adds them. \`worker="0"\` is the process that started them. Over OTLP each worker is an instance of the service.`;

function table(metrics: readonly [string, MetricDefinition][]): string {
  return [
    row(['metric', 'type', 'meaning', 'labels']),
    row(['---', '---', '---', '---']),
    ...metrics.map(([name, definition]) =>
      row([namesOf(name, definition), typeOf(definition), definition.description, labelsOf(definition)]),
    ),
  ].join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const typeOf = ({ kind }: MetricDefinition): string => (kind === 'upDownCounter' ? 'gauge' : kind);

function namesOf(name: string, definition: MetricDefinition): string {
  const inPrometheus = prometheusName(name, definition);
  const isTheSame = definition.prometheus === undefined;
  return isTheSame ? `\`${inPrometheus}\`` : `\`${inPrometheus}\`<br>OTLP: \`${name}\``;
}

const labelsOf = (definition: MetricDefinition): string =>
  Object.entries(definition.attributes ?? {})
    .map(([attribute, meaning]) => `\`${prometheusLabel(attribute, definition)}\`: ${meaning}`)
    .join('<br>');
