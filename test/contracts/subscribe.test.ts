/**
 * What every way to subscribe at a subgraph does, against the servers that others have written for its protocol. Over 300
 * lines: one contract over all protocols.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { UnsignedCall } from '../../gateway/subgraph-calls/contract/signer';
import type { Source } from '../../gateway/subgraph-calls/contract/source';
import { Callbacks } from '../../gateway/subgraph-calls/subscriptions/callbacks';
import {
  type SubscribedSubgraph,
  type SubscriptionConnections,
  SubscriptionTransport,
} from '../../gateway/subgraph-calls/subscriptions/subscription-transport';
import {
  type Caller,
  type SubgraphEvent,
  type SubgraphRequest,
  type Subscribe,
  TransportError,
} from '../../gateway/subgraph-calls/contract/transport';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { callerOf } from '../support/caller';
import { type CuttableProxy, startProxy } from '../support/cuttable-proxy';
import { operationOf } from '../support/subgraph-request';
import { type RunningServer, serveBytes } from '../support/subgraph-servers';
import { type Feed, serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';
import { eventually } from '../support/process';

const transports: SubscriptionTransport[] = [];
const servers: SubscribedServer[] = [];
const listeners: Callbacks[] = [];
const silents: RunningServer[] = [];
const proxies: CuttableProxy[] = [];
afterEach(async () => {
  for (const transport of transports.splice(0)) transport.close();
  await Promise.all(listeners.splice(0).map((callbacks) => callbacks.close()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await Promise.all([...servers.splice(0), ...silents.splice(0)].map((server) => server.stop()));
});

const here = { host: '127.0.0.1', port: 0, path: '/callbacks', publicUrl: 'http://127.0.0.1:{port}' };
const document = 'subscription($from:Int){count(from:$from)}';
const operation = operationOf(document, { kind: 'subscription' });
const requestOf = (more: Partial<SubgraphRequest> = {}): SubgraphRequest => ({
  operation,
  variables: Buffer.from('{"from":3}'),
  caller: callerOf(),
  ...more,
});
const event = (count: number, more: object = {}) => ({ data: { count }, ...more });
const textOf = (read: SubgraphEvent | undefined) => read?.body.toString();

async function cuttable(url: string): Promise<string> {
  const proxy = await startProxy(Number(new URL(url).port));
  proxies.push(proxy);
  return url.replace(/:\d+/, `:${proxy.port}`);
}

interface Opened {
  readonly server: SubscribedServer;
  readonly transport: SubscriptionTransport;
  readonly meter: Meter;
  readonly subscribe: Subscribe;
}

const protocols = [
  'websocket',
  'subscriptions-transport-ws',
  'sse',
  'multipart',
  'callback',
  'appsync',
] as const;
const webSockets: readonly string[] = ['websocket', 'subscriptions-transport-ws'];

interface Options extends Partial<SubscribedSubgraph> {
  readonly reconnect?: number;
  /** Whether its connections go through a proxy of `proxies`. */
  readonly isCuttable?: boolean;
  readonly connections?: SubscriptionConnections;
}

