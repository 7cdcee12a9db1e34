/**
 * What a table sends to DynamoDB, and what it makes of odd answers. What that does: test/contracts/table.test.ts. Over 300
 * lines: all commands of a table have one mock.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { defineTable, exists, openDatabase } from '../../../../kit';
import { countCommands } from '../../../support/count-commands';

interface Stock {
  upc: string;
  warehouse: string;
  status?: string;
  count?: number;
}
const stockTable = defineTable<Stock>()({
  name: 'stock',
  partitionKey: 'upc',
  sortKey: 'warehouse',
  indexes: { byStatus: { partitionKey: 'status' } },
});
const item: Stock = { upc: 'p1', warehouse: 'north' };

const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' }));
const client = mockClient(documents);
beforeEach(() => client.reset());
afterAll(() => client.restore());
const open = () => openDatabase({ client: documents });
const table = () => open().table(stockTable);
/** The inputs of the commands that were sent. */
const sent = (): object[] => client.calls().map(({ args }) => args[0].input);
/** The options that they were sent with. */
const given = (): unknown[] => client.calls().map(({ args }) => (args as unknown[])[1]);
const failure = (name: string) => Object.assign(new Error('no'), { name });

describe('get', () => {
  it('asks for the key alone, consistently where that is wanted', async () => {
    client.on(GetCommand).resolves({ Item: item });
    const reference = { __typename: 'Stock', ...item, status: 'x' };
    expect(await table().get(reference)).toEqual(item);
    await table().get(item, { consistent: true });
    expect(sent()).toEqual([
      { TableName: 'stock', Key: item, ConsistentRead: false },
      { TableName: 'stock', Key: item, ConsistentRead: true },
    ]);
  });

  it('sends nothing for a key that no item can have', async () => {
    await expect(table().get({ upc: 'p1' } as never)).rejects.toThrow(
      'The key "warehouse" must be a string, but got: undefined.',
    );
    expect(sent()).toEqual([]);
  });
});

describe('a write', () => {
  it('says false where its condition does not hold, and fails otherwise', async () => {
    for (const command of [PutCommand, DeleteCommand, UpdateCommand] as never[])
      client.on(command).rejects(failure('ConditionalCheckFailedException'));
    const answers = [
      await table().put(item, { condition: { status: exists } }),
      await table().delete(item, { condition: { status: exists } }),
      await table().create(item),
      await table().update(item, { remove: ['status'] }),
    ];
    expect(answers).toEqual([false, false, false, null]);
    client.on(PutCommand).rejects(failure('ValidationException'));
    await expect(table().put(item)).rejects.toThrow(expect.objectContaining({ name: 'ValidationException' }));
  });

  it('is not aborted with the request that it belongs to', async () => {
    const controller = new AbortController();
    controller.abort();
    const own = open().forRequest(controller.signal).table(stockTable);
    client.on(UpdateCommand).resolves({ Attributes: item });
    await own.put(item);
    await own.delete(item);
    await own.update(item, { set: { count: 1 } });
    expect(given()).toEqual([undefined, undefined, undefined]);
  });
});

describe('query', () => {
  it('narrows by a sort key only where there is one', async () => {
    client.on(QueryCommand).resolves({});
    await table().query({ partition: 'p1', sort: { equals: 'x' } });
    expect(sent()).toMatchObject([{ KeyConditionExpression: '#n0 = :v0 AND #n1 = :v1' }]);
    await expect(
      table().query({ index: 'byStatus', partition: 'p1', sort: { equals: 'x' } }),
    ).rejects.toThrow(new TypeError('`sort` needs a sort key, but "byStatus" has none.'));
    const plain = open().table(defineTable<Stock>()({ name: 'plain', partitionKey: 'upc' }));
    await expect(plain.query({ partition: 'p1', sort: { equals: 'x' } })).rejects.toThrow(
      '`sort` needs a sort key, but "plain" has none.',
    );
  });
});

it('aborts reads with the request that they belong to', async () => {
  const { signal } = new AbortController();
  const own = open().forRequest(signal).table(stockTable);
  client.on(GetCommand).resolves({});
  client.on(QueryCommand).resolves({});
  client.on(BatchGetCommand).resolves({});
  await own.get(item);
  await own.query({ partition: 'p1' });
  await own.batchGet([item]);
  expect(given()).toEqual([1, 2, 3].map(() => ({ abortSignal: signal })));
});

