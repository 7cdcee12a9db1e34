/**
 * Running subscriptions of real clients, through new supergraphs, new options, and the death of the gateway's process. Over
 * 300 lines: clients, events and changes are one story.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { type Client, createClient } from 'graphql-ws';
import { Agent, fetch as fetchByAgent } from 'undici';
import { WebSocket } from 'ws';
import {
  defineSubgraph,
  memoryEventSource,
  type Resolvers,
  type RunningSubgraph,
  startSubgraph as startOfKit,
  subscriptionField,
} from '../../kit';
import { freePort } from '../support/free-port';
import { endAll, eventually, startWeir, type WeirProcess } from '../support/process';
import { loadResume } from '../support/resume-example';
import { amountOf } from '../support/amounts';
import { type Json, sampleSum } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';

/** Everyday runs are short: the whole is what the product promises. */
const count = amountOf('WEIR_SUBSCRIPTIONS', 60, 1000);
const isLong = count >= 1000;
const [swaps, reloads] = isLong ? [20, 10] : [2, 2];
/** Milliseconds between two events: 50 a second. */
const every = 20;
/** Milliseconds until something has happened. A busy machine builds slowly. */
const patience = 120_000;
const topics = Array.from({ length: 20 }, (_, i) => String(i));
const folder = mkdtempSync(join(tmpdir(), 'weir-survival-'));
const file = (name: string): string => join(folder, name);
jest.setTimeout(isLong ? 3_600_000 : 300_000);

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';
const tick = 'type Tick @key(fields: "topic") { topic: String!  n: Int! @shareable }';
const withoutGone = `${link} type Query { one: Int }  type Subscription { ticked(topic: String!): Tick } ${tick}`;
const typeDefs = `${withoutGone} extend type Subscription { gone(topic: String!): Tick }`;
writeFileSync(file('ticks.graphql'), typeDefs);

interface Tick {
  readonly topic: string;
  readonly n: number;
}
const ticked = () =>
  subscriptionField<object, { topic: string }, Tick>({ event: 'Ticked', keys: ({ topic }) => [topic] });
const resolvers: Resolvers<object> = {
  Subscription: { ticked: ticked(), gone: ticked() },
};

/** Sends positions. */
let ticks: RunningSubgraph;
const tickEvents = memoryEventSource({ kept: 20_000 });
/** Sends none. */
let plain: SubscribedServer;
let labels: TestSubgraph;
let gateway: WeirProcess;
let port: string;
let admin: string;
const agent = new Agent({ connections: 2000 });

beforeAll(async () => {
  const ofKit = defineSubgraph({
    ...{ name: 'ticks', schema: file('ticks.graphql'), resolvers },
    context: () => ({}),
    events: () => tickEvents,
  });
  ticks = await startOfKit(ofKit, { port: 0, logLevel: 'silent' });
  plain = await serveSubscriptions('sse');
  labels = await startSubgraph({
    name: 'labels',
    typeDefs: `${link} type Tick @key(fields: "topic") { topic: String!  label: String! }`,
    resolvers: { Tick: { __resolveReference: ({ topic }: Tick) => ({ topic, label: `label ${topic}` }) } },
  });
  writeOptions(20, 30);
  writeSupergraph({});
  // It comes back at the same port.
  await startGateway(String(await freePort()));
});
afterAll(async () => {
  for (const close of closes) close();
  await endAll();
  await ticks.stop();
  await plain.stop();
  await labels.close();
  await agent.close();
  rmSync(folder, { recursive: true });
});

/** JSON is YAML. @param reconnect seconds */
function writeOptions(aliases: number, reconnect: number): void {
  const options = {
    supergraph: { file: file('supergraph.graphql') },
    limits: { aliases },
    cors: { origins: ['https://shop.example'] },
    subscriptions: { perIdentity: 5000 },
    subgraphs: {
      ticks: { subscriptions: { reconnect: `${reconnect}s` } },
      plain: { subscriptions: { protocol: 'sse', reconnect: `${reconnect}s` } },
    },
    // On a busy machine all plans are slow, and the subgraphs, which share a process with all clients, answer late.
    timeouts: { subgraph: '60s', request: '90s' },
    connections: { keepAlive: '1s' },
    breaker: { enabled: false },
    overload: { delay: '60s', queue: '60s' },
  };
  writeFileSync(file('weir.yaml'), JSON.stringify(options));
}

/** @param host of the subgraphs that have events: another one is another source */
function writeSupergraph({ host = '127.0.0.1', note = '', sdl = typeDefs }): void {
  const at = (url: string): string => url.replace('127.0.0.1', host);
  const supergraphSdl = compose([
    { name: 'ticks', url: at(ticks.url), typeDefs: sdl },
    {
      ...{ name: 'plain', url: at(plain.url) },
      typeDefs: 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }',
    },
    labels,
  ]);
  writeFileSync(file('supergraph.graphql'), `${supergraphSdl}\n# ${note}`);
}

