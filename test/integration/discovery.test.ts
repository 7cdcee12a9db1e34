/**
 * A gateway whose subgraphs are found by DNS and AWS Cloud Map. Over 300 lines: every way in which the list of endpoints
 * changes, or does not.
 */
import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { amountOf } from '../support/amounts';
import { type DnsServer, startDnsServer } from '../support/dns-server';
import { eventually } from '../support/process';
import { type Registered, type Registry, resolverKinds } from '../support/resolvers';
import { sampleSum, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose } from '../support/small-graph';
import { serveSubscriptions } from '../support/subscribed-subgraphs';
import { certificates } from '../support/tls-certificates';

/** An instance of the subgraph, at an address of its own. */
interface RunningInstance extends Registered {
  calls: number;
  inFlight: number;
  /** The `host` of its last call. */
  host: string | undefined;
  /** What its answers wait for. */
  held: Promise<void>;
  /** Ends it as a machine ends that loses its power: nothing is answered, and nothing is let in. */
  kill(): void;
}

const open: (() => void)[] = [];
const gateways: TestGateway[] = [];
const loads: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(loads.splice(0).map((stop) => stop()));
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
  for (const close of open.splice(0)) close();
});

async function startInstance(
  address: string,
  { port = 0, zone, isSecure = false }: { port?: number; zone?: string; isSecure?: boolean } = {},
): Promise<RunningInstance> {
  const sockets = new Set<Socket>();
  const server: Server = isSecure
    ? createHttpsServer({ cert: certificates.first.cert, key: certificates.first.key })
    : createServer();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('request', (request, response) => {
    instance.calls++;
    instance.inFlight++;
    instance.host = request.headers.host;
    response.on('close', () => instance.inFlight--);
    request.resume().on(
      'end',
      () =>
        void instance.held.then(() => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ data: { at: `${address}:${instance.port}` } }));
        }),
    );
  });
  await new Promise<void>((listening) => server.listen(port, address, listening));
  const kill = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  open.push(kill);
  const instance: RunningInstance = {
    ...{ address, zone, kill, held: Promise.resolve(), calls: 0, inFlight: 0, host: undefined },
    port: (server.address() as AddressInfo).port,
  };
  return instance;
}

const supergraphSdl = compose([
  { name: 'stock', url: 'http://127.0.0.1:1/', typeDefs: 'type Query { at(n: Int): String }' },
]);

async function startGateway(
  target: string,
  more: Partial<Parameters<typeof startTestGateway>[0]> = {},
): Promise<TestGateway> {
  const gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    mode: 'development',
    subgraphs: { stock: { url: target } },
    ...more,
  });
  gateways.push(gateway);
  return gateway;
}

let asked = 0;

/** Where a query was answered, or the message of its error. No two are equal, or they would share a call. */
async function askAt(gateway: TestGateway): Promise<string> {
  const { data, errors } = await gateway.query('query ($n: Int) { at(n: $n) }', { n: asked++ });
  return errors?.[0].message ?? data.at;
}

/** Asks with some clients at once until it is stopped; resolves with the errors then. */
function load(gateway: TestGateway, clients: number) {
  let isOver = false;
  let answered = 0;
  const errors: string[] = [];
  const running = Array.from({ length: clients }, async () => {
    while (!isOver) {
      const at = await askAt(gateway);
      if (at.startsWith('127.')) answered++;
      else errors.push(at);
      // Enough to notice a call that fails, and to leave others the processor.
      await wait(5);
    }
  });
  const stop = async (): Promise<readonly string[]> => {
    isOver = true;
    await Promise.all(running);
    return errors;
  };
  loads.push(stop);
  return { stop, answered: () => answered };
}

/** Seconds for which nobody answers where endpoints are, beside what the test takes. By hand: 300. */
const deadFor = Number(process.env['WEIR_RESOLVER_DEAD'] ?? 0);
jest.setTimeout(30_000 + 1_100 * deadFor);

const changing = resolverKinds.filter(({ name }) => name !== 'static');

