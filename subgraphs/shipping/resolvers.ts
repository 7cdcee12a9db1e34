import { type AppSyncResolvers } from '../kit';

/** The representation of an order: its key, and the fields in `@requires`. */
interface OrderReference {
  readonly id: string;
  readonly status?: 'PLACED' | 'SHIPPED' | 'DELIVERED';
  readonly deliveryAddress?: { readonly country: string };
}

/** Resolvers in the form in which AppSync attaches them. That of `_entities` gets all orders of a call at once. */
export const resolvers: AppSyncResolvers = {
  'Query.carriers': () => Object.values(carriers).map(({ carrier }) => carrier),
  'Query._entities': (_: unknown, { representations }: { representations: OrderReference[] }) =>
    representations.map((order) => ({ ...order, __typename: 'Order' })),
  'Order.shipment': shipmentOf,
};

const carriers = {
  home: { carrier: { code: 'POSTNL', name: 'PostNL' }, days: 1 },
  abroad: { carrier: { code: 'DPD', name: 'DPD' }, days: 3 },
};

function shipmentOf({ id, status, deliveryAddress }: OrderReference) {
  if (status !== 'SHIPPED' && status !== 'DELIVERED') return null;
  const { carrier, days } = deliveryAddress?.country === 'NL' ? carriers.home : carriers.abroad;
  const trackingNumber = `${carrier.code}-${id}`;
  const trackingUrl = `https://parcels.example/${encodeURIComponent(trackingNumber)}`;
  return { trackingNumber, trackingUrl, carrier, days };
}
