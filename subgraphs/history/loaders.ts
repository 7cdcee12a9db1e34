import { entityLoader, relationLoader, type RequestScope } from '../../kit';
import { orderHistory } from './order-history';
import { popularity } from './popularity';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
export function createLoaders({ projections }: Pick<RequestScope, 'projections'>) {
  const newestFirst = { order: 'descending' } as const;
  const asOf = new Map<Model, Promise<string | null>>();
  return {
    ordersOfBuyer: relationLoader(projections.table(orderHistory), { index: 'byList', ...newestFirst }),
    popularity: entityLoader(projections.table(popularity)),
    /** How far a model is. */
    asOf(model: Model): Promise<string | null> {
      const known = asOf.get(model) ?? projections.asOf(model);
      asOf.set(model, known);
      return known;
    },
  };
}

type Model = typeof orderHistory | typeof popularity;
