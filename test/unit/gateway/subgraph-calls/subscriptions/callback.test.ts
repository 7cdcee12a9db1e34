import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Callbacks } from '../../../../../gateway/subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../../../../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { callerOf } from '../../../../support/caller';
import { operationOf } from '../../../../support/subgraph-request';

let server: Server;
let callbacks: Callbacks;
let transport: SubscriptionTransport;
beforeEach(async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  callbacks = new Callbacks({
    ...{ host: '127.0.0.1', port: 0, path: '/callbacks' },
    publicUrl: 'http://127.0.0.1:{port}',
  });
  transport = new SubscriptionTransport({ meter: new Meter(), callbacks });
});
afterEach(async () => {
  transport.close();
  await callbacks.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const operation = operationOf('subscription{count}', { kind: 'subscription' });
const request = { operation, variables: Buffer.alloc(0), caller: callerOf() };

it('a subgraph that begins an event stream when asked for callbacks has not accepted in time', async () => {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/graphql`;
  const open = transport.lease().to({ name: 'counts', protocol: 'callback', url, timeout: 200 });
  await expect(open(request)).rejects.toMatchObject({ failure: 'timeout' });
});

it('a subscription is refused with the reason where callbacks cannot be listened for', async () => {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/graphql`;
  const taken = new Callbacks({ host: '127.0.0.1', port, path: '/callbacks', publicUrl: url });
  const other = new SubscriptionTransport({ meter: new Meter(), callbacks: taken });
  await expect(
    other.lease().to({ name: 'counts', protocol: 'callback', url })(request),
  ).rejects.toMatchObject({
    ...{ name: 'TransportError', failure: 'unsendable' },
    cause: { code: 'EADDRINUSE' },
  });
  other.close();
});

it.each([
  ['after it has listened', true],
  ['before it has listened', false],
])('a subscription is refused once the listener of callbacks is closed %s', async (_, hasListened) => {
  const { port } = server.address() as AddressInfo;
  const open = transport.lease().to({
    name: 'counts',
    protocol: 'callback',
    url: `http://127.0.0.1:${port}/graphql`,
  });
  if (hasListened) await callbacks.listen();
  await callbacks.close();
  await expect(open(request)).rejects.toMatchObject({ name: 'TransportError', failure: 'unsendable' });
});
