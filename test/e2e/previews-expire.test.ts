/**
 * Previews that end while gateways run and clients are connected, whoever is killed: gone once, clients learn of it, and
 * nothing is left in the registry.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry, Variants } from '../../schema';
import type { RegistryStore } from '../../schema/store/store';
import { amountOf, whole } from '../support/amounts';
import { endAll, eventually, startProcess, startWeir, weirMain } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { serveSubscriptions, type SubscribedServer } from '../support/subscribed-subgraphs';
import {
  overEventStream,
  overWebSocket,
  type Result,
  type Subscriber,
} from '../support/subscription-clients';

const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
const preload = (...names: string[]) => names.flatMap((name) => ['-r', join(__dirname, '../support', name)]);
const hour = 3_600_000;
const author = { by: 'ana' };
const counts = {
  name: 'counts',
  file: 'schema.graphql',
  sdl: 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }',
};
/** Of so many writes, one is the last. */
const step = amountOf('WEIR_WRITE_STEP', 12, 1);

describe.each(registryStoreKinds)('a preview in a registry in %s', (kind, start) => {
  let folder: string;
  let stores: TestRegistryStores;
  let store: RegistryStore;
  let preview: Registry;
  let subgraph: SubscribedServer;
  let open: Subscriber[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-previews-'));
    [stores, subgraph, open] = [await start(), await serveSubscriptions('sse'), []];
    store = await stores.open();
    preview = registryOf('pr-7');
    await registryOf('prod').publish([{ ...counts, routingUrl: subgraph.url }], author);
    writeFileSync(
      join(folder, 'weir.yaml'),
      JSON.stringify({
        supergraph: { registry: stores.location, pollInterval: 100, keep: 'kept.graphql' },
        usage: { interval: 200 },
        subgraphs: { counts: { subscriptions: { protocol: 'sse' } } },
        auth: {
          apiKeys: [
            { client: 'ana', groups: ['staff'], sha256: createHash('sha256').update('ana').digest('hex') },
          ],
          anonymous: true,
        },
        graphs: {
          default: 'shop@prod',
          choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
          allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
        },
      }),
    );
  });
  afterEach(async () => {
    for (const { close } of open) close();
    await endAll();
    await Promise.all([subgraph.stop(), stores.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const registryOf = (variant: string, now = () => Date.now()) =>
    new Registry({ store, variant: { graph: 'shop', variant }, now });
  const begin = (change: object = {}, lifetime = 24 * hour, by = preview) =>
    by.preview([{ ...counts, ...change }], { from: 'shop@prod', lifetime }, author);
  const end = ['publish', '--graph', 'shop@pr-7', '--expires', 'now'];
  const env = () => ({ ...credentials, WEIR_REGISTRY: stores.location });

  async function weir(...command: string[]): Promise<string> {
    const process = startWeir(command, env(), folder);
    const exitCode = await process.exit;
    expect([command, exitCode, process.stderr.replace(/\(node.*Warning.*/s, '')]).toEqual([command, 0, '']);
    return process.stdout;
  }

  /** The same, an hour later: what somebody does who comes along then. */
  async function statusLater(): Promise<string> {
    const command = [...preload('shifted-clock.cjs'), weirMain, 'status', '--graph', 'shop'];
    const process = startProcess(command, { ...env(), CLOCK_AHEAD: String(hour) }, folder);
    expect(await process.exit).toBe(0);
    return process.stdout;
  }

  async function startGateway() {
    const args = ['--config', 'weir.yaml', '--port', '0', '--admin-port', '0', '--log-level', 'info'];
    const process = startWeir(['gateway', ...args], credentials, folder);
    const [, url] = await process.printed(/"url":"([^"]+)"/);
    return { process, url: url! };
  }

  /** What commands and gateways do who come along an hour after the end: nothing is left then. */
  async function expectNothingLater(): Promise<void> {
    await new Variants(store, 'shop', () => Date.now() + hour).deleteExpired();
    expect(await left()).toEqual([]);
  }

  const left = async () => (await stores.keys()).filter((key) => key.includes('pr-7'));
  const call = async (url: string, graph?: string) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'x-api-key': 'ana' },
        ...(graph !== undefined && { 'x-weir-graph': graph }),
      },
      body: '{"query":"{ __typename }"}',
    });
    return [response.status, ((await response.json()) as Result).errors?.[0].extensions.code];
  };
  const subscribe = (over: typeof overWebSocket, url: string, graph?: string) => {
    const headers = { 'x-api-key': 'ana', ...(graph !== undefined && { 'x-weir-graph': graph }) };
    const query = `subscription { count(text: "${graph} ${over.name}") }`;
    const subscriber = over(url, { query }, { headers, sign: () => headers });
    open.push(subscriber);
    return subscriber;
  };
  const expectEnd = async (subscriber: Subscriber) => {
    expect((await subscriber.next()).errors[0].extensions.code).toBe('UNKNOWN_GRAPH');
    await subscriber.ended;
  };
  const expectUse = () => eventually(async () => (await left()).some((key) => key.includes('usage')));

  it.each(['expires', 'is ended'])('that %s is gone for clients, once and whole', async (how) => {
    await begin();
    const { process, url } = await startGateway();
    const subscribed = [overWebSocket, overEventStream].map((over) => subscribe(over, url, 'pr-7'));
    const stays = subscribe(overEventStream, url);
    await eventually(() => subgraph.feeds.length === 3);
    expect(await call(url, 'pr-7')).toEqual([200, undefined]);
    await expectUse();

    if (how === 'is ended') {
      expect(await weir(...end)).toBe('shop@pr-7 has ended, and is deleted with its usage.\n');
      expect(await weir(...end)).toBe('There is no shop@pr-7: nothing to do.\n');
    } else {
      // The gateway deletes it: nobody runs a command, and by the clock of its publisher it has not expired yet.
      const late = registryOf('pr-7', () => Date.now() - hour);
      await begin({ sdl: 'type Query { b: Int }' }, hour + 1, late);
      await eventually(async () =>
        (await left()).every((key) => /(pr-7|\/current[.\d]*|variants\/.*)$/.test(key)),
      );
    }
    await Promise.all(subscribed.map(expectEnd));
    expect(await call(url, 'pr-7')).toEqual([404, 'UNKNOWN_GRAPH']);
    subgraph.feeds.find((feed) => !feed.isLeft)!.send({ data: { count: 1 } });
    expect(await stays.next()).toEqual({ data: { count: 1 } });
    expect(subgraph.feeds.filter((feed) => !feed.isLeft)).toHaveLength(1);

    expect(await weir('status', '--graph', 'shop')).not.toContain('pr-7');
    expect(await process.stop()).toBe(0);
    expect(await statusLater()).not.toContain('pr-7');
    expect(await left()).toEqual([]);
  });

  it('is never served again by a gateway that is killed as it ends', async () => {
    for (const moment of ['once clients know', ...whole('at once', 'once it is closed')]) {
      await begin();
      const killed = await startGateway();
      const subscriber = subscribe(overWebSocket, killed.url, 'pr-7');
      await eventually(() => subgraph.feeds.some((feed) => !feed.isLeft));
      await expectUse();
      await preview.endPreview();
      if (moment === 'once clients know') await expectEnd(subscriber);
      if (moment === 'once it is closed') await killed.process.printed(/a graph is closed/);
      killed.process.signal('SIGKILL');
      await killed.process.exit;
      await subscriber.ended;
      const { process, url } = await startGateway();
      expect(await call(url, 'pr-7')).toEqual([404, 'UNKNOWN_GRAPH']);
      expect(await call(url)).toEqual([200, undefined]);
      await process.stop();
      await expectNothingLater();
    }
  });

  it('is ended by the next command, whichever write was the last of one that was killed', async () => {
    for (let write = 1; ; write += step) {
      await begin();
      await begin({ routingUrl: `http://write${write}.test/` });
      const process = startProcess(
        [...preload('die-at.cjs'), weirMain, ...end],
        { ...env(), DIE_OF: kind === 'files' ? 'files' : 'writes', DIE_AT: String(write), DIE_FROM: 'start' },
        folder,
      );
      const exitCode = await process.exit;
      expect([0, null]).toContain(exitCode);
      await preview.endPreview();
      expect(await preview.current()).toBeUndefined();
      await expectNothingLater();
      if (exitCode === 0) {
        expect(write).toBeGreaterThan(5);
        break;
      }
    }
  }, 600_000);
});
