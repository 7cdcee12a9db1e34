import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { defineTable, entityLoader, lookupLoader, openDatabase, relationLoader } from '../../../../kit';
import { openTestDatabase } from '../../../support/subgraph-kit';
import { within } from '../../../support/times';
import { countCommands } from '../../../support/count-commands';

interface Review {
  id: string;
  product: string;
  at: string;
}
const review = (i: number): Review => ({
  id: `r${i}`,
  product: `p${i % 20}`,
  at: String(i).padStart(4, '0'),
});
const keys = {
  name: 'reviews',
  partitionKey: 'id',
  indexes: { byProduct: { partitionKey: 'product', sortKey: 'at' } },
} as const;
const reviewsTable = defineTable<Review>()({
  ...keys,
  seed: () => Array.from({ length: 300 }, (_, i) => review(i)),
});

let test: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => (test = await openTestDatabase(reviewsTable)));
afterAll(() => test.stop());

describe('an entity loader', () => {
  it('turns the keys of one tick into one BatchGetItem per 100 distinct ones', async () => {
    const counter = countCommands(test.db);
    const loader = entityLoader(test.db.table(reviewsTable));
    const ids = [...Array.from({ length: 150 }, (_, i) => `r${i}`), 'r1', 'none'];
    const items = await Promise.all(ids.map((id) => loader.load({ id })));
    expect(items).toEqual([...Array.from({ length: 150 }, (_, i) => review(i)), review(1), null]);
    expect(counter.commands.map(({ size }) => size)).toEqual([100, 51]);
  });

  it('asks once for what it was asked for before, and not at all for what it was told', async () => {
    const counter = countCommands(test.db);
    const loader = entityLoader(test.db.table(reviewsTable));
    await loader.load({ id: 'r1' });
    await loader.load({ id: 'r1' });
    loader.prime({ ...review(2), at: 'now' });
    expect(await loader.load({ id: 'r2' })).toMatchObject({ at: 'now' });
    expect(counter.count('BatchGetItem')).toBe(1);
  });

  it('takes an entity reference as a key', async () => {
    const reference = { __typename: 'Review', id: 'r3' };
    expect(await entityLoader(test.db.table(reviewsTable)).load(reference)).toEqual(review(3));
  });
});