describe.each(protocols)('a subscription over %s', (protocol) => {
  async function open({ connections, isCuttable = false, ...options }: Options = {}): Promise<Opened> {
    const server = await serveSubscriptions(protocol);
    servers.push(server);
    const meter = new Meter();
    const callbacks = new Callbacks(here);
    listeners.push(callbacks);
    const pacing = { first: 20, longest: 100 };
    const transport = new SubscriptionTransport({ meter, callbacks, pacing });
    transports.push(transport);
    const url = isCuttable ? await cuttable(server.url) : server.url;
    // Servers of event streams send a comment every 12 s.
    const heartbeat = protocol === 'sse' ? 12_000 : 200;
    const subgraph = { name: 'counts', protocol, url, heartbeat, ...options };
    const lease = transport.lease(connections);
    const opening = lease.resuming(subgraph, lease.to(subgraph));
    const subscribe: Subscribe = (request) => opening(request).then(({ source }) => source);
    return { server, transport, meter, subscribe };
  }

  /** Subscribes, and waits until the subgraph has it. */
  async function begin(
    { server, subscribe }: Pick<Opened, 'server' | 'subscribe'>,
    request: SubgraphRequest = requestOf(),
  ): Promise<{ readonly source: Source<SubgraphEvent>; readonly feed: Feed }> {
    const count = server.feeds.length;
    const source = await subscribe(request);
    await eventually(() => server.feeds.length > count);
    return { source, feed: server.feeds.at(-1)! };
  }
  const again = ({ server }: Opened, count: number): Promise<Feed> =>
    eventually(() => server.feeds.length > count).then(() => server.feeds.at(-1)!);

  it('asks with the document and the variables, and has each event as it was sent', async () => {
    const { source, feed } = await begin(await open());
    expect(feed.query).toBe(document);
    expect(feed.variables).toEqual({ from: 3 });
    expect(feed.extensions).toEqual(protocol === 'appsync' ? { authorization: expect.anything() } : {});
    feed.send(event(1));
    feed.send(event(2, { extensions: { position: 'p2' } }));
    expect(await source.next()).toMatchObject({ status: 200, body: Buffer.from('{"data":{"count":1}}') });
    expect(await source.next()).toMatchObject({ position: 'p2', isGap: false });
    source.close();
  });

  it('ends when the subgraph completes it, after what came before', async () => {
    const { source, feed } = await begin(await open());
    feed.send(event(1));
    feed.complete();
    expect(textOf(await source.next())).toBe('{"data":{"count":1}}');
    expect(await source.next()).toBeUndefined();
    expect(await source.next()).toBeUndefined();
  });

  it('leaves the subgraph when it is closed, and ends a read that waits', async () => {
    const { source, feed } = await begin(await open());
    const read = source.next();
    source.close();
    source.close();
    expect(await read).toBeUndefined();
    expect(await source.next()).toBeUndefined();
    await eventually(() => feed.isLeft);
  });

  it('has what the subgraph refuses as one event', async () => {
    const opened = await open();
    opened.server.refusal = 'not for you';
    const source = await opened.subscribe(requestOf());
    expect(JSON.parse(textOf(await source.next())!)).toMatchObject({ errors: [{ message: 'not for you' }] });
    expect(await source.next()).toBeUndefined();
  });

  it('sends the headers of the caller, and those of the subgraph in their place', async () => {
    const caller = callerOf({ headers: { authorization: 'Bearer u1', 'x-tenant': 'of-the-caller' } });
    const { feed } = await begin(await open({ headers: { 'x-tenant': 't1' } }), requestOf({ caller }));
    // AppSync takes none.
    if (protocol === 'appsync') {
      expect(JSON.stringify([feed.headers, feed.extensions])).not.toMatch(/Bearer|x-tenant/);
      return;
    }
    expect(feed.headers).toMatchObject({ authorization: 'Bearer u1', 'x-tenant': 't1' });
    if (feed.params !== undefined)
      expect(feed.params).toEqual({ authorization: 'Bearer u1', 'x-tenant': 't1' });
  });

  it('is signed', async () => {
    const signed: string[] = [];
    const signer = {
      headers: ['x-proof'],
      sign: async ({ method = 'POST', body }: UnsignedCall) => {
        signed.push(`${method} ${body.length > 0}`);
        return ['x-proof', 'good'];
      },
    };
    const caller = callerOf({ headers: { 'x-proof': 'of the client' } });
    const { feed } = await begin(await open({ signer }), requestOf({ caller }));
    const proven = protocol === 'appsync' ? feed.extensions['authorization'] : feed.headers;
    expect(proven).toMatchObject({ 'x-proof': 'good' });
    if (webSockets.includes(protocol)) expect(signed).toEqual(['GET false']);
    else expect(signed).toEqual(protocol === 'appsync' ? ['POST true', 'POST true'] : ['POST true']);
  });

  it('is not opened when there is nothing to sign it with', async () => {
    const sign = () => Promise.reject(new Error('no token'));
    const { server, subscribe } = await open({ signer: { headers: [], sign } });
    await expect(subscribe(requestOf())).rejects.toMatchObject({ failure: 'unsigned' });
    expect(server.feeds).toHaveLength(0);
  });

  it('asks for what comes after a position', async () => {
    const { feed } = await begin(await open(), requestOf({ after: 'p "7" é' }));
    // AppSync takes no extensions, and numbers no events.
    if (protocol !== 'appsync') expect(feed.extensions).toEqual({ after: 'p "7" é' });
    expect(feed.variables).toEqual({ from: 3 });
  });

  it('asks for what comes after a position over a connection that carries none of those that begin anew', async () => {
    const opened = await open();
    await begin(opened);
    const before = opened.server.connects;
    await begin(opened, requestOf({ after: 'p1' }));
    const own = opened.server.connects;
    await begin(opened, requestOf({ variables: Buffer.from('{"from":4}') }));
    // AppSync takes no positions: it replays nothing.
    expect(own - before).toBe(protocol === 'appsync' ? 0 : 1);
    if (webSockets.includes(protocol)) expect(opened.server.connects).toBe(own);
  });

  it('goes on after the last position when the connection breaks, and nothing is lost', async () => {
    const opened = await open();
    const { source, feed } = await begin(opened);
    feed.send(event(1, { extensions: { position: 'p1' } }));
    expect((await source.next())!.position).toBe('p1');
    const read = source.next();
    opened.server.cut();
    const next = await again(opened, 1);
    if (protocol !== 'appsync') expect(next.extensions).toEqual({ after: 'p1' });
    next.send(event(2));
    expect(textOf(await read)).toBe('{"data":{"count":2}}');
    expect(broken(opened.meter)).toEqual({ resumed: 1 });
  });

  it('goes on after one gap event when the subgraph sends no positions', async () => {
    const opened = await open();
    const { source, feed } = await begin(opened);
    feed.send(event(1));
    await source.next();
    const read = source.next();
    opened.server.cut();
    const gap = await read;
    expect(gap).toMatchObject({ isGap: true });
    expect(textOf(gap)).toBe('{"data":null,"extensions":{"gap":true}}');
    (await again(opened, 1)).send(event(2));
    expect(textOf(await source.next())).toBe('{"data":{"count":2}}');
    expect(broken(opened.meter)).toEqual({ gap: 1 });
  });

  it('says so when the subgraph itself tells of a gap', async () => {
    const { source, feed } = await begin(await open());
    feed.send({ data: null, extensions: { gap: true } });
    expect(await source.next()).toMatchObject({ isGap: true });
  });

  it('outlives a subgraph that dies and returns', async () => {
    const opened = await open();
    const { source } = await begin(opened);
    const read = source.next();
    await opened.server.die();
    await wait(150);
    await opened.server.revive();
    expect(await read).toMatchObject({ isGap: true });
    (await again(opened, 1)).send(event(2));
    expect(textOf(await source.next())).toBe('{"data":{"count":2}}');
  });

  it('ends with the failure when the subgraph stays away', async () => {
    const opened = await open({ reconnect: 200 });
    const { source } = await begin(opened);
    const read = source.next();
    await opened.server.die();
    await expect(read).rejects.toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
    expect(await source.next()).toBeUndefined();
    expect(broken(opened.meter)).toEqual({ ended: 1 });
  });

  it('ends at once where it shall not outlive its connection', async () => {
    const opened = await open({ reconnect: 0 });
    const { source } = await begin(opened);
    const read = source.next();
    opened.server.cut();
    await expect(read).rejects.toMatchObject({
      failure: protocol === 'callback' ? 'silent' : 'interrupted',
    });
    await wait(50);
    expect(opened.server.feeds).toHaveLength(1);
  });

  it('ends with the reason where it shall not outlive a connection that has fallen silent', async () => {
    const { server, subscribe } = await open({ reconnect: 0, isCuttable: true, heartbeat: 200 });
    server.silence = 1_000;
    const { source } = await begin({ server, subscribe });
    const read = source.next();
    // A callback needs no connection that stays open.
    if (protocol === 'callback') server.cut();
    else for (const proxy of proxies) proxy.cut();
    await expect(read).rejects.toMatchObject({
      failure: 'silent',
      message: 'Subgraph "counts" was silent for longer than the heartbeat of its subscriptions allows.',
    });
  });

  it('can be closed while it is opened again', async () => {
    const opened = await open();
    const { source } = await begin(opened);
    const read = source.next();
    await opened.server.die();
    await wait(30);
    source.close();
    expect(await read).toBeUndefined();
    await opened.server.revive();
    await wait(100);
    expect(opened.server.feeds).toHaveLength(1);
  });

  it('rejects where nobody listens, and names no address', async () => {
    const opened = await open();
    await opened.server.die();
    const error = await opened.subscribe(requestOf()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ failure: 'refused', subgraph: 'counts' });
    expect((error as Error).message).not.toMatch(/127|localhost|:\d/);
  });

  it('rejects at the deadline of its caller, and when the caller is gone', async () => {
    const silent = await serveBytes(() => undefined);
    silents.push(silent);
    const opened = await open({ url: silent.url, timeout: 5_000 });
    const late = opened.subscribe(requestOf({ caller: callerOf({ deadline: performance.now() + 50 }) }));
    await expect(late).rejects.toMatchObject({ failure: 'timeout' });
    const caller: { -readonly [Name in keyof Caller]: Caller[Name] } = callerOf();
    const gone = opened.subscribe(requestOf({ caller }));
    caller.isGone = true;
    await expect(gone).rejects.toMatchObject({ failure: 'aborted' });
  });

  it('outlives the request that opened it', async () => {
    const caller: { -readonly [Name in keyof Caller]: Caller[Name] } = callerOf({
      deadline: performance.now() + 600,
    });
    const opened = await open();
    const { source, feed } = await begin(opened, requestOf({ caller }));
    caller.isGone = true;
    await wait(650);
    feed.send(event(1));
    expect(textOf(await source.next())).toBe('{"data":{"count":1}}');
    const read = source.next();
    opened.server.cut();
    expect(await read).toMatchObject({ isGap: true });
  });

  it('keeps the latest event when events come faster than they are read, after a gap', async () => {
    const opened = await open({ bounds: { events: 5 } });
    const { source, feed } = await begin(opened);
    for (let i = 1; i <= 8; i++) feed.send(event(i));
    await eventually(() => dropped(opened.meter) >= 5);
    await wait(50);
    expect(await source.next()).toMatchObject({ isGap: true });
    expect(textOf(await source.next())).toBe('{"data":{"count":6}}');
    source.close();
  });

  it('drops no event of many that come at once, where each is read at once', async () => {
    const { source, feed } = await begin(await open());
    for (let i = 0; i < 200; i++) feed.send(event(i));
    for (let i = 0; i < 200; i++) expect(textOf(await source.next())).toBe(`{"data":{"count":${i}}}`);
  });

  it('ends with the reason when events come too fast and nothing shall be dropped', async () => {
    const opened = await open({ bounds: { events: 5, slow: 'close' } });
    const { source, feed } = await begin(opened);
    for (let i = 1; i <= 8; i++) feed.send(event(i));
    await eventually(() => feed.isLeft);
    for (let i = 1; i <= 5; i++) expect(textOf(await source.next())).toBe(`{"data":{"count":${i}}}`);
    await expect(source.next()).rejects.toMatchObject({ failure: 'too-fast' });
  });

  it('bounds what waits in bytes, too', async () => {
    const opened = await open({ bounds: { bytes: 10_000 } });
    const { source, feed } = await begin(opened);
    for (let i = 1; i <= 4; i++) feed.send(event(i, { extensions: { padding: 'x'.repeat(4_000) } }));
    await eventually(() => dropped(opened.meter) > 0);
    expect(dropped(opened.meter)).toBe(2);
    expect(await source.next()).toMatchObject({ isGap: true });
  });

  it('ends with the failure when one event is too large', async () => {
    const opened = await open({ maxResponseSize: 10_000 });
    const { source, feed } = await begin(opened);
    feed.send(event(1, { extensions: { padding: 'x'.repeat(20_000) } }));
    await expect(source.next()).rejects.toMatchObject({ failure: 'too-large' });
  });

  it('lives as long as one of the leases that have its endpoint', async () => {
    const { server, transport } = await open();
    const subgraph = { name: 'counts', protocol, url: server.url };
    const [first, second, other] = [transport.lease(), transport.lease(), transport.lease()];
    const opening = first.to(subgraph);
    expect(second.to(subgraph)).toBe(opening);
    expect(other.to({ ...subgraph, connection: 'of other credentials' })).not.toBe(opening);
    other.end();
    const { source } = await opening(requestOf());
    await eventually(() => server.feeds.length === 1);
    first.end();
    server.feeds[0]!.send(event(1));
    expect(textOf(await source.next())).toBe('{"data":{"count":1}}');
    second.end();
    await expect(source.next()).rejects.toMatchObject({ failure: 'closed' });
  });

  it('ends when the transport is closed', async () => {
    const opened = await open();
    const { source } = await begin(opened);
    const read = expect(source.next()).rejects.toMatchObject({ failure: 'closed' });
    opened.transport.close();
    await read;
    await expect(opened.subscribe(requestOf())).rejects.toBeInstanceOf(TransportError);
  });

  it('leaves no connection behind', async () => {
    const opened = await open({ connections: { keepAlive: 50 } });
    const { source } = await begin(opened);
    expect(opened.server.connections.size).toBe(1);
    source.close();
    await eventually(() => opened.server.connections.size === 0);
  });

  it.each(['http://169.254.169.254/', 'ws://metadata.google.internal/', 'file:///etc/passwd'])(
    'is never opened at %s',
    async (url) => {
      const { transport } = await open();
      expect(() => transport.lease().to({ name: 'counts', protocol, url })).toThrow(RangeError);
    },
  );
});

const broken = (meter: Meter) => seriesOf(meter, 'weir.subgraph.subscriptions.broken', 'result');
const dropped = (meter: Meter) => seriesOf(meter, 'weir.subgraph.events.dropped', 'subgraph')['counts'] ?? 0;

function seriesOf(meter: Meter, metric: string, attribute: string): Record<string, number> {
  const series = meter.collect().find(({ name }) => name === metric)?.series ?? [];
  return Object.fromEntries(series.map(({ attributes, value }) => [attributes[attribute], value as number]));
}
