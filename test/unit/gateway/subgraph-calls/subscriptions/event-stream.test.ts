import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Callbacks } from '../../../../../gateway/subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../../../../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { callerOf } from '../../../../support/caller';
import { operationOf } from '../../../../support/subgraph-request';

let server: Server;
/** Milliseconds between two comments; 0: there are none. */
let comments = 0;
let transport: SubscriptionTransport;
beforeEach(async () => {
  server = createServer((_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: next\ndata: {"data":{"count":1}}\n\n');
      if (comments === 0) return;
      const timer = setInterval(() => (comments > 0 ? response.write(':\n\n') : undefined), comments);
      response.on('close', () => clearInterval(timer));
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

async function open(heartbeat?: number, protocol: 'sse' | 'multipart' = 'sse') {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/graphql`;
  const open = transport.lease().to({ name: 'counts', protocol, url, heartbeat });
  const operation = operationOf('subscription{count}', { kind: 'subscription' });
  return (await open({ operation, variables: Buffer.alloc(0), caller: callerOf() })).source;
}

it('has the events of a subgraph that sends early hints before them', async () => {
  const source = await open();
  expect((await source.next())?.body.toString()).toBe('{"data":{"count":1}}');
  source.close();
});

it('breaks when neither events nor comments come for three heartbeats, and not before', async () => {
  comments = 100;
  const source = await open(100);
  await source.next();
  const begun = performance.now();
  const broken = source.next().catch((error: unknown) => ({ error, after: performance.now() - begun }));
  setTimeout(() => (comments = 0), 1_500);
  expect(await broken).toMatchObject({ error: { failure: 'silent' } });
  expect(((await broken) as { readonly after: number }).after).toBeGreaterThan(1_500);
});

it('is never taken for broken with the heartbeat 0', async () => {
  const source = await open(0);
  await source.next();
  let isBroken = false;
  const read = source.next().catch(() => (isBroken = true));
  await wait(1_600);
  expect(isBroken).toBe(false);
  source.close();
  expect(await read).toBeUndefined();
});

describe('a response in parts', () => {
  const part = (json: string): string => `\r\n--graphql\r\ncontent-type: application/json\r\n\r\n${json}`;
  async function openParts(answer: (response: ServerResponse) => void) {
    server.removeAllListeners('request').on('request', (_, response: ServerResponse) => answer(response));
    return open(undefined, 'multipart');
  }
  const type = { 'content-type': 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0' };

  it.each([
    ['ends without the last delimiter', `${part('{"payload":{"data":{"count":1}}}')}\r\n--graphql`],
    [
      'has errors beside a payload of null',
      `${part('{"payload":{"data":{"count":1}}}')}${part('{"payload":null,"errors":[{"message":"over"}]}')}\r\n--graphql--`,
    ],
  ])('is broken when it %s', async (_, body) => {
    const source = await openParts((response) => response.writeHead(200, type).end(body));
    expect((await source.next())?.body.toString()).toBe('{"data":{"count":1}}');
    await expect(source.next()).rejects.toMatchObject({ failure: 'interrupted' });
  });

  it('cannot be read without a boundary', async () => {
    const answer = (response: ServerResponse) =>
      response.writeHead(200, { 'content-type': 'multipart/mixed' }).end();
    await expect(openParts(answer)).rejects.toMatchObject({ failure: 'malformed' });
  });

  it('cannot be read when a part is no part of the protocol', async () => {
    const source = await openParts((response) =>
      response.writeHead(200, type).write(`${part('{"data":{"count":1}}')}\r\n--graphql`),
    );
    await expect(source.next()).rejects.toMatchObject({ failure: 'malformed' });
  });
});
