import { defineConsumer } from '../kit';
import { countedEvents, recordedEvents } from './events';
import { recordEvent } from './order-history';
import { countPurchases } from './popularity';
import { noteProgress } from './progress';

/** Order histories. */
export const orderHistory = defineConsumer({
  name: 'order-history',
  from: recordedEvents,
  async handle(event, { db }) {
    await recordEvent(event, db);
    await noteProgress('orders', event.time, db);
  },
});

/** The popularity of products. */
export const popularity = defineConsumer({
  name: 'popularity',
  from: countedEvents,
  async handle(event, { db }) {
    await countPurchases(event, db);
    await noteProgress('popularity', event.time, db);
  },
});
