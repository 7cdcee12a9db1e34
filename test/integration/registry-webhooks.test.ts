/** The webhooks of a registry (gateway/supergraph/webhooks/): real receivers, and processes that are killed. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { Registry, type RegistryStore } from '../../schema';
import { bundle } from '../support/bundled';
import { examplesOf } from '../support/documentation';
import { endAll, eventually, startProcess, type WeirProcess } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startCli } from '../support/run-cli';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { temporaryFolder } from '../support/subgraph-kit';

const folder = temporaryFolder();
const deliverer = join(folder.path, 'killed-webhooks.js');
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const variant = { graph: 'shop', variant: 'prod' };
const [, startStores] = registryStoreKinds.find(([kind]) => kind === 'files')!;

let stores: TestRegistryStores;
let registry: Registry;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let gateway: TestGateway | undefined;

beforeAll(() => bundle(deliverer, { entryPoints: [join(__dirname, '../support/killed-webhooks.ts')] }));
beforeEach(async () => {
  stores = await startStores();
  registry = new Registry({ store: await stores.open(), variant });
  receiver = await startReceiver();
});
afterEach(async () => {
  await gateway?.stop();
  await endAll();
  await receiver.close();
  await stores.close();
});
afterAll(() => folder.remove());

/** A receiver that takes everything, unless the test has it answer otherwise. */
async function startReceiver() {
  const accepted: number[] = [];
  const state = { answer: undefined as ((response: ServerResponse, version: number) => void) | undefined };
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { version: number } };
      if (state.answer !== undefined) state.answer(response, data.version);
      else {
        accepted.push(data.version);
        response.writeHead(204).end();
      }
    });
  });
  const listen = (port: number) =>
    new Promise<number>((resolve) =>
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  const port = await listen(0);
  return Object.assign(state, {
    ...{ url: `http://127.0.0.1:${port}/weir`, accepted, close },
    up: () => listen(port),
    requests: () => requests,
  });
}

const publish = (name: string, sdl = `type Query { ${name}: Int }`, to = registry) =>
  to.publish([{ name, sdl, file: name, routingUrl: 'http://any.test/' }], { by: 'ana' });

/** Resolves when it has seen the registry: the next version is its first event. */
async function startDeliverer(): Promise<WeirProcess> {
  const started = startProcess([deliverer, stores.location, receiver.url, secret]);
  await eventually(async () => (await registry.webhooks.get('deploys')) !== undefined);
  return started;
}

it('deliver each event in order to a receiver that is down, slow, failing, and then up again', async () => {
  const deliveries = await startDeliverer();
  await receiver.close();
  await publish('a');
  await publish('a', 'type Query {');
  await deliveries.printed(/ECONNREFUSED/);

  receiver.answer = (response) => void setTimeout(() => response.writeHead(204).end(), 2_000);
  await receiver.up();
  await deliveries.printed(/no answer within 500 ms/);
  receiver.answer = (response) => void response.writeHead(500).end();
  await deliveries.printed(/HTTP status 500/);
  await registry.rollback({ subgraph: 'a' }, { by: 'ana' }).catch(() => publish('b'));
  expect(receiver.accepted).toEqual([]);

  receiver.answer = undefined;
  await eventually(() => receiver.accepted.length >= 3);
  expect(receiver.accepted).toEqual([1, 2, 3]);
});

it('lose no event and no order where each process is killed while it sends', async () => {
  await startDeliverer();
  await endAll();
  const versions = 3;
  for (let i = 1; i <= versions; i++) await publish(`team${i}`);
  // Each version kills who sends it once: before it is answered, or after.
  const killed = new Set<number>();
  let child: WeirProcess | undefined;
  receiver.answer = (response, version) => {
    const isKilled = killed.has(version);
    killed.add(version);
    if (isKilled || version % 2 === 0) {
      receiver.accepted.push(version);
      response.writeHead(204).end();
    }
    if (!isKilled) child!.signal('SIGKILL');
  };
  while (killed.size < versions) {
    child = startProcess([deliverer, stores.location, receiver.url, secret]);
    expect(await child.exit).toBeNull();
  }
  startProcess([deliverer, stores.location, receiver.url, secret]);
  await eventually(async () => (await registry.webhooks.get('deploys'))?.cursor.delivered === versions);
  const { accepted } = receiver;
  expect([...new Set(accepted)]).toEqual(Array.from({ length: versions }, (_, index) => index + 1));
  expect(accepted).toEqual(accepted.toSorted((a, b) => a - b));
});

