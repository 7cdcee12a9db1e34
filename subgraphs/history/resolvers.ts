import { requireIdentity, SubgraphError, type ConnectionArgs, type Identity, type Resolvers } from '../kit';
import { type Loaders } from './loaders';
import { type PopularityTotal, type Progress, type RecordedLine, type RecordedOrder } from './table';

export interface Context {
  readonly identity: Identity | null;
  readonly loaders: Loaders;
}

/** Asked for with each product, and read once per request. */
async function asOfModel(model: Progress['model'], { progress }: Loaders): Promise<string | null> {
  return (await progress.load({ model }))?.asOf ?? null;
}

export const resolvers: Resolvers<Context> = {
  User: {
    async orderHistory({ id }: { id: string }, page: ConnectionArgs, { identity, loaders }) {
      if (requireIdentity(identity).id !== id)
        throw new SubgraphError('FORBIDDEN', 'The history of orders is shown to their buyer only.');
      return { ...(await loaders.ordersOfBuyer.load(id, page)), asOf: () => asOfModel('orders', loaders) };
    },
  },
  RecordedOrder: {
    order: ({ id }: RecordedOrder) => ({ id }),
    status: ({ changes }: RecordedOrder) => changes.at(-1)!.status,
    lines: ({ lines }: RecordedOrder) => lines ?? null,
  },
  RecordedLine: {
    product: ({ upc }: RecordedLine) => ({ upc }),
  },
  Product: {
    async popularity({ upc }: { upc: string }, _: unknown, { loaders }) {
      const total = (await loaders.popularity.load({ upc, item: 'total' })) as PopularityTotal | null;
      // A cancellation may be counted before its order, where that waits in the failure queue.
      return {
        orderCount: Math.max(0, total?.orders ?? 0),
        pieceCount: Math.max(0, total?.pieces ?? 0),
        since: total?.since ?? null,
        asOf: () => asOfModel('popularity', loaders),
      };
    },
  },
};
