import { once } from 'node:events';
import { type AddressInfo, createServer, connect as connectTo, type Socket } from 'node:net';
import { Http1Pool, type OnPause } from '../../../../../../gateway/subgraph-calls/wire/http1/pool';

const poolOf = (connect: () => Socket, onPause?: OnPause): Http1Pool =>
  new Http1Pool({
    onPause,
    url: new URL('http://[::1]:4001/graphql'),
    connect: (_target, connected) => connected(null, connect()),
    max: 10,
    keepAlive: 4000,
  });

const never = (): Socket => {
  throw new Error('No connection is opened.');
};

it('is not used for a minute after a response that it did not understand, and longer after the next ones', () => {
  let now = 1000;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    const pool = poolOf(never);
    const unusedFor = (): number => {
      const from = now;
      pool.onRefused('trailers');
      while (!pool.isUsed) now += 1000;
      return (now - from) / 1000;
    };
    expect(pool.isUsed).toBe(true);
    expect([unusedFor(), unusedFor(), unusedFor()]).toEqual([60, 120, 240]);
    for (let i = 0; i < 10; i++) unusedFor();
    expect(unusedFor()).toBe(3600);
    pool.onRefused('trailers');
    now += 1000;
    pool.onRefused('trailers');
    now += 3_599_000;
    expect(pool.isUsed).toBe(true);
  } finally {
    clock.mockRestore();
  }
});

it('tells of each pause, and why', () => {
  const told: unknown[] = [];
  const pool = poolOf(never, (refusal, pause) => told.push([refusal, pause]));
  let now = 1000;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    pool.onRefused('trailers');
    // Of a call that was in flight on another connection.
    pool.onRefused('excess');
    now += 60_000;
    pool.onRefused('excess');
  } finally {
    clock.mockRestore();
  }
  expect(told).toEqual([
    ['trailers', { response: 'has trailers, or announces them', seconds: 60 }],
    ['excess', { response: 'is followed by bytes that belong to no call', seconds: 120 }],
  ]);
});

const callWith = (onFailure: (failure: string) => void) => ({
  ...{ message: Buffer.from('POST'), maxBody: 10, isSettled: false, connection: undefined },
  onPiece: () => undefined,
  onAnswer: () => undefined,
  onRefused: () => undefined,
  onFailure,
});

it('fails calls with `closed` once it is destroyed', () => {
  const pool = poolOf(never);
  const failures: string[] = [];
  const call = callWith((failure) => failures.push(failure));
  pool.send(call);
  pool.destroy();
  pool.send(call);
  expect(failures).toEqual(['closed', 'closed']);
});

it('closes a connection in time that was opened for a call which nobody waits for any more', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const call = callWith(() => undefined);
    const pool = new Http1Pool({
      url: new URL('http://subgraph.test/graphql'),
      connect: (_target, connected) => {
        call.isSettled = true;
        const socket = connectTo((server.address() as AddressInfo).port, '127.0.0.1', () =>
          connected(null, socket),
        );
      },
      max: 10,
      keepAlive: 20,
    });
    pool.send(call);
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.resume();
    await once(socket, 'close');
  } finally {
    server.close();
  }
});

it('is not used after bytes that come while no call is in flight, and tells why', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const told: string[] = [];
    const pool = new Http1Pool({
      url: new URL('http://subgraph.test/graphql'),
      connect: (_target, connected) => {
        const socket = connectTo((server.address() as AddressInfo).port, '127.0.0.1', () =>
          connected(null, socket),
        );
      },
      max: 10,
      keepAlive: 60_000,
      onPause: (refusal) => told.push(refusal),
    });
    const connection = once(server, 'connection');
    await new Promise<void>((resolve) =>
      pool.send({ ...callWith(() => undefined), onAnswer: () => resolve() }),
    );
    expect(pool.isUsed).toBe(true);
    const [socket] = (await connection) as [Socket];
    socket.write('HTTP/1.1 200 OK\r\n');
    await once(socket, 'close');
    expect([pool.isUsed, told]).toEqual([false, ['excess']]);
  } finally {
    server.close();
  }
});