async function startGateway(at: string): Promise<void> {
  const flags = ['--config', file('weir.yaml'), '--port', at, '--admin-port', '0', '--log-level', 'info'];
  gateway = startWeir(['gateway', ...flags]);
  const [, url, adminUrl] = await gateway.printed(/"url":"([^"]+)","adminUrl":"([^"]+)"/);
  port = new URL(url!).port;
  admin = adminUrl!;
}
const metric = async (name: string): Promise<number> =>
  sampleSum(await (await fetch(new URL('/metrics', admin))).text(), name);

/** What one client has got. Numbers follow each other without a hole. */
class Watched {
  last: number | undefined;
  lost = 0;
  doubled = 0;
  gaps = 0;
  readonly problems: Json[] = [];
  #isAfterGap = false;

  constructor(readonly topic: string) {}

  take({ data, errors, extensions }: Json): void {
    if (errors !== undefined) this.problems.push(...errors);
    else if (extensions?.weir?.gap === true) {
      this.gaps++;
      this.#isAfterGap = true;
    } else this.#number(data.count ?? (data.ticked ?? data.gone).n);
  }

  #number(n: number): void {
    if (this.last !== undefined && !this.#isAfterGap) {
      this.lost += Math.max(0, n - this.last - 1);
      if (n <= this.last) this.doubled++;
    }
    this.#isAfterGap = false;
    this.last = n;
  }
}

const closes: (() => void)[] = [];
const endpoint = (scheme: string): string => `${scheme}://127.0.0.1:${port}/graphql`;
const resume = loadResume();
const operations = {
  ticked: 'subscription Ticked($topic: String!) { ticked(topic: $topic) { n label } }',
  gone: 'subscription Gone($topic: String!) { gone(topic: $topic) { n } }',
};

function overEventSource(field: keyof typeof operations, topic: string): Watched {
  const watched = new Watched(topic);
  const search = new URLSearchParams({ query: operations[field], variables: JSON.stringify({ topic }) });
  const source = new EventSource(`${endpoint('http')}?${search.toString()}`, {
    fetch: (url, init) =>
      fetchByAgent(String(url), {
        ...(init as object),
        headers: { ...init.headers, origin: 'https://shop.example' },
        dispatcher: agent,
      }),
  });
  source.addEventListener('next', ({ data }) => watched.take(JSON.parse(data as string)));
  source.addEventListener('error', () => {
    if (source.readyState === source.CLOSED) watched.problems.push('It was refused for good.');
  });
  source.addEventListener('complete', () => {
    watched.problems.push('complete');
    source.close();
  });
  closes.push(() => source.close());
  return watched;
}

function connect(): Client {
  const client = createClient({
    ...{ url: endpoint('ws'), webSocketImpl: WebSocket, lazy: true },
    ...{ retryAttempts: Infinity, shouldRetry: () => true },
  });
  closes.push(() => void client.dispose());
  return client;
}

function overWebSocket(query: string, variables: Record<string, unknown>, topic: string): Watched {
  const watched = new Watched(topic);
  resume(
    connect(),
    { query, variables },
    {
      next: (result) => watched.take(result),
      error: (error) => watched.problems.push(...[error].flat()),
      complete: () => watched.problems.push('complete'),
    },
  );
  return watched;
}

/** Of each topic, the number of its last event. */
const published = new Map<string, number>();
let turn = 0;
function publish(): void {
  const topic = topics[turn++ % topics.length]!;
  const n = (published.get(topic) ?? 0) + 1;
  published.set(topic, n);
  tickEvents.publish({ type: 'Ticked', key: topic, data: { topic, n } satisfies Tick });
  for (const feed of plain.feeds)
    if (!feed.isLeft && String(feed.variables['from']) === topic) feed.send({ data: { count: n } });
}
let publishing: NodeJS.Timeout;
const begin = (): void => {
  publishing = setInterval(publish, every);
};
/**
 * Stops the events, with one more of each topic: the one before may be what is missing in a gap. Waits until all clients
 * have the last one. Resolves with the milliseconds that this took.
 */
async function settle(all: readonly Watched[]): Promise<number> {
  clearInterval(publishing);
  for (let i = 0; i < topics.length; i++) publish();
  const since = performance.now();
  const late = () => all.filter(({ topic, last }) => last !== published.get(topic));
  await eventually(() => late().length === 0, patience).catch((error: unknown) => {
    const { topic, last, gaps, problems } = late()[0]!;
    const has = JSON.stringify({ last, of: published.get(topic), gaps, problems: problems.slice(0, 3) });
    throw new Error(`${late().length} of ${all.length} clients lack the last event. One has ${has}`, {
      cause: error,
    });
  });
  return performance.now() - since;
}
afterEach(() => clearInterval(publishing));
const totals = (all: readonly Watched[]) => ({
  problems: all.flatMap(({ problems }) => problems).slice(0, 3),
  lost: all.reduce((sum, { lost }) => sum + lost, 0),
  doubled: all.reduce((sum, { doubled }) => sum + doubled, 0),
});
const nothing = { problems: [], lost: 0, doubled: 0 };
const say = (figures: object): void => {
  if (isLong) process.stderr.write(`${JSON.stringify(figures)}\n`);
};

