/** How tables come to be usable. Over 300 lines: over a real DynamoDB, and over one that takes its time or fails. */
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { defineTable, openDatabase } from '../../../../kit';
import { prepareTable } from '../../../../kit/serve/prepare';
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

describe('a table that is being seeded elsewhere', () => {
  const key = { id: '#seed', at: '#seed' };
  interface Mark {
    state: 'seeding' | 'seeded';
    owner: string;
    renewals: number;
  }
  /** A table with the mark of somebody who seeds it, and its first item. */
  async function seededElsewhere() {
    const definition = define(() => items);
    await prepare(definition, false);
    const table = test.db.table(definition);
    await table.put({ id: 'first', at: 'x' });
    const { name } = definition;
    const marks = test.db.table(
      defineTable<typeof key & Mark>()({ name, partitionKey: 'id', sortKey: 'at' }),
    );
    let renewals = 0;
    const mark = (state: Mark['state']) =>
      marks.put({ ...key, state, owner: 'somebody', renewals: renewals++ });
    await mark('seeding');
    const count = async () => (await table.query({ index: 'byTime', partition: 'x' })).length;
    return { definition, marks, mark, count };
  }

  it('is waited for, and not seeded again', async () => {
    const { definition, mark, count } = await seededElsewhere();
    let isPrepared = false;
    const prepared = prepare(definition).then(() => (isPrepared = true));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(isPrepared).toBe(false);
    await mark('seeded');
    await prepared;
    expect(await count()).toBe(1);
  });

  it('is seeded by who finds that the other has stopped, who marks it as its own', async () => {
    const { definition, marks, count } = await seededElsewhere();
    await prepare(definition);
    expect(await count()).toBe(61);
    const mark = await marks.get(key);
    expect(mark).toMatchObject({ state: 'seeded' });
    expect(mark!.owner).not.toBe('somebody');
  });

  it('is waited for no longer than the process lives', async () => {
    const { definition } = await seededElsewhere();
    const controller = new AbortController();
    const prepared = prepareTable(definition, { ...test, seed: true, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(prepared).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('over a DynamoDB that takes its time', () => {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' }));
  const client = mockClient(documents);
  beforeEach(() => client.reset());
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => client.restore());
  const failure = (name: string) => Object.assign(new Error('no'), { name });
  const plainTable = defineTable<Item>()({ name: 'plain', partitionKey: 'id' });
  const indexedTable = define();
  const prepareHere = (definition: Parameters<typeof prepareTable>[0], signal?: AbortSignal) =>
    prepareTable(definition, {
      db: openDatabase({ client: documents }),
      client: documents,
      seed: true,
      ...(signal && { signal }),
    });
  const hash = (AttributeName: string) => ({ AttributeName, KeyType: 'HASH' as const });
  const range = (AttributeName: string) => ({ AttributeName, KeyType: 'RANGE' as const });
  const plain = { TableStatus: 'ACTIVE' as const, KeySchema: [hash('id')] };
  const indexed = {
    TableStatus: 'ACTIVE' as const,
    KeySchema: [hash('id'), range('at')],
    GlobalSecondaryIndexes: [
      { IndexName: 'byTime', IndexStatus: 'ACTIVE' as const, KeySchema: [hash('at'), range('id')] },
      { IndexName: 'byText', IndexStatus: 'ACTIVE' as const, KeySchema: [hash('text')] },
    ],
  };

  it('is asked again until the table and its indexes are active', async () => {
    const [first, second] = indexed.GlobalSecondaryIndexes;
    client
      .on(DescribeTableCommand)
      .rejectsOnce(failure('ResourceNotFoundException'))
      .rejectsOnce(failure('ResourceNotFoundException'))
      .resolvesOnce({ Table: { ...indexed, TableStatus: 'CREATING' } })
      .resolvesOnce({
        Table: { ...indexed, GlobalSecondaryIndexes: [first!, { ...second!, IndexStatus: 'CREATING' }] },
      })
      .resolves({ Table: indexed });
    client.on(CreateTableCommand).resolves({});
    await prepareHere(indexedTable);
    expect(client.commandCalls(DescribeTableCommand)).toHaveLength(5);
    expect(client.commandCalls(CreateTableCommand).map(({ args }) => args[0].input)).toEqual([
      {
        TableName: indexedTable.name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['id', 'at', 'text'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
        KeySchema: indexed.KeySchema,
        GlobalSecondaryIndexes: indexed.GlobalSecondaryIndexes.map(({ IndexName, KeySchema }) => ({
          ...{ IndexName, KeySchema },
          Projection: { ProjectionType: 'ALL' },
        })),
      },
    ]);
  });

  it('is asked for a table without indexes as it wants it: with no list of them', async () => {
    client
      .on(DescribeTableCommand)
      .rejectsOnce(failure('ResourceNotFoundException'))
      .resolves({ Table: plain });
    client.on(CreateTableCommand).resolves({});
    await prepareHere(plainTable);
    const [call] = client.commandCalls(CreateTableCommand);
    expect(call!.args[0].input).toMatchObject({
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [hash('id')],
    });
    expect(call!.args[0].input).not.toHaveProperty('GlobalSecondaryIndexes');
  });

  it('may have the table made by somebody else at the same time', async () => {
    client
      .on(DescribeTableCommand)
      .rejectsOnce(failure('ResourceNotFoundException'))
      .resolves({ Table: plain });
    client.on(CreateTableCommand).rejects(failure('ResourceInUseException'));
    await expect(prepareHere(plainTable)).resolves.toBeUndefined();
  });

  it.each([
    ['describe', 'AccessDeniedException', undefined],
    ['create', 'ResourceNotFoundException', 'LimitExceededException'],
  ])('fails with what it says when it will not %s', async (_, describing, creating) => {
    client.on(DescribeTableCommand).rejects(failure(describing));
    if (creating !== undefined) client.on(CreateTableCommand).rejects(failure(creating));
    await expect(prepareHere(plainTable)).rejects.toThrow(
      expect.objectContaining({ name: creating ?? describing }),
    );
  });

  it('is given up in one sentence after a minute', async () => {
    client.on(DescribeTableCommand).resolves({ Table: { ...plain, TableStatus: 'CREATING' } });
    let now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => (now += 20_001));
    await expect(prepareHere(plainTable)).rejects.toThrow('The table "plain" does not become active.');
    expect(client.commandCalls(DescribeTableCommand)).toHaveLength(3);
  });

  it('is not waited for by a process that stops', async () => {
    client.on(DescribeTableCommand).resolves({ Table: { ...plain, TableStatus: 'CREATING' } });
    const controller = new AbortController();
    controller.abort();
    await expect(prepareHere(plainTable, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each<[string, object, string]>([
    [
      'in another order',
      { KeySchema: [...indexed.KeySchema].reverse() },
      `The table "${indexedTable.name}" has the keys at, id, but the code wants id, at: `,
    ],
    [
      'of an index',
      {
        GlobalSecondaryIndexes: [
          indexed.GlobalSecondaryIndexes[0],
          { ...indexed.GlobalSecondaryIndexes[1], KeySchema: [hash('text'), range('id')] },
        ],
      },
      `The index "byText" of the table "${indexedTable.name}" has the keys text, id, but the code wants text: `,
    ],
  ])('is refused with other keys %s', async (_, change, message) => {
    client.on(DescribeTableCommand).resolves({ Table: { ...indexed, ...change } });
    await expect(prepareHere(indexedTable)).rejects.toThrow(message);
  });

  it('has a seed that takes long marked anew each second, until it is written', async () => {
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask', 'performance'],
    });
    let write!: () => void;
    const written = new Promise<void>((resolve) => (write = resolve));
    const began = new Promise<void>((resolve) =>
      client.on(BatchWriteCommand).callsFake(async () => {
        resolve();
        await written;
        return {};
      }),
    );
    client.on(DescribeTableCommand).resolves({ Table: plain });
    client.on(GetCommand).resolves({});
    client.on(ScanCommand).resolves({ Count: 0 });
    client
      .on(UpdateCommand)
      .resolvesOnce({ Attributes: {} })
      .rejectsOnce(failure('odd'))
      .resolves({ Attributes: {} });
    const marks = () =>
      client.commandCalls(UpdateCommand).map(({ args }) => {
        const { ExpressionAttributeValues: values, ConditionExpression: condition } = args[0].input;
        return { state: values![':v0'], owner: values![':v1'], renewals: values![':v2'], condition };
      });
    const prepared = prepareHere({ ...plainTable, seed: () => items });
    await began;
    jest.advanceTimersByTime(999);
    expect(marks()).toHaveLength(1);
    // One that fails is no harm.
    jest.advanceTimersByTime(2001);
    write();
    await prepared;
    jest.advanceTimersByTime(10_000);
    jest.useRealTimers();
    const { owner } = marks()[0]!;
    const exists = '(attribute_exists(#n3)) AND ';
    expect(marks()).toEqual([
      { state: 'seeding', owner, renewals: 0, condition: 'attribute_not_exists(#n0)' },
      ...[1, 2, 3].map((renewals) => ({
        ...{ state: 'seeding', owner, renewals },
        condition: `${exists}(#n1 = :v3)`,
      })),
      {
        state: 'seeded',
        owner,
        renewals: 4,
        condition: `${exists}(#n1 = :v3 AND attribute_exists(#n0))`,
      },
    ]);
  });

  it('may have more indexes than the code knows', async () => {
    client.on(DescribeTableCommand).resolves({
      Table: { ...plain, GlobalSecondaryIndexes: indexed.GlobalSecondaryIndexes },
    });
    await expect(prepareHere(plainTable)).resolves.toBeUndefined();
  });
});
