/** What subgraphs do wrong over WebSockets, and what becomes of the other subscriptions. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { Callbacks } from '../../gateway/subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../gateway/telemetry/meter';
import { callerOf } from '../support/caller';
import { eventually } from '../support/process';
import { operationOf } from '../support/subgraph-request';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Raw {
  readonly socket: WebSocket;
  /** Of the TCP connection. */
  readonly raw: Socket;
  readonly scope: string;
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
  readonly ids: string[];
}

interface Options {
  readonly maxResponseSize?: number;
  /** Whether it acknowledges connections. */
  readonly accepts?: boolean;
  readonly perSecond?: number;
}

/** A subgraph that acknowledges, and sends what the test sends. */
async function open({ accepts = true, perSecond = 1_000, ...more }: Options = {}) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const opened: Raw[] = [];
  const codes: number[] = [];
  sockets.on('connection', (socket, { socket: raw, headers }) => {
    const scope = String(headers['x-scope']);
    const connection: Raw = { socket, raw, scope, at: performance.now(), ids: [] };
    opened.push(connection);
    socket.on('error', () => undefined);
    socket.on('close', (code) => codes.push(code));
    socket.on('message', (data: Buffer) => {
      const { type, id } = JSON.parse(data.toString()) as { type: string; id: string };
      if (type === 'connection_init' && accepts) socket.send('{"type":"connection_ack"}');
      if (type === 'subscribe') connection.ids.push(id);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const callbacks = new Callbacks({ host: '127.0.0.1', port: 0, path: '/c', publicUrl: 'http://127.0.0.1' });
  const transport = new SubscriptionTransport({
    ...{ meter: new Meter(), callbacks },
    reconnects: { first: 20, longest: 100, perSecond },
  });
  stops.push(async () => {
    for (const client of sockets.clients) client.terminate();
    await new Promise((closed) => server.close(closed));
  });
  stops.push(async () => transport.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const subgraph = { name: 'counts', protocol: 'websocket', url, timeout: 3_000, ...more } as const;
  const lease = transport.lease();
  const opening = lease.resuming(subgraph, lease.to(subgraph));
  const operation = operationOf('subscription{count}', { kind: 'subscription' });
  const subscribe = async (headers: Record<string, string> = {}) =>
    (await opening({ operation, variables: Buffer.alloc(0), caller: callerOf({ headers }) })).source;
  return { subscribe, opened, codes, connects: () => opened.length };
}

const next = (id: string, count: number) =>
  `{"id":"${id}","type":"next","payload":{"data":{"count":${count}}}}`;

it('subscriptions of one scope share a connection, and each has its own events', async () => {
  const { subscribe, opened, connects } = await open();
  const [one, two] = [await subscribe(), await subscribe()];
  await subscribe({ authorization: 'other' });
  expect(connects()).toBe(2);
  await eventually(() => opened[0]!.ids.length === 2);
  const [{ socket, ids }] = opened as [Raw];
  socket.send(next(ids[1]!, 2));
  socket.send(next(ids[0]!, 1));
  expect((await one.next())!.body.toString()).toBe('{"data":{"count":1}}');
  expect((await two.next())!.body.toString()).toBe('{"data":{"count":2}}');
});

it('what is said of unknown or ended subscriptions is dropped', async () => {
  const { subscribe, opened, connects } = await open();
  const [left, source] = [await subscribe(), await subscribe()];
  await eventually(() => opened[0]!.ids.length === 2);
  const [{ socket, ids }] = opened as [Raw];
  left.close();
  for (const id of ['99', '__proto__', ids[0]!]) {
    socket.send(next(id, 9));
    socket.send(`{"id":${JSON.stringify(id)},"type":"error","payload":[{"message":"m"}]}`);
    socket.send(`{"id":${JSON.stringify(id)},"type":"complete"}`);
  }
  socket.send(next(ids[1]!, 1));
  expect((await source.next())!.body.toString()).toBe('{"data":{"count":1}}');
  expect(connects()).toBe(1);
});

it('pings are answered', async () => {
  const { subscribe, opened } = await open();
  await subscribe();
  const answered = new Promise<string>((resolve) =>
    opened[0]!.socket.on('message', (data: Buffer) => {
      if (data.includes('pong')) resolve(data.toString());
    }),
  );
  opened[0]!.socket.send('{"type":"ping"}');
  expect(await answered).toBe('{"type":"pong"}');
});

/** Bytes of an unmasked frame. */
const frame = (first: number, payload: Buffer): Buffer =>
  payload.length < 126
    ? Buffer.concat([Buffer.from([first, payload.length]), payload])
    : Buffer.concat([Buffer.from([first, 126, payload.length >> 8, payload.length & 255]), payload]);

describe.each<[string, number, string, (connection: Raw) => void]>([
  ['what is no JSON', 4400, 'malformed', ({ socket }) => socket.send('{"id":')],
  ['a message of an unknown type', 4400, 'malformed', ({ socket }) => socket.send('{"type":"data"}')],
  ['an event without an id', 4400, 'malformed', ({ socket }) => socket.send('{"type":"next","payload":{}}')],
  ['a binary message', 4400, 'malformed', ({ socket, ids }) => socket.send(Buffer.from(next(ids[0]!, 1)))],
  [
    'a message over the size',
    1009,
    'too-large',
    ({ socket, ids }) => socket.send(next(ids[0]!, 1) + ' '.repeat(20_000)),
  ],
  ['a compressed frame', 1002, 'malformed', ({ raw }) => raw.write(frame(0xc1, Buffer.from('{}')))],
  [
    'text that is no UTF-8',
    1007,
    'malformed',
    ({ raw }) => raw.write(frame(0x81, Buffer.from([0xff, 0xfe]))),
  ],
  [
    'fragments without end',
    1009,
    'too-large',
    ({ raw }) => {
      raw.write(frame(0x01, Buffer.from('{')));
      for (let i = 0; i < 200; i++) raw.write(frame(0x00, Buffer.alloc(100, 0x20)));
    },
  ],
  [
    'empty fragments without end',
    1008,
    'too-large',
    ({ raw }) => {
      raw.write(frame(0x01, Buffer.from('{')));
      raw.write(Buffer.alloc(2 * 20_000));
    },
  ],
])('a subgraph that sends %s', (_, code, failure, send) => {
  it('has its connection closed with the reason, and its only subscription ends', async () => {
    const { subscribe, opened, codes } = await open({ maxResponseSize: 10_000 });
    const source = await subscribe();
    await eventually(() => opened[0]!.ids.length === 1);
    send(opened[0]!);
    await expect(source.next()).rejects.toMatchObject({ failure });
    await eventually(() => codes.length === 1);
    expect(codes).toEqual([code]);
  });

  it('ends none of several subscriptions: each goes on over a connection of its own', async () => {
    const { subscribe, opened, connects } = await open({ maxResponseSize: 10_000 });
    const sources = [await subscribe(), await subscribe()];
    await eventually(() => opened[0]!.ids.length === 2);
    const read = Promise.all(sources.map((source) => source.next()));
    send(opened[0]!);
    expect(await read).toMatchObject([{ isGap: true }, { isGap: true }]);
    expect(connects()).toBe(3);
  });
});

it.each([4400, 4401, 4403, 4406, 4409, 4429])(
  'a connection that is closed with %s is not opened again',
  async (code) => {
    const { subscribe, opened, connects } = await open();
    const source = await subscribe();
    opened[0]!.socket.close(code, 'no');
    await expect(source.next()).rejects.toMatchObject({ failure: 'not-accepted' });
    expect(connects()).toBe(1);
  },
);

it.each([1000, 1001, 1011, 1012, 1013, 4408, 4500])(
  'a connection that is closed with %s is opened again',
  async (code) => {
    const { subscribe, opened } = await open();
    const source = await subscribe();
    const read = source.next();
    opened[0]!.socket.close(code);
    expect(await read).toMatchObject({ isGap: true });
  },
);

it('a subgraph that acknowledges no connection is given up in time', async () => {
  const { subscribe } = await open({ accepts: false });
  await expect(subscribe()).rejects.toMatchObject({ failure: 'timeout' });
});

it('a subgraph that flaps is connected to once per connection and wait, and not faster than allowed', async () => {
  const [scopes, perScope, perSecond] = [100, Number(process.env['WEIR_SUBSCRIPTIONS'] ?? 1_000) / 100, 200];
  const { subscribe, opened } = await open({ perSecond });
  const sources = [];
  for (let i = 0; i < scopes * perScope; i++)
    sources.push(await subscribe({ 'x-scope': String(i % scopes) }));
  expect(opened).toHaveLength(scopes);
  for (let flap = 1; flap <= 2; flap++) {
    await eventually(() => opened.slice(-scopes).every(({ ids }) => ids.length === perScope));
    const read = Promise.all(sources.map((source) => source.next()));
    for (const { socket } of opened) socket.terminate();
    for (const gap of await read) expect(gap).toMatchObject({ isGap: true });
    const again = opened.slice(flap * scopes);
    expect(again).toHaveLength(scopes);
    expect(new Set(again.map(({ scope }) => scope)).size).toBe(scopes);
    // A busy machine lets some come together.
    const took = again.at(-1)!.at - again[0]!.at;
    expect(took).toBeGreaterThan((0.9 * 1_000 * scopes) / perSecond);
  }
});
