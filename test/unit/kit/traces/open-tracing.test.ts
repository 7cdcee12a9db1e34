import { pino } from 'pino';
import { openTracing, readTraces } from '../../../../kit/traces/open-tracing';
import { startOtlpReceiver } from '../../../support/otlp-receiver';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('the environment', () => {
  it.each([
    {},
    { ...endpoint, OTEL_SDK_DISABLED: 'true' },
    { ...endpoint, OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  ])('exports nothing with %j', (env) => {
    expect(readTraces(env)).toBeUndefined();
  });

  it.each([endpoint, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }])(
    'exports spans with %j',
    (env) => {
      expect(readTraces(env)).toEqual({});
    },
  );

  it.each([
    ['OTEL_TRACES_EXPORTER', 'zipkin', 'OTEL_TRACES_EXPORTER must be otlp, but got: "zipkin".'],
    [
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'grpc',
      'OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, but got: "grpc".',
    ],
  ])('may not say %s=%s', (name, value, says) => {
    expect(() => readTraces({ ...endpoint, [name]: value })).toThrow(says);
  });
});

describe('a collector', () => {
  const lines: string[] = [];
  const log = pino(
    { base: null },
    { write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg) },
  );
  beforeEach(() => lines.splice(0));

  it('gets spans with the name of the service, at the latest at the end', async () => {
    const collector = await startOtlpReceiver();
    const { tracer, flush, stop } = await openTracing({ url: collector.url, service: 'orders', log });
    tracer.begin('one', { attributes: {} }).end();
    await flush();
    expect(collector.spans).toMatchObject([{ name: 'one', service: 'orders' }]);
    tracer.begin('two', { attributes: {} }).end();
    await stop();
    expect(collector.spans).toHaveLength(2);
    expect(lines).toEqual([]);
    await collector.close();
  });

  it('that refuses, and then takes them again, is in the log once each time', async () => {
    const collector = await startOtlpReceiver();
    const { tracer, flush, stop } = await openTracing({ url: collector.url, service: 'orders', log });
    const send = async (answer: typeof collector.answer) => {
      collector.answer = answer;
      tracer.begin('one', { attributes: {} }).end();
      await flush();
    };
    for (let i = 0; i < 2; i++) await send((response) => response.writeHead(400).end());
    for (let i = 0; i < 2; i++) await send(undefined);
    expect(lines).toEqual(['spans could not be sent to the collector', 'the collector takes spans again']);
    await stop();
    await collector.close();
  });
});
