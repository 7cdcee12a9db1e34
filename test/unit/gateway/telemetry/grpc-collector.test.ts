import { createServer as createHttp } from 'node:http';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net';
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

it('connects again where the collector goes away, and keeps no connection beside the new one', async () => {
  const sessions = new Set<Http2Session>();
  receiver.answers.push((stream) => {
    const { session } = stream;
    sessions.add(session!);
    session!.goaway(0);
    // Ends after the next one has begun.
    setTimeout(() => answerWith('0')(stream), 20);
  });
  await send('one');
  for (const text of ['two', 'three', 'four']) {
    receiver.answers.push((stream) => {
      sessions.add(stream.session!);
      answerWith('0')(stream);
    });
    await send(text);
  }
  expect(sessions.size).toBe(2);
  await eventually(() => receiver.sessions.size === 1);
  collector.close();
  await eventually(() => receiver.sessions.size === 0);
});

it('closes its connection where the collector goes away, and does not close it', async () => {
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length;
  await send();
  const before = sockets();
  for (let i = 0; i < 5; i++) {
    receiver.answers.push((stream) => {
      stream.session!.goaway(0);
      answerWith('0')(stream);
    });
    await send();
  }
  // Only the ends of the server, as one of Node keeps them.
  await eventually(() => sockets() <= before + 5);
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

it('repeats what a collector without resources refuses only if it says when, after that time', async () => {
  const retryInfo = (seconds: number, nanos: number): string => {
    const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
    const delay = Buffer.from([...(seconds === 0 ? [] : [8, seconds]), 16, ...varint(nanos)]);
    const info = Buffer.concat([Buffer.from([0x0a, delay.length]), delay]);
    const any = Buffer.concat([
      Buffer.from([0x0a, type.length]),
      type,
      Buffer.from([0x12, info.length]),
      info,
    ]);
    const status = [Buffer.from([8, 8, 0x12, 4]), Buffer.from('full'), Buffer.from([0x1a, any.length]), any];
    return Buffer.concat(status).toString('base64').replace(/=*$/, '');
  };
  receiver.answers.push(answerWith('8', { 'grpc-status-details-bin': retryInfo(0, 30_000_000) }));
  const start = performance.now();
  await send();
  expect(performance.now() - start).toBeGreaterThan(25);
  expect(performance.now() - start).toBeLessThan(700);
  expect(receiver.requests).toHaveLength(2);
  const endless = Buffer.from(`google.rpc.RetryInfo....\x08${'\x80'.repeat(2000)}`, 'latin1').toString(
    'base64',
  );
  for (const details of [retryInfo(60, 1), 'AAAA', '%%', '', endless]) {
    receiver.answers.push(answerWith('8', { 'grpc-status-details-bin': details }));
    await expect(send()).rejects.toThrow('It answered with the gRPC status 8.');
  }
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

it.each(['http', 'https'])('gives up a server that never answers, for %s URLs', async (scheme) => {
  const sockets: Socket[] = [];
  const silent = createTcp((socket) => void sockets.push(socket.on('error', () => undefined).resume()));
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  const url = `${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  open(200, url);
  await expect(send()).rejects.toThrow('It did not answer within 200 ms.');
  // Neither connection may be one that is dead.
  await expect(send()).rejects.toThrow('It did not answer within 200 ms.');
  expect(sockets).toHaveLength(2);
  await eventually(() => sockets.every(({ closed }) => closed));
  open(60_000, url);
  const sent = send();
  await eventually(() => sockets.length === 3);
  collector.close();
  await expect(sent).rejects.toThrow();
  await eventually(() => sockets.every(({ closed }) => closed));
  await new Promise<void>((closed) => silent.close(() => closed()));
});

it('gives up an answer without end, and does not repeat the request', async () => {
  receiver.answers.push((stream) => {
    stream.respond({ ':status': 200 });
    const write = (): void => {
      while (stream.writable && stream.write(Buffer.alloc(65_536)));
      stream.once('drain', write);
    };
    write();
  });
  await expect(send()).rejects.toThrow('Its answer is larger than 4 MiB.');
  expect(receiver.requests).toHaveLength(1);
});

it('says that a server of HTTP/1.1 is none of gRPC', async () => {
  const http = createHttp((_, response) => void response.end('hello'));
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  open(500, `http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  await expect(send()).rejects.toThrow('It does not answer in HTTP/2: Protocol error.');
  http.close();
});

it('gives up when the time is over, whoever is silent or not there', async () => {
  open(200);
  receiver.answers.push(() => undefined);
  await expect(send()).rejects.toThrow('It did not answer within 200 ms.');
  open(200, 'http://127.0.0.1:1');
  await expect(send()).rejects.toThrow('ECONNREFUSED');
});

it('gives up what is being sent when it is closed', async () => {
  receiver.answers.push(() => undefined);
  const sent = send();
  await eventually(() => receiver.requests.length === 1);
  collector.close();
  await expect(sent).rejects.toThrow();
  const { length } = receiver.requests;
  await expect(send()).rejects.toThrow();
  expect(receiver.requests).toHaveLength(length);
  await eventually(() => receiver.sessions.size === 0);
});

const answerWith =
  (status: string, more: Readonly<Record<string, string>> = {}) =>
  (stream: ServerHttp2Stream): void =>
    stream.respond({ ':status': 200, 'grpc-status': status, ...more }, { endStream: true });

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
