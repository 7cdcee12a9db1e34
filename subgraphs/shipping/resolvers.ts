import { missing, type AppSyncResolvers, type Database } from '../../kit';
import { shipmentsTable, type Shipment } from './table';

/** The representation of an order: its key, and the fields in `@requires`. */
interface OrderReference {
  readonly id: string;
  readonly status?: string;
  readonly deliveryAddress?: { readonly country: string };
}

interface ShipmentMove {
  readonly orderId: string;
  /** Its code. */
  readonly carrier: string;
  readonly place: string;
}

/** Resolvers in the form in which AppSync attaches them. That of `_entities` gets all orders of a call at once. */
export const resolvers = (db: Database): AppSyncResolvers => {
  const shipments = db.table(shipmentsTable);
  return {
    'Query.carriers': () => Object.values(carriers).map(({ carrier }) => carrier),
    async 'Query._entities'(_: unknown, { representations }: { representations: OrderReference[] }) {
      const sent = representations.filter(isSent);
      const found = await shipments.batchGet(sent.map(({ id }) => ({ orderId: id })));
      const places = new Map(sent.map(({ id }, i) => [id, placeOf(found[i])]));
      return representations.map((order) => ({ ...order, __typename: 'Order', place: places.get(order.id) }));
    },
    'Order.shipment': (order: OrderReference & { place?: string }) =>
      isSent(order) ? describe(order.id, carrierTo(order.deliveryAddress?.country), order.place) : null,
    async 'Mutation.announceShipment'(
      _: unknown,
      { orderId, country }: { orderId: string; country: string },
    ) {
      const set = { country };
      const announced = await shipments.update(
        { orderId },
        { set, condition: { isWithdrawn: missing }, upsert: true },
      );
      if (!announced) throw new Error(`The shipment of the order "${orderId}" was withdrawn.`);
      return describe(orderId, carrierTo(country), announced.place);
    },
    async 'Mutation.withdrawShipment'(_: unknown, { orderId }: { orderId: string }) {
      await shipments.update({ orderId }, { set: { isWithdrawn: true }, upsert: true });
      return orderId;
    },
    async 'Mutation.moveShipment'(_: unknown, { orderId, carrier: code, place }: ShipmentMove) {
      const found = Object.values(carriers).find(({ carrier }) => carrier.code === code);
      if (!found) return null;
      await shipments.update({ orderId }, { set: { place }, upsert: true });
      return describe(orderId, found, place);
    },
  };
};

const carriers = {
  home: { carrier: { code: 'POSTNL', name: 'PostNL' }, days: 1 },
  abroad: { carrier: { code: 'DPD', name: 'DPD' }, days: 3 },
};

function carrierTo(country: string | undefined) {
  return country === 'NL' ? carriers.home : carriers.abroad;
}

const isSent = ({ status }: OrderReference): boolean => status === 'SHIPPED' || status === 'DELIVERED';

/** Undefined where it cannot be read at this moment. */
const placeOf = (found: Shipment | null | Error | undefined): string | undefined =>
  found instanceof Error ? undefined : found?.place;

function describe(orderId: string, { carrier, days }: (typeof carriers)['home'], place: string | undefined) {
  const trackingNumber = `${carrier.code}-${orderId}`;
  const trackingUrl = `https://parcels.example/${encodeURIComponent(trackingNumber)}`;
  return { orderId, place: place ?? null, trackingNumber, trackingUrl, carrier, days };
}
