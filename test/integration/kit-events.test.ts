import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import {
  defineEvent,
  defineSubgraph,
  defineTable,
  openEmbeddedDynamoDB,
  startSubgraph,
  type Database,
  type EmbeddedDynamoDB,
  type Resolvers,
  type RunningSubgraph,
  type Settings,
} from '../../kit';
import { openLinkKeys } from '../../kit/identity/link-keys';
import { signRequest } from '../../kit/identity/private-link';
import { readEvents, type EventReader } from '../support/event-reader';
import { openDatabaseOn, temporaryFolder } from '../support/subgraph-kit';

const folder = temporaryFolder();
const schema = folder.write(
  'parcels.graphql',
  'type Query { one: Int }  type Mutation { moveParcel(id: ID!, to: String!, how: String): ID }',
);

const Moved = defineEvent({ type: 'Moved', data: z.object({ to: z.string() }) });
const Lost = defineEvent({ type: 'Lost', version: 3, data: z.object({ to: z.string() }) });

interface Parcel {
  readonly id: string;
  readonly place?: string;
}
const parcelsTable = defineTable<Parcel>()({ name: 'parcels', partitionKey: 'id', outbox: true });

interface Context {
  readonly db: Database;
}
const resolvers: Resolvers<Context> = {
  Mutation: {
    async moveParcel(_: unknown, { id, to, how }: { id: string; to: string; how?: string }, { db }) {
      const event = how === 'lost' ? Lost : Moved;
      const change = { set: { place: to }, upsert: true, events: [event.create({ to })] };
      await db.table(parcelsTable).update({ id }, change);
      return id;
    },
  },
};
const parcels = defineSubgraph({
  ...{ name: 'parcels', schema, resolvers, tables: [parcelsTable] },
  context: ({ db }): Context => ({ db }),
});

let dynamodb: EmbeddedDynamoDB;
let shared: RunningSubgraph;
const running: { stop(): Promise<void> }[] = [];
const readers: EventReader[] = [];
beforeAll(async () => {
  dynamodb = await openEmbeddedDynamoDB();
  shared = await startSubgraph(parcels, settings());
});
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close();
  await Promise.all(running.splice(0).map((each) => each.stop()));
});
afterAll(async () => {
  await shared.stop();
  await dynamodb.stop();
  folder.remove();
});

const settings = (more: Settings = {}): Settings => ({
  ...{ port: 0, logLevel: 'silent', database: { kind: 'endpoint', endpoint: dynamodb.endpoint } },
  ...more,
});

/** Another process of the subgraph, over the same tables. */
async function start(more: Settings = {}): Promise<RunningSubgraph> {
  const subgraph = await startSubgraph(parcels, settings(more));
  running.push(subgraph);
  return subgraph;
}

async function read(query = '', headers = {}, url = shared.url): Promise<EventReader> {
  const reader = await readEvents(url, query, headers);
  readers.push(reader);
  return reader;
}

const trace = { 'x-request-id': 'the-request', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };

async function move(id: string, to: string, { how = '', url = shared.url } = {}): Promise<void> {
  const query = 'mutation ($id: ID!, $to: String!, $how: String) { moveParcel(id: $id, to: $to, how: $how) }';
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...trace },
    body: JSON.stringify({ query, variables: { id, to, how } }),
  });
  expect(await response.json()).toEqual({ data: { moveParcel: id } });
}

/** Resolves when the event is in the log, which may be after the mutation was answered. */
async function moveAndWait(id: string, to: string): Promise<void> {
  const reader = await read();
  await reader.end();
  await move(id, to);
  await reader.take(1);
}

let ids = 0;
const newId = () => `parcel${ids++}`;

