/** What Cosmo reports of itself. */
import { type ForeignValue, textOf } from '../../foreign';
import { different, none, type Row, same } from '../../table';
import type { Position } from '../../translate';
import { byHand, count, flag, to } from '../../values';
import { takeListener } from '../apollo-router/server';
import { setCollector, setCollectorHeader, type Signal } from '../otlp';

export const telemetryRows = (): Row[] => [
  same('telemetry.service_name', '`telemetry.resource`', (value, at) =>
    at.set(['telemetry', 'resource', 'service.name'], textOf(value)),
  ),
  same('telemetry.resource_attributes.*.key', '`telemetry.resource`', (key, at) => {
    const value = at.beside('value');
    if (typeof key !== 'string' || typeof value !== 'string')
      return byHand('Write its text as an attribute of `telemetry.resource`.');
    at.set(['telemetry', 'resource', key], value);
    return undefined;
  }),
  same('telemetry.resource_attributes.*.value', '`telemetry.resource`'),
  none(
    'telemetry.attributes.**',
    'Spans and metrics have the [attributes of Weir](tracing.md); `logging.fields` adds headers and claims to the log.',
  ),
  same('telemetry.tracing.enabled', '`telemetry.traces`', (value, at) =>
    value === false ? at.set('telemetry.traces.sampling', 0) : undefined,
  ),
  same('telemetry.tracing.sampling_rate', '`telemetry.traces.sampling`', (value, at) =>
    at.beside('enabled') === false ? undefined : to('telemetry.traces.sampling', count)(value, at),
  ),
  same('telemetry.tracing.parent_based_sampler', '', (value) =>
    value === true ? undefined : byHand('The decision of a client that sends `traceparent` always counts.'),
  ),
  ...exporterRows('telemetry.tracing.exporters', 'traces'),
  same(
    'telemetry.tracing.propagation.trace_context',
    '',
    undefined,
    '`traceparent` is always read and sent.',
  ),
  same(
    'telemetry.tracing.propagation.datadog',
    '`telemetry.traces.datadog`',
    to('telemetry.traces.datadog', flag),
  ),
  different(
    'telemetry.tracing.propagation.baggage',
    '`headers.forward`',
    'Forward the header `baggage`.',
    (value, at) => (value === true ? at.add('headers.forward', 'baggage') : undefined),
  ),
  none('telemetry.tracing.propagation.**', 'Send `traceparent`, which all understand.'),
  none(
    'telemetry.tracing.response_trace_id.**',
    '`x-request-id` of the answer is in the log, beside the id of the trace.',
  ),
  none(
    'telemetry.tracing.**',
    'Spans have the [attributes of Weir](tracing.md), and no variables of clients.',
  ),
  ...exporterRows('telemetry.metrics.otlp.exporters', 'metrics'),
  same('telemetry.metrics.otlp.enabled', '`telemetry.metrics.otlp`'),
  same(
    'telemetry.metrics.prometheus.enabled',
    '',
    undefined,
    '`GET /metrics` on the `admin` port is always there.',
  ),
  same('telemetry.metrics.prometheus.listen_addr', '`admin.host`, `admin.port`', (value, at) =>
    at.beside('enabled') === false ? undefined : takeListener('admin.host', 'admin.port')(value, at),
  ),
  different('telemetry.metrics.prometheus.path', '', 'The path is `/metrics`.'),
  none('telemetry.metrics.**', 'Names, attributes and buckets are [those of Weir](metrics.md).'),
  same('access_logs.enabled', '`logging.level`', (value) =>
    value === false
      ? byHand('Requests are logged at `info`: set `logging.level: warn` to leave them out.')
      : undefined,
  ),
  different(
    'access_logs.router.fields.*.value_from.request_header',
    '`logging.fields`',
    'Headers of credentials are never logged.',
    (value, at) => {
      const key = at.inFile('access_logs', 'router', 'fields', at.names[0]!, 'key');
      if (typeof key !== 'string' || typeof value !== 'string')
        return byHand('Write it as `logging.fields`.');
      at.set(['logging', 'fields', key, 'header'], value);
      return undefined;
    },
  ),
  different(
    'access_logs.router.fields.**',
    '`logging.fields`',
    'Fields are headers or claims; lines have [fields of their own](logs.md).',
  ),
  none('access_logs.**', 'The log is on standard output, with [fields of its own](logs.md).'),
];

function exporterRows(key: string, signal: Signal): Row[] {
  const options = `telemetry.${signal}.otlp`;
  const list = key.split('.');
  const isOff = (at: Position): boolean =>
    at.inFile(...list, at.names[0]!, 'disabled') === true ||
    at.inFile(...list.slice(0, -1), 'enabled') === false;
  return [
    same(`${key}.*.disabled`, `\`${options}\``),
    same(`${key}.*.exporter`, `\`${options}.protocol\``),
    same(`${key}.*.endpoint`, `\`${options}.url\``, (value, at) => {
      if (isOff(at)) return { becomes: 'same', note: 'It is switched off.' };
      const isHttp = at.beside('exporter') !== 'grpc';
      return setCollector(at, signal, withPath(value, isHttp ? at.beside('path') : undefined), isHttp);
    }),
    same(`${key}.*.path`, `\`${options}.url\``),
    same(`${key}.*.headers.*`, `\`${options}.headers\``, (value, at) => {
      if (!isOff(at)) setCollectorHeader(at, signal, at.names[1]!, value);
    }),
    none(`${key}.*.**`, 'It is sent in batches of its own size.'),
  ];
}

function withPath(endpoint: ForeignValue, path: ForeignValue | undefined): string {
  const url = textOf(endpoint);
  return typeof path === 'string' && path !== ''
    ? `${url.replace(/\/$/, '')}${path.startsWith('/') ? '' : '/'}${path}`
    : url;
}
