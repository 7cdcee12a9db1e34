import { z } from 'zod';
import { headerName, headerValue, httpUrl, mapOf, text, timeout } from './values';

const otlp = mapOf({
  url: httpUrl.describe(
    'The whole URL, such as `http://collector:4318/v1/metrics`. OTLP over HTTP, in JSON.',
  ),
  headers: z
    .record(headerName, headerValue.meta({ writeOnly: true }), { error: 'must be a map of headers' })
    .prefault({})
    .describe('Headers of each request, such as the key of a vendor.')
    .meta({ example: { 'x-api-key': '${file:/run/secrets/collector-key}' } }),
  interval: timeout
    .prefault('60s')
    .describe('How long to wait between two requests. The last one is sent when the gateway stops.'),
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
})
  .prefault({})
  .describe('What is sent to observability systems.')
  .meta({
    example: {
      resource: { 'deployment.environment.name': 'production' },
      metrics: { otlp: { url: 'http://collector:4318/v1/metrics', interval: '30s' } },
    },
  });
