import { isDeepStrictEqual } from 'node:util';
import { atLeast, hasEntry, lacksEntry, SubgraphError, type Database } from '../kit';
import { checkLines } from './lines';
import { reservationsTable, stockTable, type Reservation, type StockLine } from './table';

/**
 * Sets stock aside for an order, all lines or none. There are no transactions, so it is made of single writes, each
 * of which is conditional and does nothing the second time:
 *
 * 1. The reservation is written, `taking`: what is meant to be set aside.
 * 2. Line by line, stock is decremented if there is enough of it. The same write leaves a hold in the stock item.
 * 3. The reservation goes from `taking` to `held`; or to `released` if a line could not be taken, and the others are
 *    given back.
 *
 * A call that dies half-way is completed by the next one for the same order. Two at once do the same work, and step 3
 * decides for both. A released order may try again, in a new round: its holds have other names, so a slow call of an
 * earlier round cannot give back what this one takes.
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

/** Gives back what an order has set aside. Doing so again, or for an order without a reservation, changes nothing. */
export async function releaseStock(orderId: string, db: Database): Promise<Reservation> {
  const reservations = db.table(reservationsTable);
  const current = await reservations.get({ orderId }, { consistent: true });
  if (!current) return { orderId, state: 'released', round: 0, lines: [] };

  const condition = { round: current.round };
  const released = await reservations.update({ orderId }, { set: { state: 'released' }, condition });
  if (!released) return releaseStock(orderId, db);
  await giveBack(released, db);
  return released;
}

/** The reservation to work on: a new one, the one that another call is at or has completed, or the next round. */
async function beginRound(
  { orderId, lines }: Pick<Reservation, 'orderId' | 'lines'>,
  db: Database,
): Promise<Reservation> {
  const reservations = db.table(reservationsTable);
  const first: Reservation = { orderId, state: 'taking', round: 1, lines };
  if (await reservations.create(first)) return first;

  const current = (await reservations.get({ orderId }, { consistent: true }))!;
  if (current.state !== 'released') return current;
  // Who released it may have died before everything was given back.
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

/** Takes the lines, one after the other; returns the one of which there is not enough, if any. */
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
  // Either there is too little, or an earlier call has taken it.
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

/** Ends the taking. Returns the reservation as it is then, which is not `state` if another call has ended it before. */
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