describe.each(changing)('with the resolver $name', ({ skipped, start }) => {
  const run = skipped === undefined ? it : it.skip;
  let registry: Registry;
  let port: number;
  beforeAll(async () => {
    if (skipped !== undefined) return;
    // A name has one port for all of its addresses.
    const first = await startInstance('127.0.0.1');
    ({ port } = first);
    first.kill();
    registry = await start({ port });
  });
  afterEach(() => skipped === undefined && registry.revive());
  afterAll(() => skipped === undefined && registry.stop());

  const startInstances = (...addresses: readonly string[]) =>
    Promise.all(addresses.map((address, i) => startInstance(address, { port, zone: `zone-${i}` })));
  const start3 = () => startInstances('127.0.0.2', '127.0.0.3', '127.0.0.4');
  const startAt = () => startGateway(registry.target, { discovery: registry.options });

  run('calls new instances, and others no more, without a failed request in many changes', async () => {
    const instances = await start3();
    const [a, b, c] = instances as [RunningInstance, RunningInstance, RunningInstance];
    const pairs = [
      [a, b],
      [b, c],
      [c, a],
    ] as const;
    await registry.register(pairs[0]);
    const gateway = await startAt();
    const asking = load(gateway, 4);
    const changes = amountOf('WEIR_CHANGES', 3, 20);
    for (let i = 1; i <= changes; i++) {
      const now = pairs[i % 3]!;
      const [gone] = instances.filter((each) => !now.includes(each));
      await registry.register(now);
      const before = now.map(({ calls }) => calls);
      await eventually(() => now.every(({ calls }, j) => calls > before[j]! + 2), 60_000);
      await eventually(async () => {
        const { calls } = gone!;
        await wait(50);
        return gone!.calls === calls;
      });
    }
    expect(await asking.stop()).toEqual([]);
    expect(asking.answered()).toBeGreaterThan(changes);
    const counted = sampleSum(await gateway.metrics(), 'weir_discovery_changes_total');
    expect(counted).toBeGreaterThan(changes);
    expect(sampleSum(await gateway.metrics(), 'weir_discovery_endpoints')).toBe(2);
  });

  run('goes on with the last endpoints while nobody answers where they are, and stays ready', async () => {
    const [a, b] = (await start3()) as [RunningInstance, RunningInstance, RunningInstance];
    await registry.register([a]);
    const gateway = await startAt();
    expect(await askAt(gateway)).toBe(`127.0.0.2:${port}`);
    registry.die();
    const failures = async () => sampleSum(await gateway.metrics(), 'weir_discovery_failures_total');
    await eventually(async () => (await failures()) > 0, 20_000);
    for (let second = 0; second < deadFor; second++) {
      expect(await askAt(gateway)).toBe(`127.0.0.2:${port}`);
      expect(gateway.readiness()).toEqual([]);
      await wait(1000);
    }
    expect(await askAt(gateway)).toBe(`127.0.0.2:${port}`);
    expect(gateway.readiness()).toEqual([]);
    expect(sampleSum(await gateway.metrics(), 'weir_discovery_age_seconds')).toBeGreaterThanOrEqual(deadFor);
    expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);
    expect(sampleSum(await gateway.metrics(), 'weir_discovery_age_seconds')).toBeGreaterThan(0);
    registry.revive();
    await registry.register([b]);
    await eventually(async () => (await askAt(gateway)) === `127.0.0.3:${port}`);
    const messages = gateway.log.map(({ msg }) => msg);
    expect(messages).toContain('endpoints could not be looked up: the last ones are used');
    expect(messages).toContain('endpoints are found again');
  });
});

const changed = 'the endpoints of a subgraph changed';

/** A gateway that asks a DNS server of its own for SRV records. */
async function withServices(
  instances: readonly RunningInstance[],
  more: Partial<Parameters<typeof startTestGateway>[0]> = {},
  state: DnsServer['state'] = 'alive',
) {
  const dns = await startDnsServer();
  dns.state = state;
  open.push(() => void dns.stop());
  const serve = (those: readonly RunningInstance[], name = 'stock.test'): void => {
    // Each has a name that no other one had: between two questions of a lookup the records may change.
    const targetOf = ({ address, port }: RunningInstance): string =>
      `${address.replaceAll('.', '-')}-${port}.${name}`;
    const SRV = those.map((each) => ({ target: targetOf(each), port: each.port, priority: 1 }));
    dns.records.set(`_graphql._tcp.${name}`, { SRV });
    for (const each of those) dns.records.set(targetOf(each), { A: [each.address] });
  };
  serve(instances);
  const gateway = await startGateway(`dns+srv://_graphql._tcp.stock.test/graphql`, {
    ...more,
    discovery: { dnsServers: [dns.address], interval: 100, ...more.discovery },
  });
  return { dns, serve, gateway };
}

