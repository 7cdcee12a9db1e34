/** Answers of mutations that wait for the archive: subgraphs, the archive and a gateway over real sockets. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveEvents } from '../../gateway/events/archive/archive';
import { toKey } from '../../gateway/subgraph-calls/signers/link-keys';
import { signPrivateLink } from '../../gateway/subgraph-calls/signers/private-link';
import {
  createOnce,
  type Database,
  defineEvent,
  defineSubgraph,
  defineTable,
  type EmbeddedDynamoDB,
  idOf,
  openEmbeddedDynamoDB,
  startSubgraph,
  type WithOutbox,
  type WithRequests,
} from '../../kit';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { type Answer, send, signerOf } from '../support/shop';
import { compose } from '../support/small-graph';
import { temporaryFolder } from '../support/subgraph-kit';

interface Note extends WithOutbox, WithRequests {
  readonly id: string;
  readonly text: string;
}

const NoteWritten = defineEvent({ type: 'NoteWritten', data: z.object({ text: z.string() }) });
const typeDefs = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type Query { note(id: ID!): Note }
  type Mutation { write(key: String!, text: String!): Note }
  type Note @key(fields: "id") { id: ID! text: String }
`;
const linkKey = 'k'.repeat(64);
/** Longer than any archive here needs. */
const ample = 30_000;

const folder = temporaryFolder();
const schema = folder.write('schema.graphql', typeDefs);
const closing: (() => unknown)[] = [];
let dynamodb: EmbeddedDynamoDB;
let tables = 0;

beforeAll(async () => (dynamodb = await openEmbeddedDynamoDB()));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await dynamodb.stop();
  folder.remove();
});

/** Two processes of a subgraph of its own, as far as another can tell, whose answers wait as long as is said. */
async function start(...waits: readonly number[]) {
  const name = `notes${++tables}`;
  const notes = defineTable<Note>()({ name, partitionKey: 'id', outbox: true });
  const subgraph = defineSubgraph<{ readonly db: Database }>({
    ...{ name, schema, tables: [notes] },
    context: ({ db }) => ({ db }),
    resolvers: {
      Query: {
        note: (_: unknown, key: { id: string }, { db }) => db.table(notes).get(key, { consistent: true }),
      },
      Mutation: {
        write: async (_: unknown, { key, text }: { key: string; text: string }, { db }) => {
          const request = { key, scope: 's', input: text };
          const item = { id: idOf('n', request), text };
          const events = [NoteWritten.create({ text })];
          return (await createOnce(db.table(notes), request, item, { events })).result;
        },
      },
    },
  });
  const urls: string[] = [];
  for (const archiveWait of waits) {
    const { url, stop } = await startSubgraph(subgraph, {
      ...{ port: 0, archiveWait, logLevel: 'silent', link: { keys: [linkKey] }, development: true },
      database: { kind: 'endpoint', endpoint: dynamodb.endpoint },
    });
    closing.push(stop);
    urls.push(url);
  }
  const write = (url: string, key: string) =>
    send(
      url,
      { query: 'mutation ($key: String!) { write(key: $key, text: $key) { id text } }', variables: { key } },
      signerOf(name, linkKey),
    );
  return { name, urls, write };
}

const signerFor = (subgraph: string) => signPrivateLink({ subgraph, key: () => toKey(linkKey) });

/** Archives the events of a subgraph. The function that it returns gives the texts of all notes in the archive. */
function archive(name: string, url: string): () => string[] {
  const trail = join(folder.path, name, 'trail.jsonl');
  mkdirSync(join(folder.path, name), { recursive: true });
  const stopping = new AbortController();
  const running = archiveEvents({
    ...{ source: name, url, trail, signer: signerFor(name), signal: stopping.signal, pause: 10 },
    onChange: () => undefined,
  });
  closing.push(async () => {
    stopping.abort();
    await running;
  });
  return () =>
    readFileSync(trail, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).details.event.data.text);
}

