import {
  atLeast,
  atMost,
  countCommands,
  defineTable,
  exists,
  hasEntry,
  lacksEntry,
  missing,
  not,
  type DatabaseSettings,
} from '../../subgraphs/kit';
import { openDatabaseOn, temporaryFolder } from '../support/subgraph-kit';

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
  beforeAll(async () => (test = await openDatabaseOn(settings, stockTable)));
  afterAll(() => test.stop());

  const open = () => test.db.table(stockTable);
  let next = 0;
  /** A stored item that no other test knows. */
  async function store(attributes: Partial<Stock> = {}): Promise<Stock> {
    const item = { upc: `p${next++}`, warehouse: 'north', available: 3, reservations: {}, ...attributes };
    await open().put(item);
    return item;
  }

  describe('get', () => {
    it('reads what was put', async () => {
      const item = await store({ status: 'new' });
      expect(await open().get(item, { consistent: true })).toEqual(item);
    });

    it('answers null for what is not there', async () => {
      expect(await open().get({ upc: 'none', warehouse: 'north' })).toBeNull();
    });

    it('answers null for a key that no item can have', async () => {
      expect(await open().get({ upc: '', warehouse: 'north' })).toBeNull();
      expect(await open().get({ upc: 'x'.repeat(3000), warehouse: 'north' })).toBeNull();
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
    it.each([
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
      const item = await store({ reservations: { o1: 1 } });
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

    it('finds nothing under an empty key', async () => {
      expect(await open().query({ partition: '' })).toEqual([]);
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

    it('answers null for a key that no item can have, and the item for the others', async () => {
      expect(await open().batchGet([{ upc: '', warehouse: 'w' }, item(1)])).toEqual([null, item(1)]);
    });

    it('sends nothing when there is nothing to ask for', async () => {
      const counter = countCommands(test.db);
      expect(await open().batchGet([])).toEqual([]);
      expect(counter.commands).toEqual([]);
    });
  });
});
