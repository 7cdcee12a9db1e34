import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPackage } from '../support/installed-package';
import { endAll, eventually, startShell } from '../support/process';

const run = promisify(execFile);
const root = join(__dirname, '../..');
const checkout = mkdtempSync(join(tmpdir(), 'weir-entries-'));
const gateway = join(checkout, 'gateways/weir');
const supergraph = readFileSync(join(root, 'schema/supergraph.graphql'));

/** A stand-in for the checkout of a public table: what our entries use of it. */
beforeAll(() => {
  const other = join(checkout, 'gateways/other');
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, 'supergraph.graphql'), supergraph);
  writeFileSync(join(checkout, 'config.toml'), '[gateways.other]\n');
  // So that npm has nothing to fetch.
  mkdirSync(join(gateway, 'package'), { recursive: true });
  installPackage(join(gateway, 'package'), []);
});

afterAll(async () => {
  await endAll();
  rmSync(checkout, { recursive: true, force: true });
});

const lay = (...args: string[]) =>
  run(process.execPath, [join(root, 'bench/entries/install-into.mjs'), ...args], {
    env: { ...process.env, npm_config_offline: 'true' },
  });

const tarball = (): string =>
  join(
    gateway,
    'package',
    readdirSync(join(gateway, 'package')).find((name) => name.endsWith('.tgz'))!,
  );

/** Starts the entry as the checkout does, but at a free port, and asks for what the checkout waits for. */
async function answersOf(line: string): Promise<unknown[]> {
  const urlFile = join(checkout, 'url');
  const started = startShell(`WEIR_PORT=0 WEIR_URL_FILE=${urlFile} exec ${line}`, gateway);
  let url = '';
  await eventually(() => (url = readFileSync(urlFile, { encoding: 'utf8', flag: 'a+' }).trim()) !== '');
  const { health } = JSON.parse(readFileSync(join(root, 'bench/entries/audit/gateway.json'), 'utf8')) as {
    readonly health: string;
  };
  const ready = await fetch(new URL(new URL(health).pathname, url));
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ __typename __schema { queryType { name } } }"}',
  });
  const answers = [ready.status, await answer.json()];
  started.signal('SIGTERM');
  return [...answers, await started.exit];
}
const expected = [200, { data: { __typename: 'Query', __schema: { queryType: { name: 'Query' } } } }, 0];

it('lays Weir into the audit, which starts it with the supergraph of a suite', async () => {
  await lay('audit', checkout, '--no-run', '--package', tarball());
  const served: (string | undefined)[] = [];
  const audit = createServer(({ url }, response) => {
    served.push(url);
    response.end(supergraph);
  }).listen(0, '127.0.0.1');
  await once(audit, 'listening');
  const { port } = audit.address() as AddressInfo;
  expect(await answersOf(`env AUDIT_URL=http://127.0.0.1:${port} sh ./run.sh simple-entity-call`)).toEqual(
    expected,
  );
  audit.closeAllConnections();
  audit.close();
  expect(served).toContain('/simple-entity-call/supergraph');
});

it('lays Weir into the benchmark of Hive, with the supergraph of another gateway', async () => {
  await lay('hive-benchmark', checkout, '--no-run', '--package', tarball());
  expect(await answersOf('./run.sh')).toEqual(expected);
});

it('lays Weir into the benchmark of Grafbase, once', async () => {
  for (let round = 0; round < 2; round++) await lay('grafbase-benchmark', checkout, '--no-run');
  expect(readFileSync(join(checkout, 'config.toml'), 'utf8').match(/^\[gateways\.\w+\]$/gm)).toEqual([
    '[gateways.other]',
    '[gateways.weir]',
  ]);
});

it.each([
  [['adit', checkout], 'ENTRY must be one of audit, hive-benchmark, grafbase-benchmark, but got: adit.'],
  [['audit', root], `CHECKOUT must have a folder \`gateways\`, but ${root} has none.`],
  [['audit', checkout, '--package', '$(x)'], '--package must be a path, a URL or a name, but got: $(x).'],
])('refuses %j', async (args, message) => {
  await expect(lay(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});
