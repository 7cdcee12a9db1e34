import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyAudit } from '../../gateway/telemetry/audit/verify';
import { startCli } from '../support/run-cli';
import { type Json, sourceOf, startTestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-audit-'));
const all = join(folder, 'all.jsonl');
const renames = join(folder, 'renames.jsonl');
let graph: SmallGraph;
beforeAll(async () => (graph = await startSmallGraph()));
afterAll(async () => {
  await graph.close();
  rmSync(folder, { recursive: true });
});

const linesOf = (file: string): Json[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('records mutations and administrative actions, each once, with what came of them', async () => {
  const source = sourceOf(graph.supergraphSdl);
  const gateway = await startTestGateway({
    supergraph: source,
    admin: { port: 0, token: 'token-of-the-operators' },
    audit: {
      trails: [
        { to: all },
        { to: renames, select: { actions: ['mutation'], coordinates: ['Mutation.ren*'] } },
      ],
      redact: ['name'],
    },
  });
  const rename = 'mutation Rename($id: ID!, $name: String!) { rename(id: $id, name: $name) { name } }';
  const headers = { 'x-request-id': 'request-1' };
  // The second time it is known, and goes another way.
  for (let i = 0; i < 2; i++)
    await gateway.post({ query: rename, variables: { id: 'u1', name: 'Secret' } }, { headers });
  await gateway.query('{ me { name } }');
  graph.accounts.answer = (_, response) => response.writeHead(500).end();
  await gateway.query('mutation { rename(id: "u2", name: "Secret") { name } }');
  graph.accounts.answer = undefined;
  await fetch(`${gateway.adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { authorization: 'Bearer token-of-the-operators', 'content-type': 'application/json' },
    body: JSON.stringify({ tags: ['a'] }),
  });
  source.report(`${graph.supergraphSdl}\n# newer`);
  while (gateway.log.filter(({ msg }) => msg === 'a supergraph is live').length < 2)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await gateway.stop();

  const renamed = {
    action: 'mutation',
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    identity: { mode: 'none' },
    address: '127.0.0.1',
    operation: 'Rename',
    coordinates: ['Mutation.rename'],
    arguments: { rename: { id: 'u1', name: '[redacted]' } },
    outcome: 'ok',
  };
  expect(linesOf(all)).toMatchObject([
    { action: 'supergraph.swap', outcome: 'ok' },
    renamed,
    renamed,
    { action: 'mutation', operation: null, outcome: 'failed', errors: ['SUBREQUEST_HTTP_ERROR'] },
    { action: 'cache.invalidate', outcome: 'ok', details: { tags: ['a'] }, address: '127.0.0.1' },
    {
      action: 'supergraph.swap',
      outcome: 'ok',
      details: { from: expect.any(String), to: expect.any(String) },
    },
  ]);
  expect(linesOf(renames)).toHaveLength(3);
  expect(readFileSync(all, 'utf8')).not.toContain('Secret');
  expect((await verifyAudit([all])).problems).toEqual([]);
});

it('records what a client would hide by an alias or a default, however it sends the mutation', async () => {
  const to = join(folder, 'hidden.jsonl');
  const gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    audit: { trails: [{ to }], redact: ['*token*'] },
  });
  const query = `mutation ($id: ID! = "u${'1'.repeat(300)}") { token: rename(id: $id, name: "Ada") { name } }`;
  // The second time it is known, and goes another way.
  for (let i = 0; i < 2; i++) await gateway.post({ query });
  await gateway.stop();
  const id = expect.stringMatching(/^u1{255}… \(301 characters, SHA-256 [0-9a-f]{64}\)$/);
  expect(linesOf(to).slice(1)).toMatchObject(
    [1, 2].map(() => ({
      coordinates: ['Mutation.rename'],
      arguments: { token: { id, name: 'Ada' } },
    })),
  );
});

it('is checked by `weir audit verify`', async () => {
  const good = await startCli(['audit', 'verify', all]).result;
  expect(good).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^6 records, as they were written/),
  });
  const wrongLast = await startCli(['audit', 'verify', all, '--last', '1234']).result;
  expect(wrongLast.exitCode).toBe(1);
  const includes = (hash: string) => startCli(['audit', 'verify', all, '--includes', hash]).result;
  const second = (JSON.parse(readFileSync(all, 'utf8').split('\n')[1]!) as { hash: string }).hash;
  expect([(await includes(second)).exitCode, (await includes('1234')).exitCode]).toEqual([0, 1]);
  const emptied = join(folder, 'emptied.jsonl');
  writeFileSync(emptied, '');
  expect(await startCli(['audit', 'verify', emptied]).result).toMatchObject({
    exitCode: 1,
    stdout: `${emptied}:1: No record is there: the trail was emptied, or has none yet.\n`,
  });
  const nothingSince = ['audit', 'verify', emptied, '--after', second, '--last', second];
  expect(await startCli(nothingSince).result).toMatchObject({ exitCode: 0 });
  const [first, ...others] = readFileSync(all, 'utf8').split(/(?<=\n)/);
  const shorter = join(folder, 'shorter.jsonl');
  writeFileSync(shorter, others.join(''));
  expect(await startCli(['audit', 'verify', shorter]).result).toMatchObject({
    exitCode: 1,
    stdout: `${shorter}:1: A record is missing before it: in an earlier file, or removed.\n`,
  });
  const after = (JSON.parse(first!) as { hash: string }).hash;
  expect(await startCli(['audit', 'verify', shorter, '--after', after]).result).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/\n5 records, as they were written/),
  });
  expect(await startCli(['audit', 'verify', join(folder, 'missing')]).result).toMatchObject({
    exitCode: 2,
    stderr: `weir: ${join(folder, 'missing')} does not exist.\n`,
  });
});