it('cost a publish nothing: it makes no request, and reads and writes the same', async () => {
  const commandsIn = async (name: string, hasWebhook: boolean): Promise<string[]> => {
    const commands: string[] = [];
    const store = await stores.open();
    const note = (command: string, partition: string) =>
      commands.push(`${command} ${partition.replace(name, 'NAME').replace(/[0-9a-f]{64}/, 'HASH')}`);
    const counting: RegistryStore = {
      ...store,
      get: (key) => (note('get', key.partition), store.get(key)),
      list: (partition, options) => (note('list', partition), store.list(partition, options)),
      put: (key, ...rest) => (note('put', key.partition), store.put(key, ...rest)),
    };
    const changed = new Registry({ store: counting, variant: { graph: 'shop', variant: name } });
    if (hasWebhook)
      await changed.webhooks.put('deploys', { delivered: 0, attempts: 7, by: 'x', isSending: true }, 0);
    commands.length = 0;
    await publish('a', `type Query { ${name}: Int }`, changed);
    await publish('a', `type Query { ${name}s: Int }`, changed);
    await changed.rollback({}, { by: 'ana' });
    return commands.sort();
  };
  expect(await commandsIn('prod', true)).toEqual(await commandsIn('dev', false));
  expect(receiver.requests()).toBe(0);
});

it('are in `weir status`: what waits for a receiver that fails, and why', async () => {
  receiver.answer = (response) => void response.writeHead(500).end();
  gateway = await startTestGateway({
    supergraph: {
      ...{ registry: stores.location, graph: 'shop@prod', keep: join(folder.path, 'kept.graphql') },
      webhooks: { deploys: { url: `${receiver.url}?token=hidden`, secrets: [secret] } },
    },
  });
  await eventually(async () => (await registry.webhooks.get('deploys')) !== undefined);
  for (const name of ['a', 'b']) await publish(name);
  const status = () => startCli(['status', '--registry', stores.location, '--graph', 'shop@prod']).result;
  await eventually(async () => /last failure .*: HTTP status 500\n/.test((await status()).stdout));
  const { exitCode, stdout } = await status();
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    `  deploys  ${new URL(receiver.url).origin}\n    waiting        2 events, since version 1 of`,
  );
  expect(stdout).not.toMatch(/hidden|\/weir/);

  receiver.answer = undefined;
  await eventually(async () =>
    /waiting +0 events\n +last delivery +version 2 /.test((await status()).stdout),
  );
});

it('reach the receiver in docs/webhooks.md as a reader would start it', async () => {
  const example = examplesOf('docs/webhooks.md').find(({ file }) => file === 'receiver.mjs')!;
  const file = join(folder.path, 'receiver.mjs');
  writeFileSync(file, example.text);
  const started = startProcess([file], { WEBHOOK_SECRET: secret, PORT: '0' });
  const [, port] = await started.printed(/port: (\d+)/);
  const url = `http://127.0.0.1:${port}/`;

  gateway = await startTestGateway({
    supergraph: {
      ...{ registry: stores.location, graph: 'shop@prod', keep: join(folder.path, 'kept.graphql') },
      webhooks: { deploys: { url, secrets: [secret] } },
    },
  });
  await eventually(async () => (await registry.webhooks.get('deploys')) !== undefined);
  await publish('a');
  await publish('a', 'type Query { a: Nowhere }');
  await publish('a', 'type Query { b: Int }');
  await registry.rollback({}, { by: 'zoë' });
  await started.printed(/version.rolled_back shop@prod 4 by zoë/);
  expect(started.stdout.split('\n').slice(-5)).toEqual([
    'version.published shop@prod 1 by ana ',
    expect.stringMatching(/^version.rejected shop@prod 2 by ana .*Nowhere/),
    'version.published shop@prod 3 by ana ',
    'version.rolled_back shop@prod 4 by zoë ',
    '',
  ]);
  await eventually(async () =>
    /^weir_registry_webhooks_total\{webhook="deploys",result="delivered"\} 4$/m.test(
      await gateway!.metrics(),
    ),
  );
  await gateway.stop();
  expect(JSON.stringify(gateway.log)).not.toContain(secret.slice('whsec_'.length));

  const forged = await fetch(url, {
    method: 'POST',
    headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' },
    body: '{}',
  });
  expect(forged.status).toBe(401);
  expect(started.stderr).toBe('');
});
