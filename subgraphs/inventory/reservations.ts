import { isDeepStrictEqual } from 'node:util';
import { atLeast, hasEntry, lacksEntry, not, SubgraphError, type Database } from '../kit';
import { StockChanged } from './events';
import { checkLines } from './lines';
import { reservationsTable, stockTable, type Reservation, type StockLine } from './table';

/**
 * Reserves stock for an order, all lines or none. There are no transactions, so it is a series of conditional writes,
 * each of which changes nothing when it is repeated:
 *
 * 1. The reservation is written with the state `taking` and all its lines.
 * 2. Line by line, the stock is decremented if there is enough. The same write adds a hold to the stock item.
 * 3. The reservation goes from `taking` to `held`; or to `released` if a line could not be taken, and the others are
 *    given back.
 *
 * A call that fails half-way is completed by the next one for the same order. Two calls at once do the same work, and
 * step 3 decides for both. A reservation that was released stays so, and every call for it has the same outcome:
 * `OUT_OF_STOCK` if stock was missing, else `CONFLICT`.
 */
export async function reserveStock(
  { orderId, lines: given }: Pick<Reservation, 'orderId' | 'lines'>,
  db: Database,
): Promise<Reservation> {
  const lines = checkLines(given);
  const reservations = db.table(reservationsTable);
  const first: Reservation = { orderId, state: 'taking', lines };
  const found = (await reservations.create(first)) ? first : await read(orderId, db);
  if (found.lines.length > 0 && !isDeepStrictEqual(found.lines, lines)) {
    throw new SubgraphError('CONFLICT', `The order "${orderId}" has other lines set aside.`);
  }
  if (found.state === 'held') return found;

  const settled = found.state === 'released' ? found : await takeAndSettle(found, db);
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

/** Takes the lines one after the other, and ends the state `taking` unless another call has ended it before. */
async function takeAndSettle(reservation: Reservation, db: Database): Promise<Reservation> {
  const { orderId } = reservation;
  let missing: string | undefined;
  for (const line of reservation.lines) {
    if (await take(line, orderId, db)) continue;
    missing = line.upc;
    break;
  }
  const settled = await db.table(reservationsTable).update(
    { orderId },
    {
      set: missing === undefined ? { state: 'held' } : { state: 'released', missing },
      condition: { state: 'taking' },
    },
  );
  return settled ?? read(orderId, db);
}

async function take({ upc, quantity }: StockLine, orderId: string, db: Database): Promise<boolean> {
  const stock = db.table(stockTable);
  const taken = await stock.update(
    { upc },
    {
      add: { available: -quantity },
      setEntries: { holds: { [orderId]: quantity } },
      condition: { available: atLeast(quantity), holds: lacksEntry(orderId) },
      events: [StockChanged.create({ upc })],
    },
  );
  if (taken) return true;
  // Either there is not enough stock, or an earlier call has taken it already.
  const item = await stock.get({ upc }, { consistent: true });
  return item?.holds[orderId] !== undefined;
}

async function giveBack({ orderId, lines }: Reservation, db: Database): Promise<void> {
  for (const { upc, quantity } of lines) {
    await db.table(stockTable).update(
      { upc },
      {
        add: { available: quantity },
        removeEntries: { holds: [orderId] },
        condition: { holds: hasEntry(orderId) },
        events: [StockChanged.create({ upc })],
      },
    );
  }
}

/** Reservations are never deleted, so one that was there before still is. */
async function read(orderId: string, db: Database): Promise<Reservation> {
  return (await db.table(reservationsTable).get({ orderId }, { consistent: true }))!;
}