describe('an entity loader over a DynamoDB in trouble', () => {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' }));
  const client = mockClient(documents);
  beforeEach(() => client.reset());
  afterAll(() => client.restore());
  const open = (retryMilliseconds = 200) =>
    entityLoader(openDatabase({ client: documents, retryMilliseconds }).table(reviewsTable));
  const load = (loader: ReturnType<typeof open>, ids: string[]) =>
    Promise.all(ids.map((id) => loader.load({ id }).catch((error: unknown) => error)));
  // oxlint-disable-next-line typescript/no-explicit-any -- the mock is untyped
  const keysOf = (input: any): { id: string }[] => input.RequestItems.reviews.Keys;
  const found = (keys: { id: string }[]) => ({ Responses: { reviews: keys.map(({ id }) => ({ id })) } });
  const throttle = () =>
    Object.assign(new Error('Rate exceeded for arn:aws:dynamodb'), { name: 'ThrottlingException' });

  it('asks again for the keys that were left out, and for no others', async () => {
    const asked: string[][] = [];
    client.on(BatchGetCommand).callsFake((input) => {
      const keys = keysOf(input);
      asked.push(keys.map(({ id }) => id));
      const left = asked.length === 1 ? keys.slice(1) : [];
      return {
        ...found(keys.filter((key) => !left.includes(key))),
        UnprocessedKeys: { reviews: { Keys: left } },
      };
    });
    expect(await load(open(), ['a', 'b', 'c'])).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    expect(asked).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  it('fails only the keys that are left out until the deadline', async () => {
    client.on(BatchGetCommand).callsFake((input) => ({
      ...found(keysOf(input).filter(({ id }) => id !== 'b')),
      UnprocessedKeys: keysOf(input).some(({ id }) => id === 'b') ? { reviews: { Keys: [{ id: 'b' }] } } : {},
    }));
    const start = performance.now();
    const [a, b, c] = await load(open(150), ['a', 'b', 'c']);
    expect(performance.now() - start).toBeLessThan(within(5000));
    expect([a, c]).toEqual([{ id: 'a' }, { id: 'c' }]);
    expect(b).toMatchObject({ code: 'UNAVAILABLE', message: 'The data store did not answer in time.' });
  });

  it('asks again after a throttle', async () => {
    client
      .on(BatchGetCommand)
      .rejectsOnce(throttle())
      .callsFake((input) => found(keysOf(input)));
    expect(await load(open(), ['a'])).toEqual([{ id: 'a' }]);
  });

  it('lets one failing chunk fail alone', async () => {
    client.on(BatchGetCommand).callsFake((input) => {
      const keys = keysOf(input);
      if (keys.some(({ id }) => id === 'k150')) throw throttle();
      return found(keys);
    });
    const answers = await load(
      open(50),
      Array.from({ length: 250 }, (_, i) => `k${i}`),
    );
    expect(answers.map((answer) => (answer instanceof Error ? 'failed' : 'loaded'))).toEqual(
      Array.from({ length: 250 }, (_, i) => (i >= 100 && i < 200 ? 'failed' : 'loaded')),
    );
  });

  it('does not repeat what would fail again', async () => {
    client.on(BatchGetCommand).rejects(Object.assign(new Error('bad'), { name: 'ValidationException' }));
    expect(await load(open(), ['a'])).toEqual([expect.objectContaining({ name: 'ValidationException' })]);
    expect(client.commandCalls(BatchGetCommand)).toHaveLength(1);
  });

  it('reads consistently where events tell of changes, or where it is told to, but for an index', async () => {
    const told = defineTable<Review>()({ ...keys, outbox: true });
    client.on(BatchGetCommand).callsFake((input) => found(keysOf(input)));
    client.on(QueryCommand).resolves({ Items: [] });
    const db = openDatabase({ client: documents });
    await entityLoader(db.table(told)).load({ id: 'a' });
    await entityLoader(db.table(told), { consistent: false }).load({ id: 'a' });
    await entityLoader(db.table(reviewsTable)).load({ id: 'a' });
    await entityLoader(db.table(reviewsTable), { consistent: true }).load({ id: 'a' });
    await relationLoader(db.table(told)).load('a');
    await relationLoader(db.table(told), { index: 'byProduct' }).load('a');
    await relationLoader(db.table(reviewsTable)).load('a');
    const batches = client.commandCalls(BatchGetCommand).map((call) => call.args[0].input.RequestItems!);
    expect(batches.map(({ reviews }) => reviews?.ConsistentRead)).toEqual([true, undefined, undefined, true]);
    const queries = client.commandCalls(QueryCommand).map((call) => call.args[0].input.ConsistentRead);
    expect(queries).toEqual([true, undefined, undefined]);
    await expect(
      relationLoader(db.table(told), { index: 'byProduct', consistent: true }).load('a'),
    ).rejects.toThrow('`consistent` is not for indexes, but got the index "byProduct" of "reviews".');
  });

  it('sends at most 8 batches at once', async () => {
    let now = 0;
    let peak = 0;
    client.on(BatchGetCommand).callsFake(async (input) => {
      peak = Math.max(peak, ++now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now--;
      return found(keysOf(input));
    });
    await load(
      open(),
      Array.from({ length: 2000 }, (_, i) => `k${i}`),
    );
    expect(peak).toBe(8);
  });

  it('says UNAVAILABLE for a relation that is throttled, for that parent alone', async () => {
    client.on(QueryCommand).callsFake((input) => {
      if (Object.values(input.ExpressionAttributeValues).includes('p1')) throw throttle();
      return { Items: [] };
    });
    const db = openDatabase({ client: documents });
    const loader = relationLoader(db.table(reviewsTable), { index: 'byProduct' });
    const [failed, empty] = await Promise.allSettled([loader.load('p1'), loader.load('p2')]);
    expect(failed).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    expect(empty).toMatchObject({ value: { edges: [] } });
  });
});

describe('a relation loader', () => {
  it('asks once per parent and arguments', async () => {
    const counter = countCommands(test.db);
    const loader = relationLoader(test.db.table(reviewsTable), { index: 'byProduct', order: 'descending' });
    const [newest, again, shorter, other] = await Promise.all([
      loader.load('p1', { first: 3 }),
      loader.load('p1', { first: 3 }),
      loader.load('p1', { first: 1 }),
      loader.load('p2'),
    ]);
    expect(newest.edges.map((edge) => edge.node.id)).toEqual(['r281', 'r261', 'r241']);
    expect(again).toBe(newest);
    expect(shorter.edges).toHaveLength(1);
    expect(other.edges).toHaveLength(15);
    expect(counter.count('Query')).toBe(3);
  });

  it.each([
    [undefined, 8],
    [3, 3],
  ])('with concurrency %s has %s queries in flight at most', async (concurrency, expected) => {
    const counter = countCommands(test.db);
    const loader = relationLoader(test.db.table(reviewsTable), {
      index: 'byProduct',
      ...(concurrency && { concurrency }),
    });
    await Promise.all(Array.from({ length: 20 }, (_, i) => loader.load(`p${i}`)));
    expect(counter.count('Query')).toBe(20);
    expect(counter.peak('Query')).toBe(expected);
    counter.stop();
  });

  it('asks again after it was told to forget', async () => {
    const counter = countCommands(test.db);
    const loader = relationLoader(test.db.table(reviewsTable), { index: 'byProduct' });
    await loader.load('p1');
    loader.clear();
    await loader.load('p1');
    expect(counter.count('Query')).toBe(2);
  });

  it('refuses a concurrency below 1', () => {
    expect(() => relationLoader(test.db.table(reviewsTable), { concurrency: 0 })).toThrow(
      '`concurrency` must be a positive integer, but got: 0',
    );
  });
});

describe('a lookup loader', () => {
  it('finds the item that has a value in an index, or null', async () => {
    const loader = lookupLoader(test.db.table(reviewsTable), { index: 'byProduct' });
    expect(await Promise.all([loader.load('p3'), loader.load('none')])).toEqual([review(3), null]);
  });
});

describe('reads', () => {
  it('are aborted with the request that they belong to', async () => {
    const controller = new AbortController();
    const table = test.db.forRequest(controller.signal).table(reviewsTable);
    controller.abort();
    await expect(table.query({ partition: 'r1' })).rejects.toMatchObject({ name: 'AbortError' });
    expect(await table.create({ ...review(1000) })).toBe(true);
  });
});
