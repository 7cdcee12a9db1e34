import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { defineTable } from '../../../../subgraphs/kit';
import { prepareTable } from '../../../../subgraphs/kit/prepare';
import { openTestDatabase } from '../../../support/subgraph-kit';

interface Item {
  id: string;
  at: string;
  text?: string;
}
const items = Array.from({ length: 60 }, (_, i) => ({ id: `i${i}`, at: 'x' }));

let test: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => (test = await openTestDatabase()));
afterAll(() => test.stop());

const prepare = (definition: Parameters<typeof prepareTable>[0], seed = true) =>
  prepareTable(definition, { ...test, seed });
let next = 0;
function define(seed?: () => Iterable<Item>) {
  return defineTable<Item>()({
    name: `things-${next++}`,
    partitionKey: 'id',
    sortKey: 'at',
    indexes: { byTime: { partitionKey: 'at', sortKey: 'id' }, byText: { partitionKey: 'text' } },
    ...(seed && { seed }),
  });
}

describe('a table', () => {
  it('is created with its keys and indexes, paid by request', async () => {
    const definition = define();
    await prepare(definition);
    const { Table } = await test.client.send(new DescribeTableCommand({ TableName: definition.name }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      KeySchema: [
        { AttributeName: 'id', KeyType: 'HASH' },
        { AttributeName: 'at', KeyType: 'RANGE' },
      ],
    });
    expect(
      Table?.GlobalSecondaryIndexes?.map((index) => [index.IndexName, index.IndexStatus]).sort(),
    ).toEqual([
      ['byText', 'ACTIVE'],
      ['byTime', 'ACTIVE'],
    ]);
  });

  it('is created and seeded once by many that start at the same time', async () => {
    let seeded = 0;
    const definition = define(() => {
      seeded++;
      return items;
    });
    await Promise.all(Array.from({ length: 6 }, () => prepare(definition)));
    await prepare(definition);
    expect(seeded).toBe(1);
    expect(await test.db.table(definition).query({ index: 'byTime', partition: 'x' })).toHaveLength(60);
  });

  it('keeps what was changed since it was seeded', async () => {
    const definition = define(() => items);
    await prepare(definition);
    const table = test.db.table(definition);
    await table.delete(items[0]!);
    await prepare(definition);
    expect(await table.get(items[0]!)).toBeNull();
  });

  it('is not seeded when it holds something already, or when it shall not be', async () => {
    const unseeded = define();
    await prepare(unseeded);
    await test.db.table(unseeded).put({ id: 'own', at: 'x' });
    const definition = { ...unseeded, seed: () => items };
    await prepare(definition);
    expect(await test.db.table(unseeded).query({ index: 'byTime', partition: 'x' })).toHaveLength(1);

    const other = define(() => items);
    await prepare(other, false);
    expect(await test.db.table(other).query({ index: 'byTime', partition: 'x' })).toHaveLength(0);
  });

  it('is seeded anew when whoever seeded it died half-way', async () => {
    let attempts = 0;
    const definition = define(function* () {
      yield* items.slice(0, 30);
      if (attempts++ === 0) throw new Error('killed');
      yield* items.slice(30);
    });
    await expect(prepare(definition)).rejects.toThrow('killed');
    await prepare(definition);
    expect(await test.db.table(definition).query({ index: 'byTime', partition: 'x' })).toHaveLength(60);
  });

  it('is refused in one sentence when an index is missing or a key is another one', async () => {
    const definition = define();
    await prepare(definition);
    const { name } = definition;
    await expect(
      prepare({ ...definition, indexes: { ...definition.indexes, byNew: { partitionKey: 'new' } } }),
    ).rejects.toThrow(`The index "byNew" of the table "${name}" does not exist: add it, or delete the table`);
    await expect(prepare(defineTable<Item>()({ name, partitionKey: 'at' }))).rejects.toThrow(
      `The table "${name}" has the keys id, at, but the code wants at: migrate or delete the table.`,
    );
  });

  it('stops being prepared when the process stops', async () => {
    const controller = new AbortController();
    const definition = define(function* () {
      yield* Array.from({ length: 200 }, (_, i) => ({ id: `a${i}`, at: 'x' }));
      controller.abort();
      yield* items;
      yield* Array.from({ length: 200 }, (_, i) => ({ id: `b${i}`, at: 'x' }));
    });
    await expect(
      prepareTable(definition, { ...test, seed: true, signal: controller.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
  });
});
