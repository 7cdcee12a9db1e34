import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { startOtlpExport } from '../../../../../gateway/telemetry/metrics/otlp';
import { startGrpcReceiver } from '../../../../support/grpc-receiver';
import { readAttributes, readMessage } from '../../../../support/otlp-receiver';
import { eventually } from '../../../../support/process';
import type { Json } from '../../../../support/running-gateway';
import { within } from '../../../../support/times';

interface Sent {
  readonly headers: IncomingHttpHeaders;
  readonly body: Json;
}

/** A collector, and the export of a few numbers to it. */
async function open(options: { readonly interval?: number } = {}) {
  const sent: Sent[] = [];
  const said: string[] = [];
  const collector = { status: 200, answers: true };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      sent.push({ headers: request.headers, body: JSON.parse(body) });
      if (collector.answers) response.writeHead(collector.status).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
  // The first request of a process loads the client of Node; an export that stops waits for two seconds only.
  await (await fetch(url, { method: 'POST', body: '{}' })).text();
  sent.length = 0;
  const meter = new Meter();
  const say = (_facts: unknown, message: string): void => void said.push(message);
  const exported = startOtlpExport({
    options: {
      url,
      protocol: 'http',
      headers: { 'x-api-key': 'k' },
      interval: options.interval ?? 3_600_000,
    },
    resource: { 'deployment.environment.name': 'test' },
    version: '1.2.3',
    collect: () => meter.collect(),
    logger: { warn: say, info: say } as never,
    fetch,
  });
  return { meter, exported, sent, said, collector };
}
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

it('sends the numbers as OTLP has them, and what there is when it stops', async () => {
  const { meter, exported, sent } = await open();
  meter.sum('weir.graphql.errors').add(2, { code: 'OVERLOADED', service: undefined });
  meter.sum('weir.cdn.purge.paths_waiting').add(3, {});
  meter.observe('weir.build', (observe) => observe(1, { version: '1', node: '20' }));
  const calls = meter.histogram('http.client.request.duration').of({
    subgraph: 'reviews',
    ...{ 'http.request.method': 'POST', 'server.address': 'reviews', 'server.port': 443 },
    ...{ 'http.response.status_code': 200, 'error.type': undefined },
  });
  for (const seconds of [0.001, 0.5, 60]) calls.record(seconds);
  const before = Date.now();
  await exported.stop();
  expect(sent).toHaveLength(1);
  const [{ headers, body }] = sent as [Sent];
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'k' });
  const [{ resource, scopeMetrics }] = body.resourceMetrics;
  expect(resource.attributes).toEqual([
    { key: 'service.name', value: { stringValue: 'weir' } },
    { key: 'service.version', value: { stringValue: '1.2.3' } },
    { key: 'service.instance.id', value: { stringValue: expect.stringMatching(/^[0-9a-f-]{36}$/) } },
    { key: 'deployment.environment.name', value: { stringValue: 'test' } },
  ]);
  const [{ scope, metrics }] = scopeMetrics;
  expect(scope).toEqual({ name: 'weir', version: '1.2.3' });
  const times = {
    startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
    timeUnixNano: expect.stringMatching(/^\d{19}$/),
  };
  const byName = Object.fromEntries(metrics.map((metric: { name: string }) => [metric.name, metric]));
  expect(byName['weir.graphql.errors']).toMatchObject({
    unit: '{error}',
    sum: {
      ...{ aggregationTemporality: 2, isMonotonic: true },
      dataPoints: [
        { attributes: [{ key: 'code', value: { stringValue: 'OVERLOADED' } }], ...times, asDouble: 2 },
      ],
    },
  });
  expect(byName['weir.cdn.purge.paths_waiting'].sum).toMatchObject({
    isMonotonic: false,
    dataPoints: [{ attributes: [], asDouble: 3 }],
  });
  expect(byName['weir.build'].gauge.dataPoints).toMatchObject([{ asDouble: 1 }]);
  expect(byName['http.client.request.duration']).toMatchObject({
    unit: 's',
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          attributes: expect.arrayContaining([
            { key: 'server.port', value: { intValue: '443' } },
            { key: 'http.response.status_code', value: { intValue: '200' } },
          ]),
          ...{ count: '3', sum: 60.501 },
          bucketCounts: ['1', ...'000000'.split(''), '1', ...'000000'.split(''), '1'],
          explicitBounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
          ...times,
        },
      ],
    },
  });
  const { timeUnixNano } = byName['weir.build'].gauge.dataPoints[0];
  expect(Math.abs(Number(BigInt(timeUnixNano) / 1_000_000n) - before)).toBeLessThan(60_000);
});

