/** docs/grafana-dashboard.json and docs/prometheus-alerts.yaml */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type MetricDefinition, metricTable } from '../../../../gateway/telemetry/metrics/metric-table';
import { prometheusLabel, prometheusName } from '../../../../gateway/telemetry/metrics/prometheus';
import type { Json } from '../../../support/running-gateway';

const docs = join(__dirname, '../../../../docs');
const read = (name: string): string => readFileSync(join(docs, name), 'utf8');

/** Those that Prometheus and `--workers` add. */
const fromOutside: readonly string[] = ['job', 'instance', 'worker'];

/** The labels of each sample that a gateway has, by its name. */
const samples = new Map(
  Object.entries<MetricDefinition>(metricTable).flatMap(([name, definition]) => {
    const full = prometheusName(name, definition);
    const own = Object.keys(definition.attributes ?? {}).map((each) => prometheusLabel(each, definition));
    const labels = [...own, ...fromOutside];
    if (definition.kind !== 'histogram') return [[full, labels] as const];
    return ['_count', '_sum', '_bucket'].map(
      (end) => [`${full}${end}`, end === '_bucket' ? [...labels, 'le'] : labels] as const,
    );
  }),
);

interface Used {
  readonly metrics: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

/** The metrics and the labels that an expression of PromQL names. */
function usedIn(expression: string): Used {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  const tokens = expression.match(/"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[A-Za-z_$][\w:]*|[^\s\w]/g) ?? [];
  let isLabels = false;
  let isGrouping = false;
  for (const [i, token] of tokens.entries()) {
    const next = tokens[i + 1];
    if (token === '{') isLabels = true;
    else if (token === '}') isLabels = false;
    else if (token === ')') isGrouping = false;
    else if (['by', 'without', 'on', 'ignoring'].includes(token)) isGrouping = true;
    else if (/^[A-Za-z_]/.test(token) && (isLabels || isGrouping)) labels.add(token);
    else if (/^[A-Za-z_]/.test(token) && next !== '(' && !isGroupingWord(next)) metrics.add(token);
  }
  return { metrics, labels };
}

/** As in `sum by (job) (…)`. */
const isGroupingWord = (word: string | undefined): boolean => word === 'by' || word === 'without';

function expectToExist(expression: string): void {
  const { metrics, labels } = usedIn(expression);
  expect(metrics.size).toBeGreaterThan(0);
  const unknown = [...metrics].filter((metric) => !samples.has(metric));
  expect([expression, unknown]).toEqual([expression, []]);
  const known = new Set([...metrics].flatMap((metric) => samples.get(metric)!));
  expect([expression, [...labels].filter((label) => !known.has(label))]).toEqual([expression, []]);
}

it('finds metrics and labels in PromQL', () => {
  const expression =
    'histogram_quantile(0.9, sum by (le, a) (rate(x_bucket{b="y{z}",c!~"d"}[5m]))) / max without (w) (v) > 1';
  expect(usedIn(expression)).toEqual({
    metrics: new Set(['x_bucket', 'v']),
    labels: new Set(['le', 'a', 'b', 'c', 'w']),
  });
});

describe('docs/grafana-dashboard.json', () => {
  const { panels, templating } = JSON.parse(read('grafana-dashboard.json'));
  const shown = panels.filter(({ type }: Json) => type !== 'row');
  const charts = shown.filter(({ datasource }: Json) => datasource.type === 'prometheus');

  it.each<[string, string]>(
    charts.flatMap(({ title, targets }: Json) => targets.map(({ expr }: Json) => [title, expr])),
  )('shows metrics and labels that exist: %s', (_, expression) => {
    expectToExist(expression);
  });

  it('shows labels in its legends that the expression leaves', () => {
    for (const { targets } of charts)
      for (const { expr, legendFormat } of targets) {
        const { labels } = usedIn(expr);
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect([...labels]).toContain(label);
      }
  });

  it('has panels that do not lie on one another, each with an id of its own', () => {
    expect(new Set(panels.map(({ id }: Json) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos }: Json) => {
      const { x, y, w, h } = gridPos as Record<'x' | 'y' | 'w' | 'h', number>;
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('asks for its variables by metrics that exist', () => {
    const asked = templating.list.filter(({ type }: Json) => type === 'query');
    expect(asked.length).toBeGreaterThan(0);
    for (const { query } of asked) expectToExist(/^label_values\((.*), \w+\)$/.exec(query)![1]!);
  });
});

describe('the links of docs/grafana-dashboard.json', () => {
  const { panels, templating } = JSON.parse(read('grafana-dashboard.json'));
  const shown = panels.filter(({ type }: Json) => type !== 'row');
  const variables: readonly string[] = templating.list.map(({ name }: Json) => name);
  const links: readonly (readonly [string, Json, Json])[] = shown.flatMap((panel: Json) =>
    (panel.fieldConfig?.defaults.links ?? []).map((link: Json) => [panel.title, link, panel]),
  );

  /** The query that a link opens, as Grafana fills it in. */
  function queryOf({ url }: Json): Json {
    const filled = url
      .replaceAll('${stream}', '{job=`weir`}')
      .replaceAll(/\$\{([\w.]+)\}/g, (_: string, name: string) => name.replaceAll('.', '_'));
    const { searchParams } = new URL(filled, 'http://grafana');
    const { a } = JSON.parse(searchParams.get('panes')!);
    expect(a.queries).toHaveLength(1);
    return { ...a.queries[0], opened: a.datasource };
  }

  it('go to traces and to logs', () => {
    const opened = new Set(links.map(([, link]) => queryOf(link).opened));
    expect(opened).toEqual(new Set(['traces', 'logs']));
  });

  it.each(links)('of %s use variables and labels that exist', (_, { url }, { targets }) => {
    const labels = new Set(targets.flatMap(({ expr }: Json) => [...usedIn(expr).labels]));
    for (const [, name] of url.matchAll(/\$\{([\w.]+)\}/g)) {
      const label = /^__field\.labels\.(\w+)$/.exec(name)?.[1];
      if (label !== undefined) expect([...labels]).toContain(label);
      else expect([...variables, '__from', '__to', '__org.id']).toContain(name);
    }
  });

  it.each(links)('of %s ask for attributes of spans, or fields of log lines, that exist', (_, link) => {
    const { queryType, query, expr, datasource } = queryOf(link);
    if (datasource.type === 'tempo') {
      expect(queryType).toBe('traceql');
      const [, attribute] = /^\{span\.([\w.]+)="?\w+"?\}$/.exec(query)!;
      expect(spanAttributes).toContain(attribute);
    } else {
      const [, field] = /^\{job=`weir`\} \| json \| (\w+)(?:=|=~)"?[\w.*]+"?$/.exec(expr)!;
      expect(read('logs.md')).toContain(`\`${field!}\``);
    }
  });

  it('go from exemplars to traces, in graphs of metrics that have them', () => {
    const withExemplars = shown.flatMap(({ targets }: Json) =>
      targets.filter(({ exemplar }: Json) => exemplar === true),
    );
    expect(withExemplars.length).toBeGreaterThan(0);
    for (const { expr } of withExemplars)
      expect(expr).toMatch(
        /\b(?:http_server_request|weir_graphql_operation|http_client_request)_duration_seconds_bucket\b/,
      );
  });
});

/** Of requests, executions and calls: docs/tracing.md has Weir's own, the others are of the semantic conventions. */
const spanAttributes = ['http.response.status_code', 'graphql.operation.name', 'weir.subgraph.name'];

describe('docs/prometheus-alerts.yaml', () => {
  const { groups } = parse(read('prometheus-alerts.yaml'));
  const rules = groups.flatMap(({ rules: some }: Json) => some);

  it.each<[string, Json]>(rules.map((rule: Json) => [rule.alert, rule]))(
    '%s asks for metrics and labels that exist, and says what to do',
    (_, { expr, labels, annotations }) => {
      expectToExist(expr);
      expect(labels.severity).toMatch(/^(warning|critical)$/);
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.description.trim()).toMatch(/\.$/);
      const { labels: left } = usedIn(expr);
      for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
        expect([...left]).toContain(label);
    },
  );

  it('names options that exist', () => {
    const options = read('configuration.md');
    for (const option of ['overload', 'cache', 'supergraph', 'limits', 'timeouts'])
      expect(options).toContain(`## \`${option}\``);
  });
});

it('names metrics in the other pages that exist', () => {
  for (const page of [
    'operations',
    'caching',
    'entity-cache',
    'registry',
    'security',
    'request-lifecycle',
    'observability',
  ])
    for (const [name] of read(`${page}.md`).matchAll(
      /\b(?:weir|http|process|nodejs)_[a-z0-9_]+(?:_total|_seconds|_bytes|_open|_waiting|_available|_requests|_cost)\b/g,
    )) {
      const known = samples.has(name) || samples.has(`${name}_count`);
      expect([page, name, known]).toEqual([page, name, true]);
    }
});