it('records of a reload that the manifests of operations have changed, where only these have', async () => {
  const to = join(folder, 'manifests.jsonl');
  const manifest = join(folder, 'manifest.json');
  const write = (operations: Record<string, string>) => writeFileSync(manifest, JSON.stringify(operations));
  write({ one: '{ me { id } }' });
  const options = {
    port: 0,
    admin: { port: 0 },
    supergraph: join(folder, 'manifests.graphql'),
    persistedOperations: { manifest },
    audit: { trails: [{ to }] },
  };
  writeFileSync(options.supergraph, graph.supergraphSdl);
  const gateway = await startTestGateway(options);
  expect(await gateway.reload(() => options)).toBeUndefined();
  write({ one: '{ me { name } }' });
  await gateway.reload(() => options);
  await gateway.stop();

  const reloads = linesOf(to).filter(({ action }) => action === 'configuration.reload');
  expect(reloads.map(({ details }) => details)).toEqual([{ changed: ['persistedOperations.manifest'] }]);
});

it('records of a reload what has changed by its name, and no supergraph that stays', async () => {
  const to = join(folder, 'reloads.jsonl');
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, graph.supergraphSdl);
  const options = { port: 0, admin: { port: 0 }, supergraph, audit: { trails: [{ to }] } };
  const gateway = await startTestGateway(options);
  const secret = 'a-secret-that-no-record-may-hold-0123456789';
  await gateway.reload(() => ({
    ...options,
    limits: { depth: 7 },
    privateLinks: { keys: [secret] },
    subgraphs: { reviews: { timeout: '3s' } },
  }));
  await gateway.reload(() => ({ ...options, limits: { depth: 7 } }));
  await expect(gateway.reload(() => ({ ...options, limits: { depth: -1 } }))).rejects.toThrow();
  const other = join(folder, 'other.graphql');
  writeFileSync(other, `${graph.supergraphSdl}\n# other`);
  await gateway.reload(() => ({ ...options, limits: { depth: 7 }, supergraph: other }));
  await gateway.stop();

  const records = linesOf(to).map(({ action, outcome, details }) => ({ action, outcome, details }));
  const id = expect.stringMatching(/^[0-9a-f]+$/);
  expect(records).toEqual([
    { action: 'supergraph.swap', outcome: 'ok', details: { to: id } },
    {
      action: 'configuration.reload',
      outcome: 'ok',
      details: { changed: ['subgraphs.reviews', 'privateLinks.keys', 'limits.depth'] },
    },
    {
      action: 'configuration.reload',
      outcome: 'ok',
      details: { changed: ['subgraphs.reviews', 'privateLinks.keys'] },
    },
    {
      action: 'configuration.reload',
      outcome: 'failed',
      details: { reason: expect.stringContaining('`limits.depth`') },
    },
    { action: 'supergraph.swap', outcome: 'ok', details: { from: id, to: id } },
    { action: 'configuration.reload', outcome: 'ok', details: { changed: ['supergraph.file'] } },
  ]);
  expect(readFileSync(to, 'utf8')).not.toContain(secret);
});

it('refuses to start when a trail cannot be written', async () => {
  await expect(
    startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      audit: { trails: [{ to: join(folder, 'none', 'audit.jsonl') }] },
    }),
  ).rejects.toThrow(/`audit\.trails\.0\.to` names .*, which cannot be written: its folder does not exist\./);
});
