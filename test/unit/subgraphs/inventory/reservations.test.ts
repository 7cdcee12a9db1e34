import { type GetCommand } from '@aws-sdk/lib-dynamodb';
import { openDatabase } from '../../../../kit';
import { releaseStock, reserveStock } from '../../../../subgraphs/inventory/reservations';
import { reservationsTable, stockTable, type StockLine } from '../../../../subgraphs/inventory/table';
import { openTestDatabase } from '../../../support/subgraph-kit';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let orders = 0;

beforeAll(async () => {
  database = await openTestDatabase({ ...stockTable, seed: () => [] }, reservationsTable);
});

afterAll(() => database.stop());

const lines = [
  { upc: 'a', quantity: 2 },
  { upc: 'b', quantity: 1 },
  { upc: 'c', quantity: 3 },
];

let orderId: string;

beforeEach(async () => {
  orderId = `order ${orders++}`;
  await setStock({ a: 10, b: 10, c: 10 });
});

describe('reserveStock', () => {
  it('takes every line once, however often it is called', async () => {
    for (let i = 0; i < 3; i++) expect(await reserve()).toBe('held');
    expect(await available()).toEqual({ a: 8, b: 9, c: 7 });
  });

  it('takes nothing if a line is not in stock', async () => {
    await setStock({ c: 2 });
    expect(await reserve()).toBe('OUT_OF_STOCK');
    expect(await available()).toEqual({ a: 10, b: 10, c: 2 });
  });

  it('says the same again to an order that was out of stock, whatever the stock is then', async () => {
    await setStock({ c: 2 });
    await reserve();
    await setStock({ c: 3 });
    expect(await reserve()).toBe('OUT_OF_STOCK');
    expect(await available()).toEqual({ a: 10, b: 10, c: 3 });
  });

  it('refuses other lines for an order with a reservation', async () => {
    await reserve();
    expect(await reserve([{ upc: 'a', quantity: 1 }])).toBe('CONFLICT');
    expect(await available()).toEqual({ a: 8, b: 9, c: 7 });
  });

  it('ignores the order of the lines', async () => {
    await reserve();
    expect(await reserve([...lines].reverse())).toBe('held');
  });

  it('gives the stock to as many orders as it is enough for', async () => {
    await setStock({ a: 7 });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => reserve([{ upc: 'a', quantity: 1 }], `${orderId}/${i}`)),
    );
    expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(7);
    expect(outcomes.filter((outcome) => outcome === 'OUT_OF_STOCK')).toHaveLength(3);
    expect(await available()).toMatchObject({ a: 0 });
  });

  it('takes every line once when it is called several times at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => reserve()));
    expect(outcomes).toEqual(Array(6).fill('held'));
    expect(await available()).toEqual({ a: 8, b: 9, c: 7 });
  });

  it('completes when it is called again after a failure at any step', async () => {
    const steps = await countSteps(() => reserve());
    expect(steps).toBe(8);
    for (let step = 0; step < steps; step++) {
      orderId = `order ${orders++}`;
      await setStock({ a: 10, b: 10, c: 10 });
      await dyingAt(step, () => reserve());
      expect(await reserve()).toBe('held');
      expect(await available()).toEqual({ a: 8, b: 9, c: 7 });
    }
  });

  it('leaves nothing reserved when it is called again after a failure with a line not in stock', async () => {
    await setStock({ c: 0 });
    const steps = await countSteps(() => reserve());
    for (let step = 0; step < steps; step++) {
      orderId = `order ${orders++}`;
      await dyingAt(step, () => reserve());
      expect(await reserve()).toBe('OUT_OF_STOCK');
      expect(await available()).toEqual({ a: 10, b: 10, c: 0 });
    }
  });
});

describe('releaseStock', () => {
  it('gives everything back once, however often it is called', async () => {
    await reserve();
    for (let i = 0; i < 3; i++) expect(await release()).toBe('released');
    expect(await available()).toEqual({ a: 10, b: 10, c: 10 });
  });

  it('refuses an order that reserves stock after its release, however late and often', async () => {
    for (let i = 0; i < 2; i++) expect(await release()).toBe('released');
    for (let i = 0; i < 2; i++) expect(await reserve()).toBe('CONFLICT');
    expect(await available()).toEqual({ a: 10, b: 10, c: 10 });
  });

  it('refuses an order that reserves stock again after its release', async () => {
    await reserve();
    await release();
    expect(await reserve()).toBe('CONFLICT');
    expect(await available()).toEqual({ a: 10, b: 10, c: 10 });
  });

  it('completes when it is called again after a failure at any step', async () => {
    await reserve();
    const steps = await countSteps(() => release());
    for (let step = 0; step < steps; step++) {
      orderId = `order ${orders++}`;
      await reserve();
      await dyingAt(step, () => release());
      expect(await release()).toBe('released');
      expect(await available()).toEqual({ a: 10, b: 10, c: 10 });
    }
  });

  it('and reserveStock at once leave all stock reserved, or none', async () => {
    for (let i = 0; i < 8; i++) {
      orderId = `order ${orders++}`;
      await setStock({ a: 10, b: 10, c: 10 });
      await Promise.all([reserve(), release(), reserve(), release(), reserve()]);

      const { state } = (await database.db.table(reservationsTable).get({ orderId }, { consistent: true }))!;
      expect(state).not.toBe('taking');
      expect(await available()).toEqual(state === 'held' ? { a: 8, b: 9, c: 7 } : { a: 10, b: 10, c: 10 });
    }
  });
});