describe('GET /events', () => {
  it('sends the events that happen from now on, each as a CloudEvent', async () => {
    const id = newId();
    await moveAndWait(id, 'before');
    const reader = await read();
    await reader.end();
    await move(id, 'x');
    const [event] = await reader.take(1);
    expect(event).toEqual({
      ...{ specversion: '1.0', source: 'parcels', type: 'Moved', dataversion: 1, subject: id, sequence: 2 },
      id: expect.any(String) as string,
      time: expect.any(String) as string,
      data: { to: 'x' },
      correlationid: 'the-request',
      traceparent: trace.traceparent,
    });
  });

  it('sends all events from the beginning, and goes on behind a position', async () => {
    const id = newId();
    await moveAndWait(id, 'a');
    await moveAndWait(id, 'b');
    const reader = await read('?after=');
    const position = await reader.end();
    await move(id, 'c');
    const resumed = await read(`?after=${position}`);
    expect((await resumed.take(1))[0]).toMatchObject({ subject: id, data: { to: 'c' } });
    const again = await read('?after=', { 'last-event-id': position });
    expect((await again.take(1))[0]).toMatchObject({ subject: id, data: { to: 'c' } });
  });

  it('sends the types that are asked for, and tells the position of the others', async () => {
    const id = newId();
    const reader = await read('?types=Lost,Found');
    const before = await reader.end();
    await move(id, 'a');
    await move(id, 'b', { how: 'lost' });
    expect(await reader.take(1)).toMatchObject([{ type: 'Lost', dataversion: 3, data: { to: 'b' } }]);
    await move(id, 'c');
    let position = before;
    while ((await (await read(`?after=${position}`)).end()) !== position) position = await reader.end();
    expect(position).not.toBe(before);
  });

  it('begins with the events of a time', async () => {
    const id = newId();
    await moveAndWait(id, 'before');
    await sleep(2);
    const from = new Date().toISOString();
    await move(id, 'x');
    const reader = await read(`?from=${encodeURIComponent(from)}`);
    expect((await reader.take(1))[0]!.data).toEqual({ to: 'x' });
  });

  it.each([
    [
      '?after=x',
      410,
      'The position "x" is not one of the events of parcels: begin without one, or at the beginning.',
    ],
    ['?aftr=', 400, 'There is no parameter "aftr", only `after`, `from` and `types`.'],
    ['?after=&after=', 400, '`after` may be given once.'],
    [
      '?after=&from=2026-01-01T00:00:00Z',
      400,
      'Only one of `after`, a position, and `from`, a time, may be given.',
    ],
    ['?from=yesterday', 400, '`from` must be a time as ISO 8601 has it, such as 2026-01-31T12:00:00Z.'],
    [
      '?from=2026-99-01T00:00:00Z',
      400,
      '`from` must be a time as ISO 8601 has it, such as 2026-01-31T12:00:00Z.',
    ],
    ['?types=', 400, '`types` must be 1 to 100 types of events, with commas between them.'],
    ['?types=a%20b', 400, '`types` must be 1 to 100 types of events, with commas between them.'],
    [
      `?types=${'a,'.repeat(100)}a`,
      400,
      '`types` must be 1 to 100 types of events, with commas between them.',
    ],
  ])('refuses %s', async (query, status, message) => {
    const { status: answered, body } = await read(query);
    const code = status === 410 ? 'UNKNOWN_POSITION' : 'BAD_REQUEST';
    expect({ status: answered, body: JSON.parse(body) as unknown }).toEqual({
      status,
      body: { errors: [{ message, extensions: { code } }] },
    });
  });

  it('is for those who sign for this subgraph, where there is a private link', async () => {
    const secret = 'the-secret-of-gateway-and-parcels';
    const { url } = await start({ link: { keys: [secret] } });
    const keys = openLinkKeys({ keys: [secret] }, () => undefined);
    const sign = (subgraph: string, body = '', query = '') =>
      signRequest({
        ...{ key: keys.current[0]!, subgraph, body, caller: null },
        read: new URL(`/events${query}`, url),
      });
    expect((await read('', {}, url)).status).toBe(401);
    expect((await read('', sign('orders'), url)).status).toBe(401);
    expect((await read('', sign('parcels', 'a body'), url)).status).toBe(401);
    expect((await read('', sign('parcels'), url)).status).toBe(200);
    // Who has seen one request cannot read other events with its signature.
    expect((await read('?after=', sign('parcels'), url)).status).toBe(401);
    expect((await read('?after=', sign('parcels', '', '?types=Moved'), url)).status).toBe(401);
    expect((await read('?after=', sign('parcels', '', '?after='), url)).status).toBe(200);
    keys.close();
  });

  it('says with each heartbeat that it is still at the end', async () => {
    const { url } = await start({ eventStreams: { heartbeat: 20 } });
    const reader = await read('', {}, url);
    const position = await reader.end();
    for (let beat = 0; beat < 3; beat++) expect(await reader.end()).toBe(position);
  });

  it('sends what another process of the subgraph has written', async () => {
    const other = await start();
    const reader = await read('', {}, other.url);
    await reader.end();
    const id = newId();
    await move(id, 'x');
    expect((await reader.take(1))[0]!.subject).toBe(id);
  });

  it('relays what a process has left in an outbox that was killed', async () => {
    const killed = await openDatabaseOn({ kind: 'endpoint', endpoint: dynamodb.endpoint }, parcelsTable);
    const reader = await read();
    await reader.end();
    const id = newId();
    await killed.db.table(parcelsTable).create({ id }, { events: [Moved.create({ to: 'x' })] });
    await killed.stop();
    await start();
    expect((await reader.take(1))[0]!.subject).toBe(id);
  });

  it('refuses readers beyond its limit', async () => {
    const { url } = await start({ eventStreams: { limit: 1 } });
    const first = await read('', {}, url);
    const refused = await read('', {}, url);
    expect(refused.status).toBe(503);
    expect(refused.body).toContain('1 readers follow the events of this subgraph, which is its limit.');
    first.close();
    let status = 503;
    while (status === 503) status = (await read('', {}, url)).status;
    expect(status).toBe(200);
  });

  it('ends when the process drains, and says when to come back', async () => {
    const subgraph = await start();
    const reader = await read('', {}, subgraph.url);
    await reader.end();
    await subgraph.stop();
    expect(await reader.ended()).toBe('retry: 1000\n\n');
  });

  it('is not there for a subgraph without an outbox', async () => {
    const silent = await startSubgraph(defineSubgraph({ name: 'silent', schema, resolvers }), settings());
    running.push(silent);
    expect((await read('', {}, silent.url)).status).toBe(404);
  });

  it('wants the subjects of two tables to differ', async () => {
    const other = defineTable<Parcel>()({ name: 'boxes', partitionKey: 'id', outbox: true });
    const both = defineSubgraph({ name: 'both', schema, resolvers, tables: [parcelsTable, other] });
    await expect(startSubgraph(both, settings())).rejects.toThrow(
      'The tables "parcels" and "boxes" may both have an event of "1": give one of them another `subjectPrefix`, such as `outbox: { subjectPrefix: \'boxes-\' }`.',
    );
  });
});
