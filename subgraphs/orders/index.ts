import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { serviceOptions } from './services';
import { cartsTable, ordersTable } from './table';
import { tasks } from './tasks';

/** Carts and orders. */
export const orders = defineSubgraph({
  name: 'orders',
  port: 4005,
  schema: join(__dirname, 'schema.graphql'),
  tables: [ordersTable, cartsTable],
  options: serviceOptions,
  workflows: ['place-order', 'cancel-order'].map((name) => ({
    definition: join(__dirname, 'workflows', `${name}.asl.json`),
    tasks,
  })),
  resolvers,
  context: (scope): Context => ({ ...scope, loaders: createLoaders(scope.db) }),
});

export const handler = lambdaHandler(orders);
runWhenMain(module, orders);
