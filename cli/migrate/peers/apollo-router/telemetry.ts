/** What Apollo Router reports of itself. */
import { different, none, type Row, same } from '../../table';
import { byHand, choice, duration, flag, to } from '../../values';
import type { Position } from '../../translate';
import { type ForeignValue, textOf } from '../../foreign';
import { isMap } from '../../foreign';
import { setCollector, setCollectorHeader, type Signal } from '../otlp';
import { takeListener } from './server';

const exporters = 'telemetry.exporters';

export const telemetryRows = (): Row[] => [
  ...metricRows(),
  ...traceRows(),
  same(
    [`${exporters}.logging.stdout.format`, `${exporters}.logging.stdout.tty_format`],
    '`logging.format`',
    choice(
      'logging.format',
      new Map([
        ['json', 'json'],
        ['text', 'pretty'],
      ]),
    ),
  ),
  different(
    [`${exporters}.logging.stdout.format.json.**`, `${exporters}.logging.stdout.format.text.**`],
    '`logging.format`, `.fields`, `.omit`',
    'Lines have the [fields of Weir](logs.md).',
    takeFormat,
  ),
  none(`${exporters}.logging.stdout.tty_format.**`, 'A terminal gets lines for people.'),
  same(`${exporters}.logging.stdout.enabled`, '`logging.level`', (value, at) => {
    if (value === false) at.set('logging.level', 'silent');
  }),
  different(
    `${exporters}.logging.stdout.rate_limit.**`,
    '`logging.sampling`',
    'It logs one of so many requests.',
  ),
  ...['service_name', 'service_namespace'].map((name) =>
    same(
      ['tracing', 'metrics', 'logging'].map((signal) => `${exporters}.${signal}.common.${name}`),
      '`telemetry.resource`',
      (value, at) =>
        typeof value === 'string'
          ? at.set(['telemetry', 'resource', name.replace('_', '.')], value)
          : undefined,
    ),
  ),
  same(
    ['tracing', 'metrics', 'logging'].map((signal) => `${exporters}.${signal}.common.resource.*`),
    '`telemetry.resource`',
    (value, at) =>
      typeof value === 'string'
        ? at.set(['telemetry', 'resource', at.names[0]!], value)
        : byHand('Write its text as an attribute of `telemetry.resource`.'),
  ),
  none(
    'telemetry.instrumentation.**',
    '[Metrics](metrics.md), [spans](tracing.md) and [lines of the log](logs.md) are fixed; `logging.fields` adds headers and claims to lines.',
  ),
  none('telemetry.apollo.**', 'Usage goes to the [registry](registry.md) of Weir: `usage`.'),
];

/** A map of how lines look: its name is the format. */
function takeFormat(_: ForeignValue, at: Position): void {
  const format = at.inFile('telemetry', 'exporters', 'logging', 'stdout', 'format');
  if (isMap(format)) at.set('logging.format', format.has('json') ? 'json' : 'pretty');
}

function metricRows(): Row[] {
  const metrics = `${exporters}.metrics`;
  return [
    same(
      `${metrics}.prometheus.enabled`,
      '',
      undefined,
      '`GET /metrics` on the `admin` port is always there.',
    ),
    same(`${metrics}.prometheus.listen`, '`admin.host`, `admin.port`', (value, at) =>
      at.beside('enabled') === true ? takeListener('admin.host', 'admin.port')(value, at) : undefined,
    ),
    different(`${metrics}.prometheus.path`, '', 'The path is `/metrics`.'),
    ...otlpRows(metrics, 'metrics'),
    same(
      `${metrics}.otlp.temporality`,
      '',
      (value) => (value === 'delta' ? byHand('Cumulative: a collector can make it delta.') : undefined),
      'Cumulative.',
    ),
    same(
      `${metrics}.otlp.batch_processor.scheduled_delay`,
      '`telemetry.metrics.otlp.interval`',
      (value, at) =>
        at.inFile(...`${metrics}.otlp.enabled`.split('.')) === true
          ? to('telemetry.metrics.otlp.interval', duration)(value, at)
          : undefined,
    ),
    none(
      [`${metrics}.otlp.batch_processor.**`, `${metrics}.common.**`],
      'Names, attributes and buckets are [those of Weir](metrics.md).',
    ),
  ];
}

