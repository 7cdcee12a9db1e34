import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../kit';
import { orderHistory, popularity } from './consumers';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { popularityTable, progressTable, recordedOrdersTable } from './table';

/** Order histories and the popularity of products: a read model of the events of `orders`. */
export const history = defineSubgraph({
  name: 'history',
  port: 4008,
  schema: join(__dirname, 'schema.graphql'),
  tables: [recordedOrdersTable, popularityTable, progressTable],
  consumers: [orderHistory, popularity],
  options: {
    ordersUrl: {
      description: "orders' GraphQL endpoint, beside which its events are read",
      default: 'http://127.0.0.1:4005/graphql',
    },
  },
  resolvers,
  context: ({ db, identity }): Context => ({ identity, loaders: createLoaders(db) }),
});

export const handler = lambdaHandler(history);
runWhenMain(module, history);
