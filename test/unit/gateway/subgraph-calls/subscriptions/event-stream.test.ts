import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Callbacks } from '../../../../../gateway/subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../../../../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../../../../gateway/telemetry/meter';
import { callerOf } from '../../../../support/caller';
import { operationOf } from '../../../../support/subgraph-request';

let server: Server;
let transport: SubscriptionTransport;
beforeEach(async () => {
  server = createServer((_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: next\ndata: {"data":{"count":1}}\n\n');
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const callbacks = new Callbacks({ host: '127.0.0.1', port: 0, path: '/', publicUrl: 'http://127.0.0.1' });
  transport = new SubscriptionTransport({ meter: new Meter(), callbacks });
});
afterEach(async () => {
  transport.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

it('has the events of a subgraph that sends early hints before them', async () => {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/graphql`;
  const open = transport.lease().to({ name: 'counts', protocol: 'sse', url });
  const operation = operationOf('subscription{count}', { kind: 'subscription' });
  const { source } = await open({ operation, variables: Buffer.alloc(0), caller: callerOf() });
  expect((await source.next())?.body.toString()).toBe('{"data":{"count":1}}');
  source.close();
});
