/** Consumers of a subgraph of the kit, with the events of another one. */
import { z } from 'zod';
import {
  defineConsumer,
  defineEvent,
  defineSubgraph,
  defineTable,
  startSubgraph,
  type DomainEvent,
  type RunningSubgraph,
  type WithOutbox,
} from '../../kit';
import { openPrivateLink, signer } from '../../kit/identity/private-link';
import { openLinkKeys } from '../../kit/identity/link-keys';
import { startFakePublisher } from '../support/fake-publisher';
import { eventually } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';
import { orderPlaced } from '../support/order-events';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const keys = ['a-key-of-the-private-link-for-tests'];
const folder = temporaryFolder();
const schema = folder.write('schema.graphql', 'type Query { one: Int }');

interface Note extends WithOutbox {
  readonly id: string;
  readonly text: string;
}
const notesTable = defineTable<Note>()({ name: 'notes', partitionKey: 'id', outbox: true });
const NoteWritten = defineEvent({ type: 'NoteWritten', data: z.object({ text: z.string() }) });

const noteOrder = defineConsumer({
  name: 'note-order',
  from: { orders: { OrderPlaced: { 1: z.object({ text: z.string() }) } } },
  ...{ tries: 2, firstPause: 1 },
  async handle({ subject, data, correlationid }, { db, propagation, sign, options, attempt }) {
    if (data.text === 'poison') throw new Error('It is poison.');
    const text = JSON.stringify({ ...data, correlationid, propagation, options, attempt });
    expect(Object.keys(sign('orders', ''))).toContain('signature');
    await db.table(notesTable).create({ id: subject, text }, { events: [NoteWritten.create({ text: 'x' })] });
  },
});
const notes = defineSubgraph({
  name: 'notes',
  schema,
  resolvers: {},
  tables: [notesTable],
  consumers: [noteOrder],
  options: { ordersUrl: { description: 'orders', default: 'http://127.0.0.1:1/graphql' } },
});

let publisher: Awaited<ReturnType<typeof startFakePublisher>>;
let running: RunningSubgraph;
beforeAll(async () => {
  publisher = await startFakePublisher();
  running = await startSubgraph(notes, {
    port: 0,
    logLevel: 'silent',
    link: { keys },
    options: { ordersUrl: new URL('graphql', publisher.url).href },
  });
});
afterAll(async () => {
  await running.stop();
  await publisher.stop();
  folder.remove();
});

const textPlaced = (changes: Partial<DomainEvent>): DomainEvent =>
  orderPlaced({ data: { text: 'hello' }, traceparent, ...changes });

it('handles an event, and continues its correlation and trace in what it writes and calls', async () => {
  publisher.push(textPlaced({}));
  const table = running.db.table(notesTable);
  let note: Note | null = null;
  await eventually(async () => (note = await table.get({ id: 'o1' })) !== null);
  const { text, outbox } = note as unknown as Note;
  expect(JSON.parse(text)).toEqual({
    text: 'hello',
    correlationid: 'request-1',
    propagation: { 'x-request-id': 'request-1', traceparent },
    options: { ordersUrl: new URL('graphql', publisher.url).href },
    attempt: 1,
  });
  expect(JSON.parse(outbox![0]!)).toMatchObject({
    type: 'NoteWritten',
    correlationid: 'request-1',
    traceparent,
  });
});

it('signs what it reads of another subgraph', () => {
  const check = openPrivateLink({ subgraph: 'orders', keys: openLinkKeys({ keys }) });
  expect(publisher.requests.length).toBeGreaterThan(0);
  for (const { method, url, headers } of publisher.requests)
    expect(check(method, url, headers)).toMatchObject({ caller: null });
});

it('goes on where its connection broke', async () => {
  publisher.disconnect();
  publisher.push(textPlaced({ id: 'e2', subject: 'o2' }));
  await eventually(() => running.db.table(notesTable).get({ id: 'o2' }));
});

