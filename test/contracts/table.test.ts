/** What every table does. Over 300 lines: one contract over all of its methods. */
import { z } from 'zod';
import {
  atLeast,
  atMost,
  defineEvent,
  defineTable,
  exists,
  hasEntry,
  lacksEntry,
  missing,
  not,
  updateOnce,
  type Condition,
  type DatabaseSettings,
  type WithOutbox,
  type WithRequests,
} from '../../kit';
import { openDatabaseOn, temporaryFolder } from '../support/subgraph-kit';
import { countCommands } from '../support/count-commands';

interface Stock {
  upc: string;
  warehouse: string;
  /** A word that DynamoDB reserves. */
  status?: string;
  available: number;
  reservations: Record<string, number>;
  log?: string[];
}

const stockTable = defineTable<Stock>()({
  name: `stock-${process.pid}-${Date.now()}`,
  partitionKey: 'upc',
  sortKey: 'warehouse',
  indexes: { byStatus: { partitionKey: 'status', sortKey: 'upc' } },
});

interface Order extends WithOutbox, WithRequests {
  id: string;
  status?: string;
}

const ordersTable = defineTable<Order>()({
  name: `orders-${process.pid}-${Date.now()}`,
  partitionKey: 'id',
  outbox: { subjectPrefix: 'order-' },
});

const Moved = defineEvent({ type: 'Moved', data: z.object({ to: z.string() }) });
const moved = (to: string) => ({ events: [Moved.create({ to })] });

/** Everything that speaks DynamoDB and that subgraphs may run on; the last one is tested where there is one. */
const folder = temporaryFolder();
afterAll(() => folder.remove());
const elsewhere = process.env['WEIR_TEST_DYNAMODB_ENDPOINT'];
const databases: [string, DatabaseSettings][] = [
  ['an embedded DynamoDB in memory', { kind: 'embedded' }],
  ['an embedded DynamoDB on disk', { kind: 'embedded', folder: folder.path }],
  ...(elsewhere
    ? [['a DynamoDB elsewhere', { kind: 'endpoint', endpoint: elsewhere }] as [string, DatabaseSettings]]
    : []),
];