function traceRows(): Row[] {
  const tracing = `${exporters}.tracing`;
  return [
    ...otlpRows(tracing, 'traces'),
    none(
      [`${tracing}.otlp.batch_processor.**`, `${tracing}.otlp.temporality`],
      'Spans are sent in batches of its own size.',
    ),
    same(`${tracing}.common.sampler`, '`telemetry.traces.sampling`', (value, at) => {
      const share = value === 'always_on' ? 1 : value === 'always_off' ? 0 : value;
      return to('telemetry.traces.sampling', (each) => (typeof each === 'number' ? each : undefined))(
        share,
        at,
      );
    }),
    same(`${tracing}.common.parent_based_sampler`, '', (value) =>
      value === true ? undefined : byHand('The decision of a client that sends `traceparent` always counts.'),
    ),
    none(
      `${tracing}.common.preview_datadog_agent_sampling`,
      'Spans are sampled at the gateway, by `telemetry.traces.sampling` and `.keep`.',
    ),
    none(`${tracing}.common.**`, 'Spans have the [attributes of Weir](tracing.md).'),
    same(`${tracing}.propagation.trace_context`, '', undefined, '`traceparent` is always read and sent.'),
    same(
      `${tracing}.propagation.datadog`,
      '`telemetry.traces.datadog`',
      to('telemetry.traces.datadog', flag),
    ),
    same(`${tracing}.propagation.aws_xray`, '`telemetry.traces.xRay`', to('telemetry.traces.xRay', flag)),
    different(
      `${tracing}.propagation.baggage`,
      '`headers.forward`',
      'Forward the header `baggage`.',
      (value, at) => (value === true ? at.add('headers.forward', 'baggage') : undefined),
    ),
    none(
      [`${tracing}.propagation.jaeger`, `${tracing}.propagation.zipkin`],
      'Send `traceparent`, which both understand.',
    ),
    none(
      `${tracing}.propagation.request.**`,
      'Traces begin with `traceparent`, or at the gateway; `x-request-id` has the id of the request.',
    ),
    none(
      `${tracing}.response_trace_id.**`,
      '`x-request-id` of the answer is in the log, beside the id of the trace.',
    ),
    different(
      `${tracing}.datadog.**`,
      '`telemetry.traces.otlp`',
      "Send spans to the Datadog agent's OTLP port, such as 4318.",
    ),
    different(`${tracing}.zipkin.**`, '`telemetry.traces.otlp`', 'Send spans to an OpenTelemetry collector.'),
    different(
      `${tracing}.jaeger.**`,
      '`telemetry.traces.otlp`',
      "Send spans to Jaeger's OTLP port, such as 4318.",
    ),
  ];
}

/** OTLP: over one of two protocols, where it is switched on. */
function otlpRows(place: string, signal: Signal): Row[] {
  const key = (name: string): string => `${place}.otlp.${name}`;
  const isOn = (at: Position): boolean => at.inFile(...key('enabled').split('.')) === true;
  const options = `\`telemetry.${signal}.otlp`;
  const isHttp = (at: Position): boolean => at.inFile(...key('protocol').split('.')) === 'http';
  const header =
    (ofHttp: boolean) =>
    (value: ForeignValue, at: Position): void => {
      if (isOn(at) && isHttp(at) === ofHttp) setCollectorHeader(at, signal, at.names[0]!, value);
    };
  return [
    same(key('enabled'), `${options}\``),
    same(key('endpoint'), `${options}.url\``, (value, at) => {
      if (!isOn(at)) return { becomes: 'same', note: 'It is switched off.' };
      const usual = `http://127.0.0.1:${isHttp(at) ? 4318 : 4317}`;
      return setCollector(at, signal, value === 'default' ? usual : textOf(value), isHttp(at));
    }),
    same(key('protocol'), `${options}.protocol\``),
    same(key('http.headers.*'), `${options}.headers\``, header(true)),
    same(key('grpc.metadata.*'), `${options}.headers\``, header(false)),
    none(key('grpc.**'), 'Certificates are those that Node trusts: `NODE_EXTRA_CA_CERTS`.'),
  ];
}