it('starts, and is ready, where nobody answers, and calls instances when they are found', async () => {
  const instance = await startInstance('127.0.0.2');
  const { dns, gateway } = await withServices([instance], {}, 'failing');
  expect(gateway.readiness()).toEqual([]);
  expect(await askAt(gateway)).toBe('Subgraph "stock" was not called: no endpoint of it was found.');
  dns.state = 'alive';
  await eventually(async () => (await askAt(gateway)) === `127.0.0.2:${instance.port}`);
});

it('ends calls in flight at an endpoint that is removed', async () => {
  const slow = await startInstance('127.0.0.2');
  const other = await startInstance('127.0.0.3');
  const { serve, gateway } = await withServices([slow]);
  let answer!: () => void;
  slow.held = new Promise((resolve) => (answer = resolve));
  const inFlight = askAt(gateway);
  await eventually(() => slow.inFlight === 1);
  serve([other]);
  await eventually(() => gateway.log.filter(({ msg }) => msg === changed).length > 1);
  expect(await askAt(gateway)).toBe(`127.0.0.3:${other.port}`);
  expect(slow.inFlight).toBe(1);
  answer();
  expect(await inFlight).toBe(`127.0.0.2:${slow.port}`);
});

const countsTypeDefs = 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }';

/** Subscribes over an event stream; `text` is what has come so far. */
async function subscribe(gateway: TestGateway) {
  const answer = await gateway.post(
    { query: 'subscription { count(from: 1) }' },
    { headers: { accept: 'text/event-stream' } },
  );
  const read = { text: '', ended: Promise.resolve() };
  read.ended = (async () => {
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) read.text += piece;
  })().catch(() => undefined);
  return read;
}

it('subscribes at a WebSocket URL that the options name', async () => {
  const subgraph = await serveSubscriptions('websocket');
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose([{ name: 'counts', url: 'http://127.0.0.1:1/', typeDefs: countsTypeDefs }])),
    subgraphs: { counts: { subscriptions: { url: subgraph.url.replace('http:', 'ws:') } } },
  });
  gateways.push(gateway);
  const read = await subscribe(gateway);
  await eventually(() => subgraph.feeds.length === 1);
  subgraph.feeds[0]!.send({ data: { count: 1 } });
  await eventually(() => read.text.includes('"data":{"count":1}'));
  await gateways.pop()!.stop();
  await read.ended;
  await subgraph.stop();
});

it('leaves a subscription at an endpoint that is removed, and opens it at another one when it breaks', async () => {
  const [first, second] = [await serveSubscriptions('sse'), await serveSubscriptions('sse')] as const;
  const dns = await startDnsServer();
  const serveAt = ({ url }: { readonly url: string }): void => {
    const SRV = [{ target: 'counts.test', port: Number(new URL(url).port), priority: 1 }];
    dns.records.set('_graphql._tcp.test', { SRV }).set('counts.test', { A: ['127.0.0.1'] });
  };
  serveAt(first);
  const { pathname } = new URL(first.url);
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose([{ name: 'counts', url: first.url, typeDefs: countsTypeDefs }])),
    mode: 'development',
    discovery: { dnsServers: [dns.address], interval: 100 },
    subgraphs: {
      counts: { url: `dns+srv://_graphql._tcp.test${pathname}`, subscriptions: { protocol: 'sse' } },
    },
  });
  gateways.push(gateway);
  const read = await subscribe(gateway);
  await eventually(() => first.feeds.length === 1);
  serveAt(second);
  await eventually(() => gateway.log.filter(({ msg }) => msg === changed).length > 1);
  first.feeds[0]!.send({ data: { count: 1 } });
  await eventually(() => read.text.includes('"data":{"count":1}'));
  await first.die();
  await eventually(() => second.feeds.length === 1, 60_000);
  second.feeds[0]!.send({ data: { count: 2 } });
  await eventually(() => read.text.includes('"data":{"count":2}'));
  expect(read.text).toContain('"gap":true');
  await gateways.pop()!.stop();
  await read.ended;
  await Promise.all([first.stop(), second.stop(), dns.stop()]);
});

