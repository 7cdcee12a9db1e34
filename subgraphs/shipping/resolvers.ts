import { LRUCache } from 'lru-cache';
import { type AppSyncResolvers } from '../kit';

/** The representation of an order: its key, and the fields in `@requires`. */
interface OrderReference {
  readonly id: string;
  readonly status?: string;
  readonly deliveryAddress?: { readonly country: string };
}

interface Move {
  readonly orderId: string;
  /** Its code. */
  readonly carrier: string;
  readonly place: string;
}

/** Resolvers in the form in which AppSync attaches them. That of `_entities` gets all orders of a call at once. */
export const resolvers: AppSyncResolvers = {
  'Query.carriers': () => Object.values(carriers).map(({ carrier }) => carrier),
  'Query._entities': (_: unknown, { representations }: { representations: OrderReference[] }) =>
    representations.map((order) => ({ ...order, __typename: 'Order' })),
  'Order.shipment': shipmentOf,
  'Mutation.announceShipment': (_: unknown, { orderId, country }: { orderId: string; country: string }) => {
    if (withdrawn.has(orderId)) throw new Error(`The shipment of the order "${orderId}" was withdrawn.`);
    return createShipment(orderId, carrierTo(country));
  },
  'Mutation.withdrawShipment': (_: unknown, { orderId }: { orderId: string }) => {
    withdrawn.set(orderId, true);
    return orderId;
  },
  'Mutation.moveShipment': (_: unknown, { orderId, carrier: code, place }: Move) => {
    const found = Object.values(carriers).find(({ carrier }) => carrier.code === code);
    if (!found) return null;
    places.set(orderId, place);
    return createShipment(orderId, found);
  },
};

const carriers = {
  home: { carrier: { code: 'POSTNL', name: 'PostNL' }, days: 1 },
  abroad: { carrier: { code: 'DPD', name: 'DPD' }, days: 3 },
};

/** Where parcels were last seen, by order. */
const places = new LRUCache<string, string>({ max: 10_000 });

/** Orders whose shipment was withdrawn, even before it was announced. Like all that the stand-in knows, lost at its end. */
const withdrawn = new LRUCache<string, true>({ max: 10_000 });

function carrierTo(country: string | undefined) {
  return country === 'NL' ? carriers.home : carriers.abroad;
}

function shipmentOf({ id, status, deliveryAddress }: OrderReference) {
  if (status !== 'SHIPPED' && status !== 'DELIVERED') return null;
  return createShipment(id, carrierTo(deliveryAddress?.country));
}

function createShipment(orderId: string, { carrier, days }: (typeof carriers)['home']) {
  const trackingNumber = `${carrier.code}-${orderId}`;
  const trackingUrl = `https://parcels.example/${encodeURIComponent(trackingNumber)}`;
  return { orderId, place: places.get(orderId) ?? null, trackingNumber, trackingUrl, carrier, days };
}
