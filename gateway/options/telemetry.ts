import { z } from 'zod';
import { flag, headerName, headerValue, httpUrl, mapOf, share, text, timeout } from './values';

const collectorHeaders = z
  .record(headerName, headerValue.meta({ writeOnly: true }), { error: 'must be a map of headers' })
  .prefault({})
  .describe('Headers of each request, such as the key of a vendor.')
  .meta({ example: { 'x-api-key': '${file:/run/secrets/collector-key}' } });

const protocols = ['http', 'grpc'] as const;
const protocol = z.enum(protocols, { error: 'must be http or grpc' });

/** What is no URL is refused for that. */
const isWithoutPath = (url: string): boolean => !URL.canParse(url) || /^\/?$/.test(new URL(url).pathname);
const pathRule = 'must have a `url` without a path for gRPC, such as http://collector:4317';

const otlp = mapOf({
  url: httpUrl.describe(
    'The whole URL, such as `http://collector:4318/v1/metrics`; for gRPC without a path, such as `http://collector:4317`.',
  ),
  protocol: protocol
    .default('http')
    .describe('OTLP over HTTP, in JSON (`http`), or over gRPC (`grpc`), with TLS for `https:` URLs.')
    .meta({ example: 'http' }),
  headers: collectorHeaders,
  interval: timeout
    .prefault('60s')
    .describe('How long to wait between two requests. The last one is sent when the gateway stops.'),
}).refine(({ url, protocol }) => protocol === 'http' || isWithoutPath(url), { error: pathRule });

const traces = mapOf({
  otlp: mapOf({
    url: httpUrl
      .optional()
      .describe(
        'The whole URL, such as `http://collector:4318/v1/traces`. Left out: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` of the environment; without these nothing is traced.',
      ),
    protocol: protocol
      .optional()
      .describe(
        'OTLP over HTTP, in Protobuf (`http`), or over gRPC (`grpc`); with gRPC the URL has no path, such as `http://collector:4317`. Left out: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL` or `OTEL_EXPORTER_OTLP_PROTOCOL` of the environment, else HTTP.',
      )
      .meta({ example: 'grpc' }),
    headers: collectorHeaders,
  })
    .refine(({ url, protocol }) => protocol !== 'grpc' || url === undefined || isWithoutPath(url), {
      error: pathRule,
    })
    .prefault({})
    .describe('The OpenTelemetry collector that gets the spans.'),
  sampling: share
    .optional()
    .describe(
      'The share of traces that begin at the gateway and are exported. Where a client sends `traceparent`, its decision counts. Left out: `OTEL_TRACES_SAMPLER` of the environment, else all.',
    ),
  xRay: flag
    .default(false)
    .describe(
      'For AWS X-Ray: requests without `traceparent` continue the trace of `X-Amzn-Trace-Id`, which load balancers of AWS send; subgraphs get both headers; and trace ids begin with the time. No header rule may write `x-amzn-trace-id` then, and no pattern forwards it.',
    ),
  datadog: flag
    .default(false)
    .describe(
      'For tracers of Datadog: requests without `traceparent` continue the trace of `x-datadog-trace-id`, `x-datadog-parent-id`, `x-datadog-sampling-priority` and `x-datadog-tags`, and subgraphs get these, too, also where the gateway exports no spans. No header rule may write them then, and no pattern forwards them.',
    ),
  keep: mapOf({
    slowerThan: timeout
      .optional()
      .describe(
        "Exports the gateway's own spans of requests that took at least this long, also of those that were not sampled. Left out: none.",
      )
      .meta({ example: '2s' }),
    failed: flag
      .default(false)
      .describe(
        "Exports the gateway's own spans of requests that were answered with a 5xx status or with errors beside data, also of those that were not sampled.",
      ),
  })
    .prefault({})
    .describe(
      'Which requests are exported although they were not sampled. Then all requests record their spans until they end. Their headers to subgraphs have `sampled` off, so the spans of subgraphs are missing.',
    )
    .meta({ example: { slowerThan: '2s', failed: true } }),
});

export const telemetry = mapOf({
  resource: z
    .record(text, text, { error: 'must be a map of text' })
    .default({})
    .describe(
      'Attributes of the service, as OpenTelemetry names them, such as `deployment.environment.name`. `service.name` is `weir` if it is not here. No effect on `GET /metrics`.',
    ),
  metrics: mapOf({
    otlp: otlp
      .optional()
      .describe('Sends all metrics to an OpenTelemetry collector, too. Left out: they are sent nowhere.'),
  })
    .prefault({})
    .describe('Metrics: docs/metrics.md. `GET /metrics` of the `admin` port has them in any case.'),
  traces: traces.prefault({}).describe('Traces of requests: docs/tracing.md.'),
})
  .prefault({})
  .describe('What is sent to observability systems.')
  .meta({
    example: {
      resource: { 'deployment.environment.name': 'production' },
      metrics: { otlp: { url: 'http://collector:4318/v1/metrics', interval: '30s' } },
      traces: { otlp: { url: 'http://collector:4318/v1/traces' }, sampling: 0.1 },
    },
  });