describe.each(databases)('a table in %s', (_, settings) => {
  let test: Awaited<ReturnType<typeof openDatabaseOn>>;
  beforeAll(async () => (test = await openDatabaseOn(settings, stockTable, ordersTable)));
  afterAll(() => test.stop());

  const open = () => test.db.table(stockTable);
  let next = 0;
  /** A stored item that no other test knows. */
  async function store(attributes: Partial<Stock> = {}): Promise<Stock> {
    const item = { upc: `p${next++}`, warehouse: 'north', available: 3, reservations: {}, ...attributes };
    await open().put(item);
    return item;
  }

  describe('an outbox', () => {
    const cause = { correlationid: 'r1', traceparent: '00-a-b-01' };
    const orders = () => test.db.causedBy(cause).table(ordersTable);
    const read = async (id: string) => {
      const item = await orders().get({ id }, { consistent: true });
      const events = (item?.outbox ?? []).map((text) => JSON.parse(text) as Record<string, unknown>);
      return { ...item, events, to: events.map(({ data }) => (data as { to: string }).to) };
    };
    const indexed = async () => {
      const shards = ['0', '1', '2', '3'].map((partition) =>
        orders().query({ index: 'byOutbox' as never, partition }),
      );
      return (await Promise.all(shards)).flat().map(({ id }) => id);
    };

    it('has an event as soon as the item that it tells of, with its subject and cause', async () => {
      expect(await orders().create({ id: 'created' }, moved('a'))).toBe(true);
      const { events, eventCount } = await read('created');
      expect(events).toEqual([
        expect.objectContaining({ ...cause, type: 'Moved', subject: 'order-created' }),
      ]);
      expect(eventCount).toBe(1);
      expect(await indexed()).toContain('created');
    });

    it('keeps the order of events over creations, updates and replacements', async () => {
      await orders().create({ id: 'kept' }, moved('a'));
      await orders().update({ id: 'kept' }, { set: { status: 'on' }, ...moved('b') });
      await updateOnce(orders(), { id: 'kept' }, { key: '1', scope: '', input: null }, (item) => ({
        item: { ...item!, status: 'off' },
        result: null,
        ...moved('c'),
      }));
      const { to, eventCount, status } = await read('kept');
      expect(to).toEqual(['a', 'b', 'c']);
      expect({ eventCount, status }).toEqual({ eventCount: 3, status: 'off' });
    });

    it('gets no event of a write whose condition does not hold', async () => {
      await orders().create({ id: 'once' }, moved('a'));
      expect(await orders().create({ id: 'once' }, moved('b'))).toBe(false);
      expect(
        await orders().update({ id: 'once' }, { condition: { status: 'on' }, ...moved('c') }),
      ).toBeNull();
      expect((await read('once')).to).toEqual(['a']);
    });

    it('does not lose an event to a replacement of an item that was read before', async () => {
      await orders().create({ id: 'raced' }, moved('a'));
      const before = (await orders().get({ id: 'raced' }))!;
      await orders().update({ id: 'raced' }, moved('b'));
      expect(await orders().put({ ...before, status: 'on' })).toBe(false);
      expect((await read('raced')).to).toEqual(['a', 'b']);
    });

    it('leaves an item without events out of its index', async () => {
      await orders().create({ id: 'silent' });
      expect(await indexed()).not.toContain('silent');
    });

    it('forbids to delete an item, as its events would be numbered from 1 again', async () => {
      await expect(orders().delete({ id: 'created' })).rejects.toThrow(
        `Items of the table "${ordersTable.name}" number their events, so they are not deleted: mark them instead.`,
      );
    });

    it('is not where the definition has none', async () => {
      const item = { upc: 'p', warehouse: 'w', available: 1, reservations: {} };
      await expect(open().create(item, moved('a'))).rejects.toThrow(
        `The table "${stockTable.name}" has no outbox: its definition must say \`outbox: true\`.`,
      );
    });
  });

  describe('get', () => {
    it('reads what was put', async () => {
      const item = await store({ status: 'new' });
      expect(await open().get(item, { consistent: true })).toEqual(item);
    });

    it('answers null for what is not there', async () => {
      expect(await open().get({ upc: 'none', warehouse: 'north' })).toBeNull();
    });
  });

  describe('keys', () => {
    const item = (upc: string, warehouse: string) => ({ upc, warehouse, available: 1, reservations: {} });
    it('may have as many bytes as DynamoDB allows, in every operation', async () => {
      const long = item('é'.repeat(1024), 'w'.repeat(1024));
      expect(await open().create(long)).toBe(true);
      expect(await open().get(long)).toEqual(long);
      expect(await open().update(long, { add: { available: 1 } })).toMatchObject({ available: 2 });
      expect(await open().put(long)).toBe(true);
      expect(await open().query({ partition: long.upc, sort: { equals: long.warehouse } })).toEqual([long]);
      expect(await open().batchGet([long])).toEqual([long]);
      expect(await open().delete(long)).toBe(true);
      await open().batchPut([long]);
      expect(await open().get(long)).toEqual(long);
    });

    it.each([
      ['é'.repeat(1024) + 'x', 'w', 'The key "upc" has 2049 bytes, but a partition key has at most 2048.'],
      ['p', 'w'.repeat(1025), 'The key "warehouse" has 1025 bytes, but a sort key has at most 1024.'],
      ['', 'w', 'The key "upc" is empty, but must have at least one character.'],
      ['p', '', 'The key "warehouse" is empty, but must have at least one character.'],
      [7, 'w', 'The key "upc" must be a string, but got: number.'],
    ])('are refused beyond that by every operation: %.5s, %.5s', async (upc, warehouse, message) => {
      const bad = item(upc as string, warehouse);
      const refusal = expect.objectContaining({ message, code: 'BAD_USER_INPUT' });
      await expect(open().create(bad)).rejects.toEqual(refusal);
      await expect(open().put(bad)).rejects.toEqual(refusal);
      await expect(open().get(bad)).rejects.toEqual(refusal);
      await expect(open().update(bad, { add: { available: 1 }, upsert: true })).rejects.toEqual(refusal);
      await expect(open().delete(bad)).rejects.toEqual(refusal);
      await expect(open().batchPut([item('good', 'w'), bad])).rejects.toEqual(refusal);
      expect(await open().get({ upc: 'good', warehouse: 'w' })).toBeNull();
      await expect(
        open().query({ partition: upc as string, sort: { beginsWith: warehouse } }),
      ).rejects.toEqual(refusal);
      const good = await store();
      expect(await open().batchGet([bad, good])).toEqual([refusal, good]);
    });

    it('of an index have the same limits, wherever they are written', async () => {
      const message = 'The key "status" has 2049 bytes, but a partition key has at most 2048.';
      const status = 'x'.repeat(2049);
      const stored = await store();
      await expect(open().put({ ...stored, status })).rejects.toThrow(message);
      await expect(open().batchPut([{ ...stored, status }])).rejects.toThrow(message);
      await expect(open().update(stored, { set: { status } })).rejects.toThrow(message);
      await expect(open().update(stored, { set: { status: '' } })).rejects.toThrow('is empty');
      await expect(open().query({ index: 'byStatus', partition: status })).rejects.toThrow(message);
      expect(await open().get(stored)).toEqual(stored);
    });
  });

  describe('the size of an item', () => {
    const message = 'The item has more than 400 KB, which is the most that can be stored.';
    const refusal = expect.objectContaining({ message, code: 'BAD_USER_INPUT' });
    // Two bytes each.
    const text = 'é'.repeat(199 * 1024);

    it('is at most 400 KB of UTF-8', async () => {
      const stored = await store({ log: [text] });
      expect(await open().get(stored)).toEqual(stored);
      const larger = { ...stored, log: [`${text}${'é'.repeat(1024)}`] };
      await expect(open().put(larger)).rejects.toEqual(refusal);
      await expect(open().batchPut([larger])).rejects.toEqual(refusal);
      await expect(open().update(stored, { append: { log: ['é'.repeat(1024)] } })).rejects.toEqual(refusal);
      expect(await open().get(stored)).toEqual(stored);
    });
  });

  describe('create', () => {
    it('writes an item once', async () => {
      const item = { upc: 'once', warehouse: 'north', available: 1, reservations: {} };
      expect(await open().create(item)).toBe(true);
      expect(await open().create({ ...item, available: 9 })).toBe(false);
      expect(await open().get(item)).toEqual(item);
    });

    it('lets one of many writers win', async () => {
      const items = Array.from({ length: 10 }, (_, available) => ({
        upc: 'race',
        warehouse: 'x',
        available,
        reservations: {},
      }));
      const won = await Promise.all(items.map((item) => open().create(item)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await open().get({ upc: 'race', warehouse: 'x' }))?.available).toBe(won.indexOf(true));
    });
  });

  describe('update', () => {
    it('sets, removes, adds and appends, and answers the item after that', async () => {
      const item = await store({ status: 'old', log: ['a'] });
      const changed = await open().update(item, {
        add: { available: -1 },
        append: { log: ['b'] },
        remove: ['status'],
      });
      expect(changed).toEqual({
        upc: item.upc,
        warehouse: 'north',
        available: 2,
        reservations: {},
        log: ['a', 'b'],
      });
      expect(await open().update(item, { set: { status: 'new' } })).toMatchObject({ status: 'new' });
    });

    it('sets and removes entries of a map and keeps the others', async () => {
      const item = await store({ reservations: { o1: 1, 'a.b': 7 } });
      const changed = await open().update(item, {
        setEntries: { reservations: { 'o.2': 2 } },
        removeEntries: { reservations: ['o1'] },
      });
      expect(changed?.reservations).toEqual({ 'a.b': 7, 'o.2': 2 });
    });

    it('answers null and changes nothing when its condition does not hold', async () => {
      const item = await store();
      expect(
        await open().update(item, { add: { available: -4 }, condition: { available: atLeast(4) } }),
      ).toBeNull();
      expect(await open().get(item)).toEqual(item);
    });

    it('does not create an item unless it is told to', async () => {
      const key = { upc: 'absent', warehouse: 'north' };
      expect(await open().update(key, { add: { available: 1 } })).toBeNull();
      expect(await open().get(key)).toBeNull();
      expect(await open().update(key, { add: { available: 1 }, upsert: true })).toMatchObject({
        available: 1,
      });
    });

    it('gives the last unit to one of many', async () => {
      const item = await store({ available: 1 });
      const orders = Array.from({ length: 10 }, (_, i) => `o${i}`);
      const taken = await Promise.all(
        orders.map((order) =>
          open().update(item, {
            add: { available: -1 },
            setEntries: { reservations: { [order]: 1 } },
            condition: { available: atLeast(1), reservations: lacksEntry(order) },
          }),
        ),
      );
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(await open().get(item)).toMatchObject({ available: 0 });
    });

    it('refuses to change nothing', async () => {
      await expect(open().update({ upc: 'p', warehouse: 'w' }, {})).rejects.toThrow('must change something');
    });
  });

  describe('a condition', () => {
    it.each<[Condition<Stock>, boolean]>([
      [{ reservations: { o1: 1 } }, true],
      [{ reservations: { o1: 2 } }, false],
      [{ reservations: not({ o1: 1 }) }, false],
      [{ log: ['a', 'b'] }, true],
      [{ log: ['b', 'a'] }, false],
      [{ reservations: lacksEntry('constructor') }, true],
      [{ available: 3 }, true],
      [{ available: 4 }, false],
      [{ available: atLeast(3) }, true],
      [{ available: atLeast(4) }, false],
      [{ available: atMost(2) }, false],
      [{ available: not(3) }, false],
      [{ status: missing }, true],
      [{ status: exists }, false],
      [{ reservations: hasEntry('o1') }, true],
      [{ reservations: lacksEntry('o1') }, false],
      [{ available: 3, status: exists }, false],
      [[{ available: 4 }, { available: 3 }], true],
      [[{ available: 4 }, { available: 5 }], false],
    ])('%j on an item is %s', async (condition, holds) => {
      const item = await store({ reservations: { o1: 1 }, log: ['a', 'b'] });
      expect(await open().put(item, { condition })).toBe(holds);
      expect(await open().delete(item, { condition })).toBe(holds);
    });
  });

  describe('query', () => {
    const key = (upc: string) => ({ upc, status: 'sorted' });
    beforeAll(() =>
      open().batchPut(
        ['a1', 'a2', 'b1', 'b2'].map((upc) => ({
          ...key(upc),
          warehouse: 'w',
          available: 0,
          reservations: {},
        })),
      ),
    );
    const upcs = async (query: object) =>
      (await open().query({ index: 'byStatus', partition: 'sorted', ...query })).map((item) => item.upc);

    it('reads a partition of an index in the order of its sort key', async () => {
      expect(await upcs({})).toEqual(['a1', 'a2', 'b1', 'b2']);
      expect(await upcs({ order: 'descending' })).toEqual(['b2', 'b1', 'a2', 'a1']);
    });

    it.each([
      [{ beginsWith: 'b' }, ['b1', 'b2']],
      [{ equals: 'a2' }, ['a2']],
      [{ atLeast: 'b1' }, ['b1', 'b2']],
      [{ atMost: 'a2' }, ['a1', 'a2']],
      [{ between: ['a2', 'b1'] }, ['a2', 'b1']],
    ])('narrows by the sort key: %j', async (sort, expected) => {
      expect(await upcs({ sort })).toEqual(expected);
    });

    it('stops at its limit and goes on behind an item', async () => {
      expect(await upcs({ limit: 2 })).toEqual(['a1', 'a2']);
      expect(await upcs({ limit: 2, after: { ...key('a2'), warehouse: 'w' } })).toEqual(['b1', 'b2']);
    });

    it('reads on when a page of DynamoDB ends before the limit', async () => {
      const text = 'x'.repeat(300_000);
      await open().batchPut(
        ['1', '2', '3', '4', '5'].map((warehouse) => ({
          upc: 'large',
          warehouse,
          available: 0,
          reservations: {},
          log: [text],
        })),
      );
      const counter = countCommands(test.db);
      expect(await open().query({ partition: 'large', limit: 5 })).toHaveLength(5);
      expect(counter.count('Query')).toBe(2);
    });
  });

  describe('batchGet', () => {
    const item = (i: number) => ({ upc: `batch${i}`, warehouse: 'w', available: i, reservations: {} });
    beforeAll(() => open().batchPut(Array.from({ length: 250 }, (_, i) => item(i))));

    it('answers in the order of the keys, with null for what is not there, asking for each key once', async () => {
      const counter = countCommands(test.db);
      const numbers = [...Array.from({ length: 250 }, (_, i) => 249 - i), 7, 7, 999];
      const answers = await open().batchGet(numbers.map((i) => item(i)));
      expect(answers).toEqual([...numbers.slice(0, -1).map(item), null]);
      expect(counter.commands.map(({ name, size }) => [name, size])).toEqual([
        ['BatchGetItem', 100],
        ['BatchGetItem', 100],
        ['BatchGetItem', 51],
      ]);
    });

    it('sends nothing when there is nothing to ask for', async () => {
      const counter = countCommands(test.db);
      expect(await open().batchGet([])).toEqual([]);
      expect(counter.commands).toEqual([]);
    });
  });
});
