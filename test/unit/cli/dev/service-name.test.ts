import { serviceName } from '../../../../cli/dev/service-name';

it('gives each subgraph a name of its own, where the environment has variables of OpenTelemetry', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SERVICE_NAME: 'shop' };
  expect(serviceName(env, 'orders')).toEqual({ OTEL_SERVICE_NAME: 'orders' });
  expect(serviceName({ PATH: '/bin' }, 'orders')).toEqual({});
});
