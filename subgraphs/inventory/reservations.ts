import { isDeepStrictEqual } from 'node:util';
import {
  atLeast,
  badInput,
  hasEntry,
  lacksEntry,
  missing,
  not,
  SubgraphError,
  type Database,
} from '../../kit';
import { StockChanged } from './events';
import { reservationsTable, stockTable, type Reservation, type StockItem, type StockLine } from './table';

/**
 * Reserves stock for an order, all lines or none. There are no transactions, so it is a series of conditional writes,
 * each of which changes nothing when it is repeated:
 *
 * 1. The stock items are read, and after them the reservation is written with the state `taking` and all its lines.
 * 2. Line by line, the stock is decremented if there is enough and nobody has released anything of the item since it was
 *    read. The same write adds a hold to the stock item.
 * 3. The reservation goes from `taking` to `held`; or to `released` if a line could not be taken, and the others are
 *    given back.
 *
 * A call that fails half-way is completed by the next one for the same order. Two calls at once do the same work, and
 * step 3 decides for both. A reservation that was released stays so, and every call for it has the same outcome:
 * `OUT_OF_STOCK` if stock was missing, else `CONFLICT`.
 *
 * A release first marks the reservation, then counts up `releases` of each of its stock items. So whoever has read an
 * item before that takes nothing of it any more, and whoever reads it later finds the mark: a call that a release has
 * overtaken leaves no hold, even if its process ends at its next write.
 */
export async function reserveStock(
  { orderId, lines: given }: Pick<Reservation, 'orderId' | 'lines'>,
  db: Database,
): Promise<Reservation> {
  const lines = checkLines(given);
  const reservations = db.table(reservationsTable);
  const items = await Promise.all(lines.map(({ upc }) => readStock(upc, db)));
  const first: Reservation = { orderId, state: 'taking', lines };
  const found = (await reservations.create(first)) ? first : await read(orderId, db);
  if (found.lines.length > 0 && !isDeepStrictEqual(found.lines, lines)) {
    throw new SubgraphError('CONFLICT', `The order "${orderId}" has other lines set aside.`);
  }
  if (found.state === 'held') return found;

  const settled = found.state === 'released' ? found : await takeAndSettle(found, items, db);
  if (settled.state === 'held') return settled;
  // Also for an earlier call, which may have failed before all stock was given back.
  await giveBack(settled, db);
  throw settled.missing === undefined
    ? new SubgraphError('CONFLICT', `The stock of the order "${orderId}" was released before.`)
    : new SubgraphError('OUT_OF_STOCK', `Too few of "${settled.missing}" are left.`, {
        upc: settled.missing,
      });
}

/**
 * Releases the stock of an order. Idempotent. A release may overtake the reservation that it is for: it then leaves a
 * tombstone, a released reservation without lines. Tombstones are kept for ever, as all reservations are: nobody knows
 * how late a message can be.
 */
export async function releaseStock(orderId: string, db: Database): Promise<Reservation> {
  const reservations = db.table(reservationsTable);
  const released =
    (await reservations.update(
      { orderId },
      { set: { state: 'released' }, condition: { state: not('released') } },
    )) ?? (await reservations.get({ orderId }, { consistent: true }));
  if (released) {
    await giveBack(released, db);
    return released;
  }
  const tombstone: Reservation = { orderId, state: 'released', lines: [] };
  return (await reservations.create(tombstone)) ? tombstone : releaseStock(orderId, db);
}

/**
 * Takes the lines one after the other, and ends the state `taking` unless another call has ended it before. `items` are
 * the stock items of the lines, read before the reservation was known to be `taking`.
 */
async function takeAndSettle(
  reservation: Reservation,
  items: readonly (StockItem | null)[],
  db: Database,
): Promise<Reservation> {
  const { orderId } = reservation;
  let lacking: string | undefined;
  for (const [i, line] of reservation.lines.entries()) {
    if (await take(line, items[i]!, orderId, db)) continue;
    lacking = line.upc;
    break;
  }
  const settled = await db.table(reservationsTable).update(
    { orderId },
    {
      set: lacking === undefined ? { state: 'held' } : { state: 'released', missing: lacking },
      condition: { state: 'taking' },
    },
  );
  return settled ?? read(orderId, db);
}

/** False if there is not enough stock, or the reservation is not `taking` any more. */
async function take(
  { upc, quantity }: StockLine,
  first: StockItem | null,
  orderId: string,
  db: Database,
): Promise<boolean> {
  for (let item = first; item; item = await readStock(upc, db)) {
    if (item !== first) {
      // An earlier call may have taken it.
      if (item.holds[orderId] !== undefined) return true;
      if (item.available < quantity || (await read(orderId, db)).state !== 'taking') return false;
    }
    const taken = await db.table(stockTable).update(
      { upc },
      {
        add: { available: -quantity },
        setEntries: { holds: { [orderId]: quantity } },
        condition: {
          available: atLeast(quantity),
          holds: lacksEntry(orderId),
          releases: item.releases ?? missing,
        },
        events: [StockChanged.create({ upc })],
      },
    );
    if (taken) return true;
  }
  return false;
}

async function giveBack({ orderId, lines }: Reservation, db: Database): Promise<void> {
  const stock = db.table(stockTable);
  for (const { upc, quantity } of lines) {
    const giveBackHold = () =>
      stock.update(
        { upc },
        {
          add: { available: quantity, releases: 1 },
          removeEntries: { holds: [orderId] },
          condition: { holds: hasEntry(orderId) },
          events: [StockChanged.create({ upc })],
        },
      );
    const preventHold = () =>
      stock.update({ upc }, { add: { releases: 1 }, condition: { holds: lacksEntry(orderId) } });
    // A call at the same moment may take it between the two. There is no item of an unknown product.
    while (!((await giveBackHold()) ?? (await preventHold()) ?? !(await readStock(upc, db))));
  }
}

const readStock = (upc: string, db: Database): Promise<StockItem | null> =>
  db.table(stockTable).get({ upc }, { consistent: true });

/** Reservations are never deleted, so one that was there before still is. */
async function read(orderId: string, db: Database): Promise<Reservation> {
  return (await db.table(reservationsTable).get({ orderId }, { consistent: true }))!;
}

const mostLines = 50;

/**
 * Checks the lines and sorts them, so that equal orders compare equal. Throws `BAD_USER_INPUT` if they are not valid.
 */
function checkLines(lines: readonly StockLine[]): StockLine[] {
  if (lines.length < 1 || lines.length > mostLines) {
    throw badInput('lines', `\`lines\` must be 1 to ${mostLines}, but got: ${lines.length}`);
  }
  if (new Set(lines.map(({ upc }) => upc)).size < lines.length) {
    throw badInput('lines', '`lines` must name each product once.');
  }
  for (const { upc, quantity } of lines) {
    if (quantity < 1)
      throw badInput('lines', `\`quantity\` of "${upc}" must be at least 1, but got: ${quantity}`);
  }
  return lines.map(({ upc, quantity }) => ({ upc, quantity })).sort((a, b) => (a.upc < b.upc ? -1 : 1));
}