const late = [{ message: expect.stringContaining('not archived yet'), extensions: { code: 'NOT_ARCHIVED' } }];

it('answers a mutation when the archive has its event, also in a process that is not told so', async () => {
  const { name, urls, write } = await start(ample, ample);
  const archived = archive(name, urls[0]!);
  for (const url of urls) {
    const keys = Array.from({ length: 5 }, (_, i) => `${urls.indexOf(url)}-${i}`);
    await Promise.all(
      keys.map(async (key) => {
        const { data, errors } = await write(url, key);
        expect(archived()).toContain(key);
        expect(errors).toBeUndefined();
        expect(data.write.text).toBe(key);
      }),
    );
  }
});

it('says so where the archive is late, and answers a repeat when it has caught up', async () => {
  const { name, urls, write } = await start(100, ample);
  const [impatient, patient] = urls as [string, string];
  const first = await write(impatient, 'a');
  expect(first).toMatchObject({ data: { write: { text: 'a' } }, errors: late });
  expect(await write(impatient, 'a')).toMatchObject({ data: first.data, errors: late });
  const query = { query: 'query ($id: ID!) { note(id: $id) { text } }', variables: first.data.write };
  const read = await send(impatient, query, signerOf(name, linkKey));
  expect(read.data).toEqual({ note: { text: 'a' } });
  expect(read.errors).toBeUndefined();

  const repeated = write(patient, 'a');
  const archived = archive(name, patient);
  const { data, errors } = await repeated;
  expect({ data, errors }).toEqual({ data: first.data, errors: undefined });
  expect(archived()).toEqual(['a']);
});

it('believes nobody without the key, and no position that its log has not given', async () => {
  const { name, urls, write } = await start(100);
  const [url] = urls as [string];
  await write(url, 'a');
  const request = (method: 'GET' | 'POST', path: string, body?: string, isSigned = true) => {
    const at = new URL(path, url);
    const caller = { headers: {}, signedIdentity: undefined };
    const signed = signerFor(name).sign({ method, url: at, body: Buffer.from(body ?? ''), caller });
    const pairs = signed.flatMap((each, i) => (i % 2 === 0 ? [[each, signed[i + 1]!]] : []));
    const headers = { 'content-type': 'application/json', ...(isSigned && Object.fromEntries(pairs)) };
    return fetch(at, { method, headers, ...(body !== undefined && { body }) });
  };
  const post = (position: string, isSigned?: boolean) =>
    request('POST', '/events/archived', JSON.stringify({ position }), isSigned);
  expect((await post('0123456789ab-1')).status).toBe(400);
  const events = await request('GET', '/events?after=');
  const reader = events.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const [, position] = /^id: (\S+)/m.exec(Buffer.from(value ?? []).toString())!;
  expect(events.headers.get('weir-acknowledge')).toBe('archived');
  expect((await post(position!.replace(/\d+$/, '99'))).status).toBe(400);
  expect((await post(position!, false)).status).toBe(401);
  expect((await write(url, 'a')).errors).toEqual(late);
  expect((await post(position!)).status).toBe(200);
  expect((await write(url, 'a')).errors).toBeUndefined();
});

it('reaches clients of a gateway with the data', async () => {
  const { name, urls } = await start(100);
  const file = `${name}-supergraph.graphql`;
  const supergraph = folder.write(file, compose([{ name, url: urls[0]!, typeDefs }]));
  const gateway: TestGateway = await startTestGateway({
    ...{ supergraph, port: 0, privateLinks: { keys: [linkKey] } },
  });
  closing.push(() => gateway.stop());
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"mutation { write(key: \\"g\\", text: \\"g\\") { text } }"}',
  });
  const { data, errors } = (await response.json()) as Answer;
  expect(data).toEqual({ write: { text: 'g' } });
  expect(errors).toMatchObject([{ extensions: { code: 'NOT_ARCHIVED' } }]);
});
