/** The world of the saga `book-trip`: an item for each trip says what was reserved, paid and undone, and how often. */
import { missing } from '../../kit/table/condition';
import { type Database } from '../../kit/table/database';
import { SubgraphError } from '../../kit/errors';
import { defineTable } from '../../kit/table/definition';
import { type Task, type TaskScope } from '../../kit/workflows/workflows';

interface Trip {
  readonly id: string;
  readonly hotel?: 'held' | 'released';
  readonly car?: 'held' | 'released';
  readonly payment?: 'held' | 'released';
  readonly confirmed?: 'held';
  /** How often each of them was taken. */
  readonly hotelCount?: number;
  readonly carCount?: number;
  readonly paymentCount?: number;
  readonly confirmedCount?: number;
}
type Thing = 'hotel' | 'car' | 'payment' | 'confirmed';

export const tripsTable = defineTable<Trip>()({ name: 'trips', partitionKey: 'id' });

/** How many attempts of each task fail: the first one after its effect, as if the answer was lost, others before it. */
export type Failures = Readonly<Partial<Record<string, number>>>;

/** The tasks of the saga. Each has its effect once. */
export function tripTasks(failures: Failures): Readonly<Record<string, Task>> {
  const failing = (name: string, effect: (trip: string, db: Database) => Promise<void>) => {
    const times = failures[name] ?? 0;
    return async (_: never, { key, attempt, db }: TaskScope) => {
      const trip = key.split('#')[0]!;
      if (attempt > 1 && attempt <= times) throw new SubgraphError('CONFLICT', 'Not yet.');
      await effect(trip, db);
      if (attempt <= times) throw new SubgraphError('CONFLICT', 'It was done, but the answer was lost.');
    };
  };
  const take = (thing: Thing) => async (id: string, db: Database) => {
    const trips = db.table(tripsTable);
    const change = {
      set: { [thing]: 'held' },
      add: { [`${thing}Count`]: 1 },
      condition: { [thing]: missing },
    };
    if (await trips.update({ id }, { ...change, upsert: true })) return;
    const trip = await trips.get({ id }, { consistent: true });
    if (trip?.[thing] === 'released')
      throw new SubgraphError('CONFLICT', `The ${thing} was released before.`);
  };
  const release = (thing: Thing) => async (id: string, db: Database) => {
    await db.table(tripsTable).update({ id }, { set: { [thing]: 'released' }, upsert: true });
  };
  return {
    reserveHotel: failing('reserveHotel', take('hotel')),
    reserveCar: failing('reserveCar', take('car')),
    pay: failing('pay', take('payment')),
    confirm: failing('confirm', take('confirmed')),
    refund: failing('refund', release('payment')),
    releaseCar: failing('releaseCar', release('car')),
    releaseHotel: failing('releaseHotel', release('hotel')),
  };
}

/** What is wrong with a trip whose execution has ended in this state. */
export async function faultsOf(trip: string, state: string | null, db: Database): Promise<string[]> {
  const item = await db.table(tripsTable).get({ id: trip }, { consistent: true });
  const things = ['hotel', 'car', 'payment'] as const;
  const twice = [...things, 'confirmed' as const].filter((thing) => (item?.[`${thing}Count`] ?? 0) > 1);
  const wrong =
    state === 'Booked'
      ? [...things, 'confirmed' as const].filter((thing) => item?.[thing] !== 'held')
      : state === 'Refused'
        ? things.filter((thing) => item?.[thing] === 'held')
        : [`the state ${state}`];
  return [...twice.map((thing) => `${thing} twice`), ...wrong.map((thing) => `${thing} is wrong`)];
}