it('loses one call of each client at each endpoint, at most, when a zone is killed under load', async () => {
  const zones = amountOf('WEIR_ZONES_KILLED', 1, 10);
  for (let i = 0; i < zones; i++) {
    const near = await Promise.all(['127.0.0.2', '127.0.0.3'].map((each) => startInstance(each)));
    const far = await Promise.all(['127.0.0.4', '127.0.0.5'].map((each) => startInstance(each)));
    const dns = await startDnsServer();
    open.push(() => void dns.stop());
    for (const [zone, those] of Object.entries({ near, far })) {
      const SRV = those.map(({ port }, j) => ({ target: `${zone}${j}.test`, port, priority: 1 }));
      dns.records.set(`_graphql._tcp.${zone}.test`, { SRV });
      for (const [j, { address }] of those.entries()) dns.records.set(`${zone}${j}.test`, { A: [address] });
    }
    const gateway = await startTestGateway({
      supergraph: sourceOf(supergraphSdl),
      mode: 'development',
      zone: 'near',
      discovery: { dnsServers: [dns.address], interval: 100 },
      // Retries would hide what is lost.
      retries: { max: 0 },
      subgraphs: {
        stock: {
          endpoints: ['near', 'far'].map((zone) => ({ url: `dns+srv://_graphql._tcp.${zone}.test`, zone })),
        },
      },
    });
    gateways.push(gateway);
    const clients = 10;
    const asking = load(gateway, clients);
    await eventually(() => near.every(({ calls }) => calls > 20), 60_000);
    expect(far.map(({ calls }) => calls)).toEqual([0, 0]);
    const before = asking.answered();
    for (const each of near) each.kill();
    dns.records.delete('_graphql._tcp.near.test');
    const killedAt = performance.now();
    await eventually(() => asking.answered() > before + 100, 60_000);
    const errors = await asking.stop();
    // Each second a call finds out whether an endpoint works again: the last ones are kept while there is no other.
    const probes = near.length * Math.floor((performance.now() - killedAt) / 1000);
    // No call goes to an endpoint after one has failed there. So each client loses one call at each: when all that are in
    // flight fail at one of them, nothing is known of the other yet.
    expect(errors.length).toBeLessThanOrEqual(clients * near.length + probes);
    expect(far.every(({ calls }) => calls > 20)).toBe(true);
    await gateways.pop()!.stop();
  }
});

it('keeps the endpoints when an answer is empty, until answers have been empty for long enough', async () => {
  const instance = await startInstance('127.0.0.2');
  const at = `127.0.0.2:${instance.port}`;
  const { dns, gateway } = await withServices([instance], { discovery: { emptyAfter: '1s' } });
  expect(await askAt(gateway)).toBe(at);
  dns.records.clear();
  const count = dns.asked.length;
  await eventually(() => dns.asked.length > count + 2);
  expect(await askAt(gateway)).toBe(at);
  await eventually(async () => (await askAt(gateway)) !== at);
  expect(await askAt(gateway)).toBe('Subgraph "stock" was not called: no endpoint of it was found.');
  expect(gateway.readiness()).toEqual([]);
});

it('names the host of the target to a subgraph, not its address', async () => {
  const instance = await startInstance('127.0.0.2');
  const { gateway } = await withServices([instance]);
  await askAt(gateway);
  expect(instance.host).toBe(`stock.test:${instance.port}`);
});

it('checks certificates for the host of the target, not for the address', async () => {
  // The certificate is for localhost.
  const instance = await startInstance('127.0.0.2', { isSecure: true });
  const { dns, serve } = await withServices([]);
  serve([instance], 'localhost');
  serve([instance], 'stock.test');
  const askOf = async (name: string) => {
    const gateway = await startGateway(`dns+srv://_graphql._tcp.${name}?protocol=https`, {
      discovery: { dnsServers: [dns.address], interval: 100 },
      connections: { ca: 'test/support/tls/cert.pem' },
    });
    return { at: await askAt(gateway), log: gateway.log };
  };
  expect((await askOf('localhost')).at).toBe(`127.0.0.2:${instance.port}`);
  const refused = await askOf('stock.test');
  expect(refused.at).toBe('Subgraph "stock" could not be reached.');
  expect(JSON.stringify(refused.log)).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
});

it('calls no loopback address in production, unless the options allow it', async () => {
  const instance = await startInstance('127.0.0.2');
  const production = await withServices([instance], { mode: 'production' });
  expect(await askAt(production.gateway)).toContain('was not called: no endpoint of it was found');
  expect(production.gateway.log.map(({ msg }) => msg)).toContain('addresses of a subgraph are refused');
  const allowed = await withServices([instance], { mode: 'production', discovery: { loopback: true } });
  expect(await askAt(allowed.gateway)).toBe(`127.0.0.2:${instance.port}`);
});

it('looks for no endpoint that only a supergraph names', async () => {
  const supergraph = supergraphSdl.replace('http://127.0.0.1:1/', 'dns://stock.test/');
  await expect(startTestGateway({ supergraph: sourceOf(supergraph) })).rejects.toThrow(
    /The URL of subgraph "stock" must begin with http: or https:, but got: dns:/,
  );
});
