/** Running subscriptions over real sockets, through new supergraphs, new options, and the end of the gateway. */
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { OptionsInput } from '../../gateway/options';
import { type Json, sampleSum, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose } from '../support/small-graph';
import { serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';

const folder = mkdtempSync(join(tmpdir(), 'weir-subscriptions-'));
const file = join(folder, 'supergraph.graphql');
const rounds = Number(process.env['WEIR_ROUNDS'] ?? 2);
let subgraph: SubscribedServer;
let gateway: TestGateway;
let supergraphSdl: string;
const typeDefs = 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }';

beforeAll(async () => {
  subgraph = await serveSubscriptions('sse');
  supergraphSdl = compose([{ name: 'counts', url: subgraph.url, typeDefs }]);
  writeFileSync(file, supergraphSdl);
  gateway = await startTestGateway(options(20, 0));
});

afterAll(async () => {
  await gateway.stop();
  await subgraph.stop();
  rmSync(folder, { recursive: true });
});

/** @param round of sources that were opened anew */
const options = (aliases: number, round: number): OptionsInput => ({
  ...{ port: 0, admin: { port: 0 }, limits: { aliases }, subscriptions: { perIdentity: 2000 } },
  subgraphs: { counts: { subscriptions: { protocol: 'sse', reconnect: `${round + 1}m` } } },
  supergraph: { file },
  shutdown: { grace: '3s' },
});

const gap = '{"data":null,"extensions":{"weir":{"gap":true}}}';

/** A client that reads an event stream until it ends. */
class Client {
  readonly events: Json[] = [];
  gaps = 0;
  isEnded = false;

  readonly #left = new AbortController();

  async open(query: string, more: Record<string, string> = {}): Promise<this> {
    const headers = { ...more, accept: 'text/event-stream', 'content-type': 'application/json' };
    const { signal } = this.#left;
    const body = JSON.stringify({ query });
    const answer = await fetch(gateway.url, { method: 'POST', headers, body, signal });
    void this.#read(answer.body!.pipeThrough(new TextDecoderStream()));
    return this;
  }

  leave(): void {
    this.#left.abort();
  }

  async #read(body: ReadableStream<string>): Promise<void> {
    let text = '';
    try {
      for await (const piece of body) {
        text += piece;
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const data = /^event: next\n(?:id: .*\n)?data: (.*)$/m.exec(text.slice(0, end))?.[1];
          if (data === gap) this.gaps++;
          else if (data !== undefined) this.events.push(JSON.parse(data));
          text = text.slice(end + 2);
        }
      }
    } catch {
      // The connection was cut.
    }
    this.isEnded = true;
  }
}

const metric = async (name: string): Promise<number> => sampleSum(await gateway.metrics(), name);
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(5);
}

it('ends those that the safelist of new options lacks, each with the sentence', async () => {
  const [kept, dropped] = ['kept', 'dropped'].map((name) => `subscription ${name} { count(from: 9) }`) as [
    string,
    string,
  ];
  const manifest = join(folder, 'manifest.json');
  const body = JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: 'a', name: 'kept', type: 'subscription', body: kept }],
  });
  writeFileSync(manifest, body);
  const clients = await Promise.all([kept, dropped].map((query) => new Client().open(query)));
  const before = subgraph.feeds.length;
  await gateway.reload(() => ({ ...options(20, 0), persistedOperations: { manifest, mode: 'reject' } }));
  await until(() => clients[1]!.isEnded);
  expect(clients[1]!.events).toMatchObject([{ errors: [{ extensions: { code: 'QUERY_NOT_IN_SAFELIST' } }] }]);
  subgraph.feeds.find(({ isLeft }) => !isLeft)!.send({ data: { count: 1 } });
  await until(() => clients[0]!.events.length === 1);
  expect([clients[0]!.events, clients[0]!.isEnded]).toEqual([[{ data: { count: 1 } }], false]);
  expect(subgraph.feeds.length).toBe(before);
  await gateway.reload(() => options(20, 0));
  clients[0]!.leave();
  await until(() => subgraph.feeds.every(({ isLeft }) => isLeft));
});

it('end where new options do not have the API key, and say so', async () => {
  const auth = (...names: readonly string[]): OptionsInput['auth'] => ({
    anonymous: true,
    apiKeys: names.map((name) => ({ client: 'app', sha256: hash('sha256', name) })),
  });
  const query = 'subscription { count }';
  await gateway.reload(() => ({ ...options(20, 0), auth: auth('old', 'new') }));
  const [ends, ...others] = await Promise.all([
    new Client().open(query, { 'x-api-key': 'old' }),
    new Client().open(query, { 'x-api-key': 'new' }),
    new Client().open(query),
  ]);
  await gateway.reload(() => ({ ...options(20, 0), auth: auth('new') }));
  await until(() => ends.isEnded);
  expect(ends.events).toMatchObject([
    { errors: [{ message: 'The API key is not known.', extensions: { code: 'UNAUTHENTICATED' } }] },
  ]);
  for (const { events, isEnded } of others) expect([events, isEnded]).toEqual([[], false]);
  await gateway.reload(() => options(20, 0));
  for (const client of others) client.leave();
  await until(() => subgraph.feeds.every(({ isLeft }) => isLeft));
});

it('go on through new supergraphs and new options, and are told when the gateway stops', async () => {
  const queries = Array.from({ length: 4 }, (_, from) => `subscription { count(from: ${from}) }`);
  const clients = await Promise.all(
    Array.from({ length: 40 }, (_, i) => new Client().open(queries[i % queries.length]!)),
  );
  const isOpen = ({ isLeft }: { readonly isLeft: boolean }): boolean => !isLeft;
  let sent = 0;
  const send = async (): Promise<void> => {
    sent++;
    const open = subgraph.feeds.filter(isOpen);
    expect(open.length).toBe(queries.length);
    for (const feed of open) feed.send({ data: { count: sent } });
    await until(() => clients.every(({ events }) => events.length === sent));
  };
  /** @param opened how many sources are opened anew for it */
  const moved = async (change: () => Promise<unknown>, opened: number): Promise<void> => {
    const before = await metric('weir_subscriptions_moved_total');
    const all = subgraph.feeds.length + opened;
    await change();
    await until(async () => (await metric('weir_subscriptions_moved_total')) === before + queries.length);
    await until(() => subgraph.feeds.length >= all && subgraph.feeds.filter(isOpen).length <= queries.length);
    expect(subgraph.feeds.length).toBe(all);
  };
  await until(() => subgraph.feeds.filter(isOpen).length === queries.length);
  await send();
  for (let round = 1; round <= rounds; round++) {
    await moved(async () => writeFileSync(file, `${supergraphSdl}\n# ${round}`), 0);
    await send();
    await moved(() => gateway.reload(() => options(20 + round, round - 1)), 0);
    await send();
    await moved(() => gateway.reload(() => options(20 + round, round)), queries.length);
    await until(() => clients.every(({ gaps }) => gaps === round));
    await send();
  }
  for (const { events, gaps, isEnded } of clients) {
    expect(isEnded).toBe(false);
    expect(events.map(({ data }) => data.count)).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
    expect(gaps).toBe(rounds);
  }
  expect(await metric('weir_subscriptions_active')).toBe(clients.length);
  await gateway.stop();
  for (const { isEnded } of clients) expect(isEnded).toBe(true);
  expect(subgraph.feeds.every(({ isLeft }) => isLeft)).toBe(true);
});