describe('for operators', () => {
  const sign = signer(openLinkKeys({ keys }), null);
  const post = async (path: string, body: object, headers = sign('notes', JSON.stringify(body))) => {
    const response = await fetch(new URL(path, running.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Json };
  };
  // oxlint-disable-next-line typescript/no-explicit-any -- the shape is that of the answer
  type Json = any;
  const failuresOf = async (): Promise<Json[]> =>
    (await post('/events/failures', {})).body.consumers[0].failures;

  it('lists, retries and drops what has failed', async () => {
    const unknown = { dataversion: 2 };
    publisher.push(textPlaced({ ...unknown, id: 'e3', subject: 'o3' }));
    publisher.push(textPlaced({ ...unknown, id: 'e4', subject: 'o4' }));
    await eventually(async () => (await failuresOf()).length === 2);
    const [one] = await failuresOf();
    expect(one).toMatchObject({ reason: expect.stringContaining('version 2 of OrderPlaced'), attempts: 1 });
    const list = async (asked: object) => (await post('/events/failures', asked)).body.consumers;
    expect(await list({ limit: 0 })).toEqual([{ consumer: 'note-order', failures: [] }]);
    const failures = [expect.objectContaining({ attempts: 1 })];
    const first = { consumer: 'note-order', failures, next: `${one.failedAt}/${one.id}` };
    expect(await list({ consumer: 'note-order', limit: 1 })).toEqual([first]);
    const drop = { action: 'drop', consumer: 'note-order' };
    expect((await post('/events/failures', { ...drop, id: one.id })).body).toEqual({ count: 1 });
    expect((await post('/events/failures', { ...drop, id: one.id })).status).toBe(404);
    expect((await post('/events/failures', { ...drop, action: 'retry' })).body).toEqual({ count: 1 });
    await eventually(async () => (await failuresOf()).some(({ failedAt }) => failedAt > one.failedAt));
    expect((await post('/events/failures', drop)).body).toEqual({ count: 1 });
    expect(await failuresOf()).toEqual([]);
  });

  it('gives an event up after as many tries as the consumer says', async () => {
    publisher.push(textPlaced({ id: 'e5', subject: 'o5', data: { text: 'poison' } }));
    await eventually(async () => (await failuresOf()).length === 1);
    expect(await failuresOf()).toMatchObject([{ reason: 'It is poison.', attempts: 2 }]);
    await post('/events/failures', { action: 'drop', consumer: 'note-order' });
  });

  it.each([
    ['/events/failures', { action: 'eat', consumer: 'note-order' }, 400, 'action'],
    [
      '/events/failures',
      { action: 'drop', consumer: 'other' },
      404,
      'There is no consumer "other" here; there are note-order.',
    ],
    ['/events/failures', { consumer: 'other' }, 404, 'There is no consumer "other" here'],
    ['/events/failures', { limit: 101 }, 400, 'limit'],
    ['/events/failures', { query: '{ one }' }, 400, 'query'],
    ['/events/failures', [], 400, ''],
    ['/events/failures', { consumer: 'x'.repeat(20_000) }, 413, ''],
    ['/events/rebuilds', { query: '{ one }' }, 400, 'query'],
    ['/events/rebuilds', { to: '2026-01-01T00:00:00Z' }, 400, 'projection'],
    ['/events/rebuilds', { projection: 'other' }, 404, 'There is no projection "other" here.'],
    ['/events/rebuilds', { projection: 'other', to: 'noon' }, 400, 'to'],
    ['/events/rebuilds', { projection: 'other', to: '2999-01-01T00:00:00Z' }, 400, 'has not come yet'],
  ])('refuses at %s what it cannot do: %j', async (path, body, status, message) => {
    const refused = await post(path, body);
    expect(refused.status).toBe(status);
    expect(refused.body.errors[0].message).toContain(message);
  });

  it.each(['/events/failures', '/events/rebuilds'])(
    'refuses at %s what is not signed, or signed otherwise',
    async (path) => {
      const others = signer(openLinkKeys({ keys: ['another-key-of-the-private-link-for-tests'] }), null);
      const once = sign('notes', '{}');
      expect((await post(path, {}, once)).status).toBe(200);
      const drop = { action: 'drop', consumer: 'note-order' };
      const signatures = [{}, once, others('notes', '{}'), sign('other', '{}')];
      const statuses = signatures.map(async (headers) => (await post(path, {}, headers)).status);
      expect(await Promise.all(statuses)).toEqual([401, 401, 401, 401]);
      expect((await post(path, drop, sign('notes', '{}'))).status).toBe(401);
    },
  );
});

it('does not start where the URL of a source is not an option', async () => {
  const without = defineSubgraph({ name: 'notes', schema, resolvers: {}, consumers: [noteOrder] });
  await expect(startSubgraph(without, { port: 0, logLevel: 'silent' })).rejects.toThrow(
    'The consumer "note-order" reads events of "orders", so the subgraph "notes" needs the option "ordersUrl".',
  );
});

it.each(['', 'localhost:4005/graphql', 'file:///graphql'])(
  'does not start where the URL of a source is "%s"',
  async (ordersUrl) => {
    const settings = { port: 0, logLevel: 'silent', options: { ordersUrl } };
    await expect(startSubgraph(notes, settings)).rejects.toThrow(
      `The option "ordersUrl" must be the URL of the GraphQL endpoint of "orders", such as http://127.0.0.1:4001/graphql, but is "${ordersUrl}": set ORDERS_URL or --orders-url.`,
    );
  },
);
