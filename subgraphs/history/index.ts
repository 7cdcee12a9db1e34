import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { createLoaders } from './loaders';
import { orderHistory } from './order-history';
import { popularity } from './popularity';
import { resolvers, type Context } from './resolvers';

/** Order histories and the popularity of products: read models of the events of `orders`. */
export const history = defineSubgraph({
  name: 'history',
  port: 4008,
  schema: join(__dirname, 'schema.graphql'),
  projections: [orderHistory, popularity],
  options: {
    ordersUrl: {
      description: "orders' GraphQL endpoint, beside which its events are read",
      default: 'http://127.0.0.1:4005/graphql',
    },
  },
  resolvers,
  context: ({ identity, projections }): Context => ({ identity, loaders: createLoaders({ projections }) }),
});

export const handler = lambdaHandler(history);
runWhenMain(module, history);
