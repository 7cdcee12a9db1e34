/** Subscriptions to several graphs of one gateway, with equal schemas and subgraphs of their own. */
import { createHash } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { Registry } from '../../schema';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';

const typeDefs = 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }';
const author = { by: 'ana' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
let stores: TestRegistryStores;
let servers: Record<'prod' | 'pr', SubscribedServer>;
let gateway: TestGateway;

const registryOf = async (variant: string) =>
  new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } });
const publish = async (variant: 'prod' | 'pr', sdl = typeDefs) =>
  (await registryOf(variant)).publish(
    [{ name: 'counts', routingUrl: servers[variant].url, file: 'counts.graphql', sdl }],
    author,
  );
const options = (depth: number, groups = ['staff']) => ({
  ...{ port: 0, admin: { port: 0 }, limits: { depth } },
  subgraphs: { counts: { subscriptions: { protocol: 'sse' } } },
  auth: { apiKeys: [{ client: 'ana', groups: ['staff'], sha256: sha256('ana') }], anonymous: true },
  supergraph: { registry: stores.location, pollInterval: 50, keep: `${stores.location}-kept.graphql` },
  graphs: {
    default: 'shop@prod',
    choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
    allow: [{ graph: 'shop@*', groups }],
  },
});

beforeEach(async () => {
  stores = await registryStoreKinds[0]![1]();
  servers = { prod: await serveSubscriptions('sse'), pr: await serveSubscriptions('sse') };
  await publish('prod');
  await publish('pr');
  gateway = await startTestGateway(options(20) as never);
});
afterEach(async () => {
  await gateway.stop();
  await Promise.all(Object.values(servers).map((each) => each.stop()));
  await stores.close();
});

/** Subscribes, and collects the events. */
async function subscribe(graph: string | undefined, more: Record<string, string> = {}) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      ...{ accept: 'text/event-stream', 'content-type': 'application/json', 'x-api-key': 'ana' },
      ...(graph !== undefined && { 'x-weir-graph': graph }),
      ...more,
    },
    body: JSON.stringify({ query: 'subscription { count }' }),
  });
  const client = { events: [] as Json[], ids: [] as string[], isEnded: false };
  void (async () => {
    let text = '';
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece;
      client.events = [...text.matchAll(/^data: ?(\{.*)$/gm)].map(([, json]) => JSON.parse(json!));
      client.ids = [...text.matchAll(/^id: ?(.*)$/gm)].map(([, id]) => id!);
    }
    client.isEnded = true;
  })().catch(() => (client.isEnded = true));
  return client;
}
const counts = ({ events }: { events: Json[] }) => events.map(({ data }) => data?.count);

it('gives each client the events of its graph, though operations are equal', async () => {
  const [prod, pr, again] = [await subscribe(undefined), await subscribe('pr'), await subscribe('pr')];
  await eventually(() => servers.prod.feeds.length === 1 && servers.pr.feeds.length === 1);
  servers.prod.feeds[0]!.send({ data: { count: 1 } });
  servers.pr.feeds[0]!.send({ data: { count: 2 } });
  await eventually(() => prod.events.length === 1 && pr.events.length === 1 && again.events.length === 1);
  expect([counts(prod), counts(pr), counts(again)]).toEqual([[1], [2], [2]]);
});

it('moves the subscriptions of a graph to its new versions, and ends none of another one', async () => {
  const [prod, pr] = [await subscribe(undefined), await subscribe('pr')];
  await eventually(() => servers.prod.feeds.length === 1 && servers.pr.feeds.length === 1);
  for (const [n, variant] of (['pr', 'prod', 'pr'] as const).entries()) {
    await publish(variant, `${typeDefs} extend type Query { fresh${n}: Int }`);
    const headers = { 'x-api-key': 'ana', ...(variant === 'pr' && { 'x-weir-graph': 'pr' }) };
    await eventually(
      async () => (await gateway.post({ query: `{ fresh${n} }` }, { headers })).status === 200,
    );
    servers.prod.feeds.at(-1)!.send({ data: { count: n } });
    servers.pr.feeds.at(-1)!.send({ data: { count: 10 + n } });
    await eventually(() => prod.events.length === n + 1 && pr.events.length === n + 1);
  }
  expect([counts(prod), counts(pr)]).toEqual([
    [0, 1, 2],
    [10, 11, 12],
  ]);
  expect([prod.isEnded, pr.isEnded]).toEqual([false, false]);
});

it('keeps the subscriptions of all graphs when options change', async () => {
  const [prod, pr] = [await subscribe(undefined), await subscribe('pr')];
  await eventually(() => servers.prod.feeds.length === 1 && servers.pr.feeds.length === 1);
  await gateway.reload(() => options(21) as never);
  servers.prod.feeds.at(-1)!.send({ data: { count: 1 } });
  servers.pr.feeds.at(-1)!.send({ data: { count: 2 } });
  await eventually(() => prod.events.length === 1 && pr.events.length === 1);
  expect([counts(prod), counts(pr)]).toEqual([[1], [2]]);
  expect([prod.isEnded, pr.isEnded]).toEqual([false, false]);
});

it('ends the subscriptions of a graph that is no longer there', async () => {
  const prod = await registryOf('prod');
  await publish(
    'prod',
    `${typeDefs} extend type Query { secret: Int @tag(name: "secret") }
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@tag"])`,
  );
  const contract = await registryOf('public');
  await contract.contract({ of: prod.name, include: [], exclude: ['secret'] }, author);
  const [kept, ended] = [await subscribe(undefined), await subscribe('public')];
  await eventually(() => servers.prod.feeds.length === 2);
  await contract.endContract(author);
  await eventually(() => ended.isEnded, 20_000);
  expect(ended.events.at(-1).errors[0].extensions.code).toBe('UNKNOWN_GRAPH');
  expect(kept.isEnded).toBe(false);
  const headers = { 'x-api-key': 'ana', 'x-weir-graph': 'public' };
  expect((await gateway.post({ query: '{ a }' }, { headers })).status).toBe(404);
});

it('ends the subscriptions of callers who may not use their graph any more', async () => {
  const [prod, pr] = [await subscribe(undefined), await subscribe('pr')];
  await eventually(() => servers.prod.feeds.length === 1 && servers.pr.feeds.length === 1);
  await gateway.reload(() => options(20, ['admins']) as never);
  await eventually(() => pr.isEnded);
  expect(pr.events.at(-1).errors[0].extensions.code).toBe('UNKNOWN_GRAPH');
  expect(prod.isEnded).toBe(false);
});

it('keeps subscriptions and graphs when options change while the registry is down', async () => {
  const [prod, pr] = [await subscribe(undefined), await subscribe('pr')];
  await eventually(() => servers.prod.feeds.length === 1 && servers.pr.feeds.length === 1);
  await rename(stores.location, `${stores.location}-away`);
  await writeFile(stores.location, 'no folder');
  try {
    await gateway.reload(() => options(21) as never);
    const headers = { 'x-api-key': 'ana', 'x-weir-graph': 'pr' };
    await eventually(
      async () => (await gateway.post({ query: '{ __typename }' }, { headers })).status === 200,
    );
    servers.prod.feeds.at(-1)!.send({ data: { count: 1 } });
    servers.pr.feeds.at(-1)!.send({ data: { count: 2 } });
    await eventually(() => prod.events.length === 1 && pr.events.length === 1);
    expect([counts(prod), counts(pr)]).toEqual([[1], [2]]);
  } finally {
    await rm(stores.location);
    await rename(`${stores.location}-away`, stores.location);
  }
});
