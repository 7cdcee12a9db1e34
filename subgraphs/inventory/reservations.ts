import { isDeepStrictEqual } from 'node:util';
import { atLeast, hasEntry, lacksEntry, SubgraphError, type Database } from '../kit';
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
 * step 3 decides for both. After a release the order may try again in a new round. Holds of a new round have other
 * names, so a slow call of an earlier round cannot release them.
 */
export async function reserveStock(
  { orderId, lines: given }: Pick<Reservation, 'orderId' | 'lines'>,
  db: Database,
): Promise<Reservation> {
  const lines = checkLines(given);
  const reservation = await beginRound({ orderId, lines }, db);
  if (!isDeepStrictEqual(reservation.lines, lines)) {
    throw new SubgraphError('CONFLICT', `The order "${orderId}" has other lines set aside.`);
  }
  if (reservation.state === 'held') return reservation;

  const short = await takeUntilShort(reservation, db);
  const settled = await settle(reservation, short ? 'released' : 'held', db);
  if (settled?.state === 'held' && settled.round === reservation.round) return settled;
  await giveBack(reservation, db);
  throw short
    ? new SubgraphError('OUT_OF_STOCK', `Too few of "${short.upc}" are left.`, { upc: short.upc })
    : new SubgraphError('CONFLICT', `What the order "${orderId}" had set aside was given back meanwhile.`);
}

/**
 * Releases the stock of an order. Idempotent. A release may overtake the reservation that it is for: it then leaves a
 * tombstone, a reservation of round 0, and `reserveStock` is refused for this order. Tombstones are kept for ever, as
 * all reservations are: nobody knows how late a message can be.
 */
export async function releaseStock(orderId: string, db: Database): Promise<Reservation> {
  const reservations = db.table(reservationsTable);
  const current = await reservations.get({ orderId }, { consistent: true });
  if (!current) {
    const tombstone: Reservation = { orderId, state: 'released', round: 0, lines: [] };
    return (await reservations.create(tombstone)) ? tombstone : releaseStock(orderId, db);
  }

  const condition = { round: current.round };
  const released = await reservations.update({ orderId }, { set: { state: 'released' }, condition });
  if (!released) return releaseStock(orderId, db);
  await giveBack(released, db);
  return released;
}

/** The reservation to continue with: a new one, one that another call works on or has completed, or the next round. */
async function beginRound(
  { orderId, lines }: Pick<Reservation, 'orderId' | 'lines'>,
  db: Database,
): Promise<Reservation> {
  const reservations = db.table(reservationsTable);
  const first: Reservation = { orderId, state: 'taking', round: 1, lines };
  if (await reservations.create(first)) return first;

  const current = (await reservations.get({ orderId }, { consistent: true }))!;
  if (current.round === 0) {
    throw new SubgraphError('CONFLICT', `The stock of the order "${orderId}" was released before.`);
  }
  if (current.state !== 'released') return current;
  // The call that released it may have failed before all stock was given back.
  await giveBack(current, db);
  const next = await reservations.update(
    { orderId },
    {
      set: { state: 'taking', round: current.round + 1, lines },
      condition: { state: 'released', round: current.round },
    },
  );
  return next ?? (await reservations.get({ orderId }, { consistent: true }))!;
}

/** Takes the lines one after the other. Returns the first line without enough stock, if any. */
async function takeUntilShort(reservation: Reservation, db: Database): Promise<StockLine | undefined> {
  for (const line of reservation.lines) {
    if (!(await take(line, holdOf(reservation), db))) return line;
  }
  return undefined;
}

async function take({ upc, quantity }: StockLine, hold: string, db: Database): Promise<boolean> {
  const stock = db.table(stockTable);
  const taken = await stock.update(
    { upc },
    {
      add: { available: -quantity },
      setEntries: { holds: { [hold]: quantity } },
      condition: { available: atLeast(quantity), holds: lacksEntry(hold) },
    },
  );
  if (taken) return true;
  // Either there is not enough stock, or an earlier call has taken it already.
  const item = await stock.get({ upc }, { consistent: true });
  return item?.holds[hold] !== undefined;
}

async function giveBack(reservation: Reservation, db: Database): Promise<void> {
  const hold = holdOf(reservation);
  for (const { upc, quantity } of reservation.lines) {
    await db.table(stockTable).update(
      { upc },
      {
        add: { available: quantity },
        removeEntries: { holds: [hold] },
        condition: { holds: hasEntry(hold) },
      },
    );
  }
}

/** Ends the state `taking`. Returns the reservation; its state is another one if another call has ended it before. */
async function settle(
  { orderId, round }: Reservation,
  state: 'held' | 'released',
  db: Database,
): Promise<Reservation | null> {
  const reservations = db.table(reservationsTable);
  const condition = { state: 'taking' as const, round };
  return (
    (await reservations.update({ orderId }, { set: { state }, condition })) ??
    (await reservations.get({ orderId }, { consistent: true }))
  );
}

function holdOf({ orderId, round }: Reservation): string {
  return `${orderId}#${round}`;
}
