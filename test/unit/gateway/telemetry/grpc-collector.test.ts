import { GrpcCollector, otlpServices } from '../../../../gateway/telemetry/grpc-collector';
import { type GrpcReceiver, startGrpcReceiver } from '../../../support/grpc-receiver';
import { eventually } from '../../../support/process';

let receiver: GrpcReceiver;
let collector: GrpcCollector;

beforeEach(async () => {
  receiver = await startGrpcReceiver();
  open(5000);
});
afterEach(async () => {
  collector.close();
  await receiver.close();
});

function open(timeout: number, url = receiver.url): void {
  collector = new GrpcCollector({ url, headers: { 'x-api-key': 'k' }, timeout });
}
const send = (text = 'spans'): Promise<void> => collector.send(otlpServices.traces, Buffer.from(text));

it('sends messages over one connection', async () => {
  await send('one');
  await send('two');
  expect(receiver.requests.map(({ message }) => message.toString())).toEqual(['one', 'two']);
  expect(receiver.requests[0]!.headers).toMatchObject({
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': expect.stringMatching(/^\d+m$/),
    'x-api-key': 'k',
  });
});

it('rejects what the collector refuses, and does not repeat it', async () => {
  receiver.answers.push(3);
  await expect(send()).rejects.toThrow('It answered with the gRPC status 3.');
  expect(receiver.requests).toHaveLength(1);
  await send();
});

it('repeats what the collector cannot take now, when it says so', async () => {
  receiver.answers.push((stream) =>
    stream.respond(
      { ':status': 200, 'grpc-status': '14', 'grpc-retry-pushback-ms': '10' },
      { endStream: true },
    ),
  );
  await send();
  expect(receiver.requests).toHaveLength(2);
});

it('repeats by itself after a second', async () => {
  receiver.answers.push(14);
  await send();
  expect(receiver.requests).toHaveLength(2);
});

it('connects again when the connection was lost', async () => {
  await send();
  receiver.answers.push((stream) => stream.session!.destroy());
  await send();
  expect(receiver.requests).toHaveLength(3);
});

it('says that a server of HTTP is none of gRPC', async () => {
  receiver.answers.push((stream) => stream.respond({ ':status': 404 }, { endStream: true }));
  await expect(send()).rejects.toThrow('It does not answer in gRPC: its HTTP status is 404.');
});

it('gives up when the time is over, whoever is silent or not there', async () => {
  open(200);
  receiver.answers.push(() => undefined);
  await expect(send()).rejects.toThrow();
  open(200, 'http://127.0.0.1:1');
  await expect(send()).rejects.toThrow('ECONNREFUSED');
});

it('gives up what is being sent when it is closed', async () => {
  receiver.answers.push(() => undefined);
  const sent = send();
  await eventually(() => receiver.requests.length === 1);
  collector.close();
  await expect(sent).rejects.toThrow();
});
