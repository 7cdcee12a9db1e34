import {
  requireIdentity,
  SubgraphError,
  totalOf,
  type ConnectionArgs,
  type Identity,
  type ProjectedDocument,
  type Resolvers,
} from '../../kit';
import { type Loaders } from './loaders';
import { orderHistory, type RecordedOrder } from './order-history';
import { popularity } from './popularity';

export interface Context {
  readonly identity: Identity | null;
  readonly loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  User: {
    async orderHistory({ id }: { id: string }, page: ConnectionArgs, { identity, loaders }) {
      if (requireIdentity(identity).id !== id)
        throw new SubgraphError('FORBIDDEN', 'The history of orders is shown to their buyer only.');
      const orders = await loaders.ordersOfBuyer.load(id, page);
      return { ...orders, asOf: () => loaders.asOf(orderHistory) };
    },
  },
  RecordedOrder: {
    order: ({ key }: Document) => ({ id: key }),
    status: ({ state }: Document) => state!.changes.at(-1)!.status,
    lines: ({ state }: Document) => state!.lines ?? null,
    changes: ({ state }: Document) => state!.changes,
  },
  RecordedLine: {
    product: ({ upc }: { upc: string }) => ({ upc }),
  },

  Product: {
    async popularity({ upc }: { upc: string }, _: unknown, { loaders }) {
      const counted = await loaders.popularity.load(totalOf(upc));
      const none = { orderCount: 0, pieceCount: 0, since: null };
      return { ...(counted?.total ?? none), asOf: () => loaders.asOf(popularity) };
    },
  },
};

/** An order in the history; its key is the order's id. */
type Document = ProjectedDocument<RecordedOrder>;
