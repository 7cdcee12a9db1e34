/** What subgraphs do wrong over WebSockets, and what becomes of the other subscriptions. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { Callbacks } from '../../gateway/subgraph-calls/subscriptions/callbacks';
import type { PacingOptions } from '../../gateway/subgraph-calls/subscriptions/connection-pacing';
import { SubscriptionTransport } from '../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../gateway/telemetry/metrics/meter';
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
  readonly ids: string[];
}

interface Options {
  readonly maxResponseSize?: number;
  /** Whether it acknowledges connections. */
  readonly accepts?: boolean;
  readonly pacing?: PacingOptions;
  readonly timeout?: number;
}

/** An attempt to open a connection. */
interface Connect {
  readonly scope: string;
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
}

const quick = { first: 20, longest: 100 };

/** A subgraph that acknowledges, and sends what the test sends. */
async function open({ accepts = true, pacing = {}, ...more }: Options = {}) {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const opened: Raw[] = [];
  const codes: number[] = [];
  const connects: Connect[] = [];
  const life = { isDead: false };
  server.on('upgrade', (request, socket: Socket, head) => {
    connects.push({ scope: String(request.headers['x-scope']), at: performance.now() });
    if (life.isDead) socket.destroy();
    else sockets.handleUpgrade(request, socket, head, (each) => sockets.emit('connection', each, request));
  });
  sockets.on('connection', (socket, { socket: raw }) => {
    const connection: Raw = { socket, raw, ids: [] };
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
    pacing: { ...quick, perSecond: 1_000, ...pacing },
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
  return { subscribe, opened, codes, connects, life };
}

const next = (id: string, count: number) =>
  `{"id":"${id}","type":"next","payload":{"data":{"count":${count}}}}`;

it('subscriptions of one scope share a connection, and each has its own events', async () => {
  const { subscribe, opened, connects } = await open();
  const [one, two] = [await subscribe(), await subscribe()];
  await subscribe({ authorization: 'other' });
  expect(connects).toHaveLength(2);
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
  expect(connects).toHaveLength(1);
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
    expect(connects).toHaveLength(3);
  });
});

it.each([4400, 4401, 4403, 4406, 4409, 4429])(
  'a connection that is closed with %s is not opened again',
  async (code) => {
    const { subscribe, opened, connects } = await open();
    const source = await subscribe();
    opened[0]!.socket.close(code, 'no');
    await expect(source.next()).rejects.toMatchObject({ failure: 'not-accepted' });
    expect(connects).toHaveLength(1);
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
  const { subscribe } = await open({ accepts: false, timeout: 300 });
  await expect(subscribe()).rejects.toMatchObject({ failure: 'timeout' });
});

it('a subgraph that dies and returns is connected to once per scope and wait, and not faster than allowed', async () => {
  // The long form has the pace of the gateway.
  const long = Number(process.env['WEIR_SUBSCRIPTIONS'] ?? 0);
  const { subscriptions, scopes, whileDead, pacing } =
    long > 0
      ? {
          subscriptions: long,
          scopes: 100,
          whileDead: 250,
          pacing: { perSecond: 20, first: 250, longest: 5_000 },
        }
      : { subscriptions: 300, scopes: 30, whileDead: 60, pacing: { perSecond: 200, ...quick } };
  const { subscribe, connects, opened, life } = await open({ pacing, timeout: 30_000 });
  const scopeOf = (i: number) => ({ 'x-scope': String(i % scopes) });
  const begun = Array.from({ length: subscriptions }, (_, i) => subscribe(scopeOf(i)));
  const sources = await Promise.all(begun);
  expect(connects).toHaveLength(scopes);

  const read = Promise.all(sources.map((source) => source.next()));
  connects.length = 0;
  const died = performance.now();
  life.isDead = true;
  for (const { raw } of opened.splice(0)) raw.destroy();
  await eventually(() => connects.length > 0, 30_000);
  // Those who come meanwhile, and try again whenever they are refused.
  const newcomers = Array.from({ length: scopes / 5 }, async (_, i) => {
    for (;;) {
      const source = await subscribe({ 'x-scope': `new ${i}` }).catch(() => undefined);
      if (source !== undefined) return source;
    }
  });
  await eventually(() => connects.length >= whileDead, 60_000);
  life.isDead = false;
  for (const gap of await read) expect(gap).toMatchObject({ isGap: true });
  await Promise.all(newcomers);

  const times = connects.map(({ at }) => at);
  // A busy machine lets some come together.
  const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length));
  expect(most).toBeLessThanOrEqual(1.1 * pacing.perSecond);
  for (const scope of new Set(connects.map((each) => each.scope))) {
    const ofScope = connects.filter((each) => each.scope === scope).map(({ at }) => at);
    const isNew = scope.startsWith('new');
    ofScope.slice(isNew ? 1 : 0).forEach((at, i) => {
      const step = Math.min(pacing.longest, pacing.first * 2 ** i);
      expect(at - ((isNew ? ofScope : [died, ...ofScope])[i] ?? 0)).toBeGreaterThan(0.9 * (step / 2));
    });
  }
  if (long > 0)
    process.stderr.write(
      `${JSON.stringify({ subscriptions, connects: times.length, most, last: times.at(-1)! - died })}\n`,
    );
});