describe('batchPut', () => {
  const items = (count: number): Stock[] =>
    Array.from({ length: count }, (_, i) => ({ upc: `p${i}`, warehouse: 'x' }));
  const written = (input: object): Stock[] =>
    (input as { RequestItems: { stock: { PutRequest: { Item: Stock } }[] } }).RequestItems.stock.map(
      ({ PutRequest }) => PutRequest.Item,
    );

  it('writes 25 at a time, from whatever can be walked', async () => {
    client.on(BatchWriteCommand).resolves({});
    await table().batchPut(new Set(items(60)).values());
    expect(sent().map((input) => written(input).length)).toEqual([25, 25, 10]);
    expect(sent().flatMap(written)).toEqual(items(60));
  });

  it('writes again what was left out, and nothing else', async () => {
    client
      .on(BatchWriteCommand)
      .resolvesOnce({
        UnprocessedItems: {
          stock: items(3)
            .slice(1)
            .map((Item) => ({ PutRequest: { Item } })),
        },
      })
      .resolves({ UnprocessedItems: {} });
    await table().batchPut(items(3));
    expect(sent().map(written)).toEqual([items(3), items(3).slice(1)]);
  });

  it('gives up after half a minute', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 16_000));
    client.on(BatchWriteCommand).callsFake((input) => ({ UnprocessedItems: input.RequestItems }));
    await expect(table().batchPut(items(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    jest.restoreAllMocks();
    expect(sent().length).toBeGreaterThan(1);
  });

  it('fails with what cannot be written', async () => {
    client.on(BatchWriteCommand).rejects(failure('ValidationException'));
    await expect(table().batchPut(items(1))).rejects.toThrow(
      expect.objectContaining({ name: 'ValidationException' }),
    );
  });

  it('writes at most 8 batches at once', async () => {
    let now = 0;
    let peak = 0;
    client.on(BatchWriteCommand).callsFake(async () => {
      peak = Math.max(peak, ++now);
      await new Promise(setImmediate);
      now--;
      return {};
    });
    await table().batchPut(items(500));
    expect(peak).toBe(8);
  });
});

describe('batchGet', () => {
  it('tells keys apart by both of their parts', async () => {
    const keys = [item, { upc: 'p1', warehouse: 'south' }, { upc: 'north', warehouse: 'p1' }, item];
    client
      .on(BatchGetCommand)
      .callsFake((input) => ({ Responses: { stock: input.RequestItems.stock.Keys } }));
    expect(await table().batchGet(keys)).toEqual(keys);
    expect(sent()).toEqual([{ RequestItems: { stock: { Keys: keys.slice(0, 3) } } }]);
  });

  it('ends with the request that it belongs to, whatever was left out', async () => {
    const controller = new AbortController();
    client.on(BatchGetCommand).callsFake((input) => {
      controller.abort();
      return { UnprocessedKeys: input.RequestItems };
    });
    const [answer] = await open().forRequest(controller.signal).table(stockTable).batchGet([item]);
    expect(answer).toMatchObject({ code: 'UNAVAILABLE' });
    expect(sent()).toHaveLength(1);
  });
});

describe('commands', () => {
  const plainTable = defineTable<Stock>()({ name: 'plain', partitionKey: 'upc' });

  it('are counted from then on until it stops, by name and table, those of requests included', async () => {
    client.on(GetCommand).resolves({});
    const db = open();
    await db.table(stockTable).get(item);
    const counter = countCommands(db);
    const own = db.forRequest(new AbortController().signal);
    await Promise.all([own.table(stockTable).get(item), db.table(plainTable).get(item)]);
    await db.table(stockTable).put(item);
    await db.table(stockTable).get(item);
    counter.stop();
    await db.table(stockTable).get(item);
    expect(counter.commands.map(({ name, table: of }) => `${name} ${of}`)).toEqual([
      'GetItem stock',
      'GetItem plain',
      'PutItem stock',
      'GetItem stock',
    ]);
    expect([counter.count('GetItem'), counter.count('GetItem', 'stock')]).toEqual([3, 2]);
    expect(counter.count('Query')).toBe(0);
    expect([counter.peak('GetItem'), counter.peak('GetItem', 'stock')]).toEqual([2, 1]);
    expect([counter.peak('Query'), counter.peak('GetItem', 'other')]).toEqual([0, 0]);
  });
});

describe('a table that declares its operations', () => {
  const items = () => open().table({ ...stockTable, operations: ['GetItem'] });

  it('does what it declares, and queries indexes', async () => {
    client.on(GetCommand).resolves({ Item: item });
    client.on(QueryCommand).resolves({ Items: [item] });
    expect(await items().get(item)).toEqual(item);
    expect(await items().query({ index: 'byStatus', partition: 'new' })).toEqual([item]);
  });

  it.each([
    ['BatchGetItem', () => items().batchGet([item])],
    ['BatchWriteItem', () => items().batchPut([item])],
    ['DeleteItem', () => items().delete(item)],
    ['PutItem', () => items().put(item)],
    ['PutItem', () => items().create(item)],
    ['Query', () => items().query({ partition: 'p1' })],
    ['UpdateItem', () => items().update(item, { set: { status: 'new' } })],
  ])('refuses %s, which it does not declare, and sends nothing', async (operation, act) => {
    const sentence = `The table "stock" does not declare the operation ${operation}: add it to \`operations\` of its definition.`;
    await expect(act()).rejects.toThrow(new TypeError(sentence));
    expect(sent()).toEqual([]);
  });

  it('declares what its outbox needs', () => {
    const { operations } = defineTable<Stock>()({
      ...{ name: 'stock', partitionKey: 'upc', outbox: true, operations: ['PutItem', 'UpdateItem'] },
    });
    expect(operations).toEqual(['PutItem', 'UpdateItem', 'GetItem']);
  });
});
