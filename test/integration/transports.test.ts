/** What holds over HTTP holds over each other protocol: the same steps, and the same sentences. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiSchemaOf, readUsage, Registry } from '../../schema';
import { refusedDocuments } from '../support/attack-documents';
import { registryStoreKinds } from '../support/registry-stores';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import {
  type Outcome,
  overHttp,
  type Transport,
  transports,
  webSocketTransports,
} from '../support/transports';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const folder = mkdtempSync(join(tmpdir(), 'weir-transports-'));
const trail = join(folder, 'audit.jsonl');
const manifest = join(folder, 'manifest.json');
writeFileSync(manifest, JSON.stringify({ known: '{ me { name } }' }));

let graph: SmallGraph;
/** Open to all. */
let open: TestGateway;
/** With a safelist, a rate, and no anonymous callers. */
let strict: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  open = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl) });
  const clients = ['unsafe', 'busy'].flatMap((kind) => [kind, ...transports.map((_, i) => `${kind}-${i}`)]);
  strict = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    persistedOperations: { manifest, mode: 'reject' },
    auth: { apiKeys: clients.map((client) => ({ client, sha256: sha256(client) })), anonymous: false },
    rates: [{ name: 'plan', per: 'client', limit: 1, window: 'month' }],
  });
});
afterAll(async () => {
  await Promise.all([open.stop(), strict.stop()]);
  await graph.close();
  rmSync(folder, { recursive: true });
});

const mark = 'u66';
const reached = (): boolean => JSON.stringify(graph.accounts.requests.map(({ body }) => body)).includes(mark);

/** AppSync's protocol has types of errors in place of codes. */
function typeOf({ error }: Outcome, name: string): Json {
  const { code } = error!;
  if (!name.startsWith('AppSync')) return { code };
  return { errorType: code === 'RATE_LIMITED' ? 'LimitExceededError' : 'BadRequestException' };
}

const like = (outcome: Outcome, name: string): Json => ({
  message: outcome.error!.message,
  ...typeOf(outcome, name),
});

const find = 'query ($id: ID!) { user(id: $id) { id } }';
const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown;

describe.each(transports)('over $name', ({ name, ask }) => {
  it.each<[string, Json, string]>([
    ['that does not parse', { query: '{ me {' }, 'GRAPHQL_PARSE_FAILED'],
    ['with an unknown field', { query: '{ me { name: nome } }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['without a variable', { query: find }, 'BAD_USER_INPUT'],
    ['with a deep variable', { query: find, variables: { id: mark, x: deep } }, 'BAD_USER_INPUT'],
    [
      'with the name of another',
      { query: 'query A { me { id } }', operationName: 'B' },
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'by an unknown hash',
      { extensions: { persistedQuery: { version: 1, sha256Hash: sha256('?') } } },
      'PERSISTED_QUERY_NOT_FOUND',
    ],
  ])('an operation %s is refused as over HTTP', async (_, operation, code) => {
    const expected = await overHttp.ask(open.url, operation);
    expect(expected.error!.code).toBe(code);
    // It may be learned now, and is refused nevertheless.
    for (let time = 0; time < 2; time++)
      expect((await ask(open.url, operation)).error).toEqual(like(expected, name));
    expect(reached()).toBe(false);
  });
});

it.each<[string, string, string, string]>([
  ['an operation that the safelist does not have', '{ me { id } }', 'unsafe', 'QUERY_NOT_IN_SAFELIST'],
  ['an operation beyond a rate', '{ me { name } }', 'busy', 'RATE_LIMITED'],
  ['a wrong API key', '{ me { name } }', 'wrong', 'UNAUTHENTICATED'],
])('%s is refused with the same sentence everywhere', async (_, query, kind, code) => {
  const refused = async ({ ask }: Transport, key: string): Promise<Outcome> => {
    const headers = { 'x-api-key': key };
    if (kind === 'busy')
      expect(await ask(strict.url, { query }, headers)).toEqual({ data: { me: { name: 'Ada' } } });
    return ask(strict.url, { query }, headers);
  };
  const expected = await refused(overHttp, kind);
  expect(expected.error!.code).toBe(code);
  const withoutTime = (text: string): string => text.replace(/Ask again in \d+ s/, 'Ask again later');
  for (const [i, transport] of transports.entries()) {
    const { name } = transport;
    const { error, closed } = await refused(transport, kind === 'wrong' ? kind : `${kind}-${i}`);
    expect([name, withoutTime(error!.message)]).toEqual([name, withoutTime(expected.error!.message)]);
    if (closed === undefined) expect(error).toMatchObject(typeOf(expected, name));
    else expect(closed).toBe(4401);
  }
});

it.each(webSocketTransports)(
  'over $name each document that attacks is refused as over HTTP',
  async (over) => {
    for (const [what, query, code] of refusedDocuments) {
      const expected = await overHttp.ask(open.url, { query });
      expect([what, expected.error!.code]).toEqual([what, code]);
      const { error } = await over.ask(open.url, { query });
      expect([what, error]).toEqual([what, like(expected, over.name)]);
    }
    expect(reached()).toBe(false);
  },
);

it('each operation counts, is logged and is audited as over HTTP', async () => {
  const stores = await registryStoreKinds[0]![1]();
  const registry = new Registry({ store: await stores.open(), variant: { graph: 'shop', variant: 'prod' } });
  const changes = [graph.accounts, graph.reviews].map(({ name, url, typeDefs }) => ({
    ...{ name, routingUrl: url, sdl: typeDefs, file: name },
  }));
  await registry.publish(changes, { by: 'ana' });
  const gateway = await startTestGateway({
    supergraph: { registry: stores.location, graph: 'shop@prod', keep: join(folder, 'kept') },
    auth: { apiKeys: [{ client: 'app', sha256: sha256('app') }], anonymous: false },
    audit: { trails: [{ to: trail }] },
  });
  const query = 'mutation Rename { rename(id: "u1", name: "Eve") { name } }';
  // A GET runs no mutation.
  const all = [overHttp, ...transports].filter(({ name }) => !name.startsWith('GET'));
  for (const [i, { ask }] of all.entries()) {
    const headers = { 'x-api-key': 'app', 'apollographql-client-name': `c${i}` };
    expect(await ask(gateway.url, { query }, headers)).toEqual({ data: { rename: { name: 'Eve' } } });
  }
  await gateway.stop();

  const logged = gateway.log.filter(({ operationType }) => operationType === 'mutation');
  expect(logged.map(({ client }) => client)).toEqual(all.map((_, i) => `c${i}`));
  const [first, ...others] = logged.map(({ method, path, status, operation, operationId, calls }) => ({
    ...{ method, path, status, operation, operationId, calls },
  }));
  for (const other of others) expect(other).toEqual(first);

  const trailed = readFileSync(trail, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Json => JSON.parse(line));
  const mutations = trailed.filter(({ action }) => action === 'mutation');
  expect(mutations).toHaveLength(all.length);
  const [record, ...records] = mutations.map(
    ({ address, identity, operation, coordinates, arguments: args, outcome }) => ({
      ...{ address, identity, operation, coordinates, arguments: args, outcome },
    }),
  );
  for (const other of records) expect(other).toEqual(record);

  const schema = apiSchemaOf(await registry.supergraph(await registry.newest()));
  const usage = await readUsage(registry.usage, { since: new Date(Date.now() - 86_400_000), schema });
  const [{ clients }] = usage.using(['Mutation.rename']) as Json;
  expect(clients.map(({ client, requests }: Json) => [client, requests]).sort()).toEqual(
    all.map((_, i) => [`c${i}`, 1]),
  );
  await stores.close();
});