describe('a reservation that is interrupted', () => {
  let steps: number;
  beforeAll(async () => {
    orderId = `order ${orders++}`;
    await setStock({ a: 10, b: 10, c: 10 });
    steps = await countSteps(() => reserve());
  });

  it('leaves nothing reserved when a release overtakes it, and its process then ends', async () => {
    for (let before = 0; before < steps; before++) {
      for (const after of [1, 2, Infinity]) {
        const id = `order ${orders++}`;
        await setStock({ a: 10, b: 10, c: 10 });
        await reserveInterrupted({ before, after }, () => releaseStock(id, database.db), id);
        expect({ before, after, ...(await available()) }).toEqual({ before, after, a: 10, b: 10, c: 10 });
      }
    }
  });

  it('leaves nothing reserved when another call has reserved it and was released meanwhile', async () => {
    for (let before = 0; before < steps; before++) {
      const id = `order ${orders++}`;
      await setStock({ a: 10, b: 10, c: 10 });
      const another = () => reserve(lines, id).then(() => releaseStock(id, database.db));
      await reserveInterrupted({ before, after: 1 }, another, id);
      expect({ before, ...(await available()) }).toEqual({ before, a: 10, b: 10, c: 10 });
    }
  });

  it('is completed although stock of another order is released meanwhile', async () => {
    for (let before = 0; before < steps; before++) {
      const id = `order ${orders++}`;
      await setStock({ a: 10, b: 10, c: 10 });
      const other = () => reserve(lines, `${id}/other`).then(() => releaseStock(`${id}/other`, database.db));
      expect(await reserveInterrupted({ before, after: Infinity }, other, id)).toBe('held');
      expect(await available()).toEqual({ a: 8, b: 9, c: 7 });
    }
  });
});

/** Reserves; after so many commands, something else happens, and after some more the process ends. */
async function reserveInterrupted(
  { before, after }: { readonly before: number; readonly after: number },
  act: () => Promise<unknown>,
  id: string,
): Promise<string> {
  const { client } = database;
  let sent = 0;
  let acting: Promise<unknown> | undefined;
  const send = async (command: GetCommand): Promise<unknown> => {
    const position = sent++;
    if (position === before) acting = act();
    // Those that are sent later wait, too.
    await acting;
    if (position >= before + after) throw new Error('died');
    return client.send(command);
  };
  const outcome = await reserve(lines, id, openDatabase({ client: { send } as unknown as typeof client }));
  expect(acting).toBeDefined();
  return outcome;
}

/** Reserves and returns the state, or the code of the error. */
async function reserve(wanted: StockLine[] = lines, id = orderId, db = database.db): Promise<string> {
  try {
    return (await reserveStock({ orderId: id, lines: wanted }, db)).state;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}

async function release(): Promise<string> {
  return (await releaseStock(orderId, database.db)).state;
}

async function setStock(counts: Record<string, number>): Promise<void> {
  const stock = database.db.table(stockTable);
  for (const [upc, count] of Object.entries(counts)) {
    const set = { sku: upc, warehouse: 'RTM', onHand: count, available: count, holds: {} };
    await stock.update({ upc }, { set, upsert: true });
  }
}

/** How many are available of each product; checks that those that are not are in the holds. */
async function available(): Promise<Record<string, number>> {
  const items = await database.db.table(stockTable).query({ index: 'byWarehouse', partition: 'RTM' });
  for (const { onHand, available: free, holds } of items) {
    expect(free + Object.values(holds).reduce((sum, count) => sum + count, 0)).toBe(onHand);
  }
  return Object.fromEntries(items.map(({ upc, available: free }) => [upc, free]));
}

/** How many commands it takes. */
async function countSteps(act: () => Promise<unknown>): Promise<number> {
  let steps = 0;
  const stop = database.db.onCommand(() => {
    steps++;
    return undefined;
  });
  await act();
  stop();
  return steps;
}

/** Lets the command after `steps` commands fail, and all that follow. */
async function dyingAt(steps: number, act: () => Promise<unknown>): Promise<void> {
  let seen = 0;
  const stop = database.db.onCommand(() => {
    if (seen++ >= steps) throw new Error('died');
    return undefined;
  });
  await act().catch(() => undefined);
  stop();
}
