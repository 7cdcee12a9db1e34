import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../kit';
import { connectInventory } from './inventory';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { cartsTable, ordersTable } from './table';

/** Carts and orders. */
export const orders = defineSubgraph({
  name: 'orders',
  port: 4005,
  schema: join(__dirname, 'schema.graphql'),
  tables: [ordersTable, cartsTable],
  options: {
    inventoryUrl: {
      description: "inventory's GraphQL endpoint, where stock is set aside",
      default: 'http://127.0.0.1:4003/graphql',
    },
  },
  resolvers,
  context: ({ db, events, identity, options, propagation, sign, invalidate, log }): Context => ({
    db,
    events,
    identity,
    inventory: connectInventory({ url: options.inventoryUrl, headers: propagation, sign }),
    invalidate,
    log,
    loaders: createLoaders(db),
  }),
});

export const handler = lambdaHandler(orders);
runWhenMain(module, orders);
