/** Clients that subscribe over real sockets, and read nothing of what comes. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { type Json, sampleSum, sourceOf, startTestGateway } from '../support/running-gateway';
import { compose } from '../support/small-graph';
import { connectWebSocket, type WebSocketClient } from '../support/web-socket-client';

/** A subgraph with one subscription, whose events the test sends. */
async function serveTicks() {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  let subscribed: (id: string) => void;
  const id = new Promise<string>((resolve) => (subscribed = resolve));
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; id: string };
      if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (message.type === 'subscribe') subscribed(message.id);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const send = async (data: object): Promise<void> => {
    const text = JSON.stringify({ id: await id, type: 'next', payload: { data } });
    for (const socket of sockets.clients) socket.send(text);
  };
  const close = (): void => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  };
  return { url, send, close };
}

it('have bounded memory, and the latest event after a gap once they read; others have every event', async () => {
  const ticks = await serveTicks();
  const typeDefs = `type Query { now: Int } type Subscription { tick: Tick } type Tick { n: Int text: String }`;
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose([{ name: 'ticks', url: ticks.url, typeDefs }])),
    subscriptions: { unread: '128KiB' },
  });
  const subscribe = async (): Promise<WebSocketClient> => {
    const client = await connectWebSocket(gateway.url);
    client.send({ id: 'a', type: 'subscribe', payload: { query: 'subscription { tick { n text } }' } });
    return client;
  };
  const others = [await subscribe(), await subscribe()];
  const stuck = await Promise.all(Array.from({ length: 5 }, subscribe));
  for (const { socket } of stuck) (socket as unknown as { _socket: Socket })._socket.pause();
  const all = others.length + stuck.length;
  while (sampleSum(await gateway.metrics(), 'weir_subscriptions_active') < all);

  const count = 100;
  const text = 'x'.repeat(2 ** 16);
  for (let n = 1; n <= count; n++) {
    await ticks.send({ tick: { n, text } });
    for (const other of others) expect((await other.next()).payload.data.tick.n).toBe(n);
  }
  expect(sampleSum(await gateway.metrics(), 'weir_subscriptions_dropped_total')).toBeGreaterThan(0);
  for (const client of stuck) {
    const { socket } = client;
    (socket as unknown as { _socket: Socket })._socket.resume();
    const got: Json[] = [];
    for (let last = 0; last < count;) {
      const { type, payload } = await client.next();
      if (type === 'next') got.push(payload);
      last = got.at(-1)?.data.tick.n ?? 0;
    }
    expect(got.length).toBeLessThan(count);
    expect(got.filter(({ extensions }) => extensions?.weir.gap === true)).not.toEqual([]);
    socket.terminate();
  }
  for (const { socket } of others) socket.terminate();
  await gateway.stop();
  ticks.close();
});
