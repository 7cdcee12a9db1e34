import { badInput, subscriptionField, type ConnectionArgs, type Database, type Resolvers } from '../../kit';
import { StockChanged } from './events';
import { type Loaders } from './loaders';
import { releaseStock, reserveStock } from './reservations';
import { estimateShipping, type Parcel } from './shipping';
import { type Reservation, type StockItem, type StockLine } from './table';
import { findWarehouse, warehouses, type Warehouse } from './warehouses';

export interface Context {
  readonly db: Database;
  readonly loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  Query: {
    warehouses: () => warehouses,
    warehouse: (_: unknown, { code }: { code: string }) => findWarehouse(code),
  },

  Mutation: {
    reserveStock: (_: unknown, { orderId, lines }: { orderId: string; lines: StockLine[] }, context) =>
      reserveStock({ orderId, lines }, context.db),
    releaseStock: (_: unknown, { orderId }: { orderId: string }, context) =>
      releaseStock(orderId, context.db),
  },

  Subscription: {
    stockChanged: subscriptionField<Context, { upcs: string[] }, ProductReference>({
      event: StockChanged.type,
      keys({ upcs }) {
        if (upcs.length >= 1 && upcs.length <= mostProducts) return upcs;
        throw badInput('upcs', `\`upcs\` must be 1 to ${mostProducts}, but got: ${upcs.length}`);
      },
    }),
  },

  Reservation: {
    held: ({ state }: Reservation) => state === 'held',
  },

  // Here a product has only its key. The fields that need the stock read it.
  Product: {
    inStock: async ({ upc }: ProductReference, _: unknown, { loaders }) => {
      const item = await loaders.stock.load({ upc });
      return item && item.available > 0;
    },
    availability: async ({ upc }: ProductReference, _: unknown, { loaders }) => {
      const item = await loaders.stock.load({ upc });
      return item && availabilityOf(item);
    },
    shippingEstimate: (product: ProductReference) => estimateShipping(product),
  },

  OrderLine: {
    reserved: async ({ orderId, upc }: { orderId: string; upc: string }, _: unknown, { loaders }) => {
      const reservation = await loaders.reservations.load({ orderId });
      if (reservation?.state !== 'held') return 0;
      return reservation.lines.find((line) => line.upc === upc)?.quantity ?? 0;
    },
  },

  Warehouse: {
    __resolveReference: ({ code }: Warehouse) => findWarehouse(code),
    stock: ({ code }: Warehouse, page: ConnectionArgs, { loaders }) =>
      loaders.stockOfWarehouse.load(code, page),
  },

  StockItem: {
    product: ({ upc, sku }: StockItem) => ({ upc, sku }),
  },
};

const mostProducts = 100;

/** Price and weight are present if the operation selects a field that `@requires` them. */
type ProductReference = { readonly upc: string } & Partial<Parcel>;

function availabilityOf({ available }: StockItem): 'IN_STOCK' | 'FEW_LEFT' | 'OUT_OF_STOCK' {
  if (available === 0) return 'OUT_OF_STOCK';
  return available < 10 ? 'FEW_LEFT' : 'IN_STOCK';
}
