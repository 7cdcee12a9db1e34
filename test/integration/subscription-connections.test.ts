/** How subscriptions reach subgraphs: over TLS, with the certificates of the subgraph's options, and through proxies. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { proxiesOf, useProxies } from '../../gateway/net/outgoing';
import { Callbacks } from '../../gateway/subgraph-calls/subscriptions/callbacks';
import {
  type SubscribedSubgraph,
  type SubscriptionConnections,
  SubscriptionTransport,
} from '../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { callerOf } from '../support/caller';
import { eventually } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';
import { operationOf } from '../support/subgraph-request';
import { serveHttp2 } from '../support/subgraph-servers';
import { serveSubscriptions } from '../support/subscribed-subgraphs';
import { certificates } from '../support/tls-certificates';
import { startTunnelProxy } from '../support/tunnel-proxy';

const folder = temporaryFolder();
const files = Object.fromEntries(
  (['first', 'second'] as const).map((name) => {
    const { cert, key } = certificates[name];
    const paths = { cert: join(folder.path, `${name}.pem`), key: join(folder.path, `${name}-key.pem`) };
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
    return [name, paths];
  }),
) as Record<'first' | 'second', { readonly cert: string; readonly key: string }>;
afterAll(() => folder.remove());

const stops: (() => unknown)[] = [];
afterEach(async () => {
  useProxies(undefined);
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Subscribes at a subgraph as the gateway does. */
async function subscribe(subgraph: Omit<SubscribedSubgraph, 'name'>, connections?: SubscriptionConnections) {
  const callbacks = new Callbacks({
    ...{ host: '127.0.0.1', port: 0, path: '/callbacks' },
    publicUrl: 'http://127.0.0.1:{port}',
  });
  const transport = new SubscriptionTransport({ meter: new Meter(), callbacks, pacing: { first: 20 } });
  stops.push(
    () => callbacks.close(),
    () => transport.close(),
  );
  const lease = transport.lease(connections);
  const named = { name: 'counts', ...subgraph };
  const operation = operationOf('subscription{count}', { kind: 'subscription' });
  const request = { operation, variables: Buffer.alloc(0), caller: callerOf() };
  return (await lease.resuming(named, lease.to(named))(request)).source;
}

const event = { data: { count: 1 } };

describe.each([
  'websocket',
  'subscriptions-transport-ws',
  'sse',
  'multipart',
  'callback',
  'appsync',
] as const)('a subscription over %s', (protocol) => {
  async function serve(tls: TlsOptions) {
    const server = await serveSubscriptions(protocol, tls);
    stops.push(() => server.stop());
    return server;
  }
  const { first } = certificates;
  /** Wants to see the second certificate. */
  const mutual = { ...first, ca: certificates.second.cert, requestCert: true, rejectUnauthorized: true };

  it('shows a subgraph the certificate of its options, also when it is opened again', async () => {
    const server = await serve(mutual);
    const source = await subscribe({
      protocol,
      url: server.url,
      tls: { ...files.second, ca: files.first.cert },
    });
    await eventually(() => server.feeds.length === 1);
    server.feeds[0]!.send({ ...event, extensions: { position: 'p1' } });
    expect(await source.next()).toMatchObject({ position: 'p1' });
    if (protocol === 'callback') return;
    const read = source.next();
    server.cut();
    await eventually(() => server.feeds.length === 2);
    server.feeds[1]!.send(event);
    expect((await read)!.body.toString()).toBe('{"data":{"count":1}}');
  });

  it.each([
    ['that does not show what the subgraph wants to see', { ca: files.first.cert }],
    ['where nobody vouches for the certificate of the subgraph', files.second],
  ])('is not opened by a gateway %s', async (_, tls) => {
    const server = await serve(mutual);
    await expect(subscribe({ protocol, url: server.url, tls })).rejects.toMatchObject({
      name: 'TransportError',
      code: 'SUBREQUEST_HTTP_ERROR',
    });
    expect(server.feeds).toHaveLength(0);
  });

  it('trusts the certificates that hold for all subgraphs', async () => {
    const server = await serve(first);
    await subscribe({ protocol, url: server.url }, { ca: first.cert });
    await eventually(() => server.feeds.length === 1);
  });

  it('goes through the tunnel of a proxy, with TLS from end to end, and directly where NO_PROXY says so', async () => {
    const server = await serve(first);
    const proxy = await startTunnelProxy();
    stops.push(() => proxy.stop());
    useProxies(proxiesOf({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }));
    proxy.ports.set('localhost:8443', Number(new URL(server.url).port));
    const source = await subscribe({ protocol, url: 'https://localhost:8443/graphql' }, { ca: first.cert });
    await eventually(() => server.feeds.length === 1);
    server.feeds[0]!.send(event);
    expect((await source.next())!.body.toString()).toBe('{"data":{"count":1}}');
    expect(proxy.tunnels).toEqual(['localhost:8443']);
    await subscribe({ protocol, url: server.url }, { ca: first.cert });
    expect(proxy.tunnels).toHaveLength(1);
    await expect(subscribe({ protocol, url: 'https://nowhere.test/graphql' })).rejects.toMatchObject({
      failure: 'unreachable',
      message: 'Subgraph "counts" could not be reached.',
    });
  });
});

it('event streams go over HTTP/2 where the gateway and the subgraph speak it', async () => {
  const versions: string[] = [];
  const server = await serveHttp2((request, response) => {
    versions.push(request.httpVersion);
    response.setHeader('content-type', 'text/event-stream');
    response.write('event: next\ndata: {"data":{"count":1}}\n\n');
  });
  stops.push(() => server.stop());
  const connections = { ca: certificates.first.cert, http2: true };
  const sources = [];
  for (let i = 0; i < 3; i++)
    sources.push(await subscribe({ protocol: 'sse', url: server.url, heartbeat: 100 }, connections));
  for (const source of sources) expect((await source.next())!.body.toString()).toBe('{"data":{"count":1}}');
  expect(versions).toEqual(['2.0', '2.0', '2.0']);
  // A silent stream is noticed there, too, and opened again.
  expect(await sources[0]!.next()).toMatchObject({ isGap: true });
});