it('sends them again and again, says once that they are not taken, and once that they are again', async () => {
  const { exported, sent, said, collector } = await open({ interval: 20 });
  collector.status = 503;
  await eventually(() => sent.length > 3);
  expect(said).toEqual(['metrics could not be sent to the collector']);
  collector.status = 200;
  await eventually(() => said.length === 2);
  expect(said[1]).toBe('the collector takes metrics again');
  await exported.stop();
  const count = sent.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(sent).toHaveLength(count);
});

it('stops although the collector never answers', async () => {
  const { exported, sent, collector } = await open();
  collector.answers = false;
  const began = performance.now();
  await exported.stop();
  expect(performance.now() - began).toBeLessThan(within(5_000));
  expect(sent).toHaveLength(1);
});

it('follows no redirect, as its headers are secret', async () => {
  const { exported, sent, said, collector } = await open();
  collector.status = 307;
  await exported.stop();
  expect(sent).toHaveLength(1);
  expect(said).toEqual(['metrics could not be sent to the collector']);
});

it('sends the same over gRPC, in Protobuf', async () => {
  const receiver = await startGrpcReceiver();
  const meter = new Meter();
  meter.sum('weir.graphql.errors').add(2, { code: 'OVERLOADED', service: undefined });
  meter.observe('weir.build', (observe) => observe(1, { version: '1', node: '20' }));
  meter
    .histogram('http.client.request.duration')
    .of({
      subgraph: 'reviews',
      ...{ 'http.request.method': 'POST', 'server.address': 'reviews', 'server.port': 443 },
      ...{ 'http.response.status_code': 200, 'error.type': undefined },
    })
    .record(0.5);
  const exported = startOtlpExport({
    options: { url: receiver.url, protocol: 'grpc', headers: { 'x-api-key': 'k' }, interval: 3_600_000 },
    resource: { 'deployment.environment.name': 'test' },
    version: '1.2.3',
    collect: () => meter.collect(),
    logger: { warn: fail, info: fail } as never,
    fetch,
  });
  await exported.stop();
  await receiver.close();
  const [{ headers, message }] = receiver.requests as [(typeof receiver.requests)[number]];
  expect(headers).toMatchObject({
    ':path': '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
    'x-api-key': 'k',
  });
  const [of] = readMessage(message).messages(1);
  expect(readAttributes(of!.messages(1)[0]!.messages(1))).toMatchObject({
    'service.name': 'weir',
    'deployment.environment.name': 'test',
  });
  const metrics = new Map(
    of!
      .messages(2)[0]!
      .messages(2)
      .map((metric) => [metric.text(1), metric]),
  );
  const sum = metrics.get('weir.graphql.errors')!.messages(7)[0]!;
  expect([sum.number(2), sum.number(3)]).toEqual([2n, 1n]);
  const [errors] = sum.messages(1);
  expect(errors!.bytes(4)[0]!.readDoubleLE()).toBe(2);
  expect(readAttributes(errors!.messages(7))).toEqual({ code: 'OVERLOADED' });
  expect(Math.abs(Number(errors!.number(3) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  expect(metrics.get('weir.build')!.messages(5)[0]!.messages(1)[0]!.bytes(4)[0]!.readDoubleLE()).toBe(1);
  const [histogram] = metrics.get('http.client.request.duration')!.messages(9)[0]!.messages(1);
  expect([histogram!.number(4), histogram!.bytes(5)[0]!.readDoubleLE()]).toEqual([1n, 0.5]);
  expect(histogram!.bytes(7)[0]!.length / 8).toBe(14);
});

const fail = (_: unknown, message: string): never => {
  throw new Error(message);
};