it(`${count} subscriptions go on through new supergraphs, new options, and a killed gateway`, async () => {
  const topicOf = (i: number): string => topics[i % topics.length]!;
  const share = (part: number): number[] => Array.from({ length: Math.ceil(count * part) }, (_, i) => i);
  const sources = share(0.4).map((i) => overEventSource('ticked', topicOf(i)));
  const sockets = share(0.4).map((i) => overWebSocket(operations.ticked, { topic: topicOf(i) }, topicOf(i)));
  const leaving = share(0.1).map((i) => overEventSource('gone', topicOf(i)));
  const unnumbered = share(0.1).map((i) => {
    const from = Number(topicOf(i));
    return overWebSocket('subscription Count($from: Int) { count(from: $from) }', { from }, String(from));
  });
  const numbered = [...sources, ...sockets];
  const all = [...numbered, ...leaving, ...unnumbered];
  await eventually(async () => (await metric('weir_subscriptions_active')) === all.length, patience).finally(
    () => expect(totals(all)).toEqual(nothing),
  );
  begin();
  await eventually(() => all.every(({ last }) => last !== undefined), patience);
  const upstreams = await metric('weir_subscriptions_upstreams');

  let gaps = 0;
  const moved = async (change: () => void): Promise<void> => {
    const before = await metric('weir_subscriptions_moved_total');
    change();
    await eventually(
      async () => (await metric('weir_subscriptions_moved_total')) >= before + upstreams,
      patience,
    );
  };
  /** Of those without positions, each is told of the gap. */
  const opensAnew = async (change: () => void): Promise<void> => {
    gaps++;
    await moved(change);
    await eventually(() => unnumbered.every((each) => each.gaps >= gaps), patience);
  };
  let [host, aliases, reconnect] = ['127.0.0.1', 20, 30];
  const reload = (): void => {
    writeOptions(aliases, reconnect);
    gateway.signal('SIGHUP');
  };
  for (let round = 1; round <= swaps; round++) {
    const note = String(round);
    if (round % 2 === 0) await moved(() => writeSupergraph({ host, note }));
    else {
      host = host === 'localhost' ? '127.0.0.1' : 'localhost';
      await opensAnew(() => writeSupergraph({ host, note }));
    }
    if (round % (swaps / reloads) > 0) continue;
    if (reconnect > aliases) {
      aliases += 20;
      await moved(reload);
    } else {
      reconnect += 20;
      await opensAnew(reload);
    }
  }
  const afterSwaps = await settle(all);
  expect(totals(all)).toEqual(nothing);
  expect(numbered.reduce((sum, each) => sum + each.gaps, 0)).toBe(0);
  // On a machine that is too busy a connection to a subgraph may break, which costs a gap, too.
  if ((await metric('weir_subgraph_subscriptions_broken_total')) === 0)
    expect(unnumbered.map((each) => each.gaps)).toEqual(unnumbered.map(() => gaps));
  expect(await metric('weir_subscriptions_active')).toBe(all.length);
  expect(await metric('weir_subscriptions_upstreams')).toBe(upstreams);
  say({ swaps, reloads, gaps, afterSwaps, upstreams, events: turn });

  // A field that is gone ends exactly its own subscriptions.
  begin();
  await moved(() => writeSupergraph({ host, sdl: withoutGone }));
  await eventually(() => leaving.every(({ problems }) => problems.length === 2), patience);
  const sentence = expect.stringMatching(/^The graph has changed, .* Cannot query field "gone" on type/);
  for (const { problems } of leaving)
    expect(problems).toEqual([expect.objectContaining({ message: sentence }), 'complete']);
  await settle([...numbered, ...unnumbered]);
  expect(totals([...numbered, ...unnumbered])).toEqual(nothing);

  // Who has no position comes back to events from now on.
  begin();
  gateway.signal('SIGKILL');
  await gateway.exit;
  const killed = performance.now();
  await startGateway(port);
  const restarted = performance.now() - killed;
  await eventually(
    async () => (await metric('weir_subscriptions_active')) === numbered.length + unnumbered.length,
    patience,
  );
  const back = performance.now() - killed;
  await wait(1000);
  const afterKill = await settle(numbered);
  say({
    ...{ restarted, back, afterKill, gaps: numbered.reduce((sum, each) => sum + each.gaps, 0) },
    upstreams: await metric('weir_subscriptions_upstreams'),
    executions: await metric('weir_subscriptions_executions_total'),
    deliveries: await metric('weir_subscriptions_deliveries_total'),
  });
  expect(totals(numbered)).toEqual(nothing);
  expect(numbered.filter((each) => each.gaps > 1)).toEqual([]);
});
