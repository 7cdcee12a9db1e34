/** New options while supergraphs come: whatever the order, clients and subscriptions are never taken back to an older one. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApolloServerPlugin } from '@apollo/server';
import type { OptionsInput } from '../../gateway';
import { eventually } from '../support/process';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose } from '../support/small-graph';
import { serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';

/** The last step of the start of new options. */
let held: (() => Promise<void>) | undefined;
const plugin: ApolloServerPlugin = { serverWillStart: async () => held?.() };
let subgraph: SubscribedServer;
/** Undefined while the source is down. */
let published: string | undefined;
let polls = 0;
let gateway: TestGateway;
let url: string;
/** Sends what is held back. */
let sendHeld: (() => void) | undefined;
const source = createServer(({ headers }, response) => {
  polls++;
  const answer = published;
  if (answer === undefined) response.writeHead(503).end();
  else if (headers['x-slow'] === undefined || sendHeld !== undefined) response.end(answer);
  else sendHeld = () => response.end(answer);
});

beforeAll(async () => {
  subgraph = await serveSubscriptions('sse');
  await new Promise<void>((listening) => source.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(source.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  await subgraph.stop();
  source.closeAllConnections();
  await new Promise((closed) => source.close(closed));
});
beforeEach(async () => {
  held = undefined;
  published = version(1);
  gateway = await startTestGateway({ ...options(10), plugins: [plugin] });
});
afterEach(() => gateway.stop());

/** Each has another source of events, at another host. */
const version = (n: number): string =>
  compose([
    {
      ...{ name: 'counts', url: subgraph.url.replace('127.0.0.1', n % 2 === 0 ? 'localhost' : '127.0.0.1') },
      typeDefs: `type Query { v${n}: Int }  type Subscription { count: Int }`,
    },
  ]);
const options = (depth: number, more: OptionsInput = {}): OptionsInput => ({
  ...{ port: 0, admin: { port: 0 }, mode: 'development', limits: { depth } },
  subgraphs: { counts: { subscriptions: { protocol: 'sse' } } },
  supergraph: { url, pollInterval: 20 },
  ...more,
});
/** The field that tells the version that requests are answered by. */
async function serves(): Promise<string> {
  const { data } = await gateway.query('{ __schema { queryType { fields { name } } } }');
  return data.__schema.queryType.fields[0].name;
}
/** Resolves when whoever polls has had the time to run what is published. */
async function seen(): Promise<void> {
  const before = polls;
  await eventually(() => polls >= before + 20);
}

const openSources = (): number => subgraph.feeds.filter(({ isLeft }) => !isLeft).length;

async function subscribe(): Promise<{ readonly gaps: number; close(): void }> {
  const left = new AbortController();
  const answer = await fetch(gateway.url, {
    ...{ method: 'POST', body: '{"query":"subscription { count }"}', signal: left.signal },
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
  });
  const client = { gaps: 0, close: () => left.abort() };
  const read = async (): Promise<void> => {
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream()))
      client.gaps += piece.split('"gap":true').length - 1;
  };
  void read().catch(() => undefined);
  return client;
}

it('serves no older supergraph again when a newer one comes while new options start', async () => {
  const opened = subgraph.feeds.length;
  const client = await subscribe();
  sendHeld = undefined;
  const slow = { supergraph: { url, pollInterval: 20, headers: { 'x-slow': '1' } } };
  const reloaded = gateway.reload(() => options(11, slow));
  await eventually(() => sendHeld !== undefined);
  published = version(2);
  await seen();
  const before = await serves();
  sendHeld!();
  await reloaded;
  expect((await serves()) >= before).toBe(true);
  await eventually(async () => (await serves()) === 'v2');
  await eventually(() => client.gaps > 0 && openSources() === 1);
  // It has moved once.
  expect([client.gaps, subgraph.feeds.length - opened]).toEqual([1, 2]);
  client.close();
});

it('moves nothing to new options that are refused at last, and takes the supergraph that has come', async () => {
  const opened = subgraph.feeds.length;
  const client = await subscribe();
  let refuse: ((error: Error) => void) | undefined;
  held = () => new Promise((_, reject) => (refuse = reject));
  const another = { counts: { subscriptions: { protocol: 'sse', reconnect: '1m' } } } as const;
  const reloaded = gateway.reload(() => options(11, { subgraphs: another }));
  await eventually(() => refuse !== undefined);
  published = version(2);
  await seen();
  refuse!(new Error('of the plugin'));
  await expect(reloaded).rejects.toThrow('of the plugin');
  await eventually(async () => (await serves()) === 'v2');
  await eventually(() => client.gaps > 0 && openSources() === 1);
  expect([client.gaps, subgraph.feeds.length - opened]).toEqual([1, 2]);
  client.close();
});

it('keeps the supergraph that runs while its source is down', async () => {
  published = undefined;
  await gateway.reload(() => options(1));
  expect(await gateway.query('{ v1 }')).toMatchObject({ data: { v1: null } });
  expect((await gateway.query('{ __schema { types { name } } }')).errors[0].message).toContain(
    'deeper than 1',
  );
  published = version(2);
  await eventually(async () => (await gateway.query('{ v2 }')).data !== undefined);
});

it('refuses another source that is down, and goes on', async () => {
  const other = { supergraph: { url: `${url}other`, pollInterval: 20 } };
  published = undefined;
  await expect(gateway.reload(() => options(10, other))).rejects.toThrow('HTTP status 503');
  expect(await serves()).toBe('v1');
  published = version(2);
  await eventually(async () => (await serves()) === 'v2');
});
