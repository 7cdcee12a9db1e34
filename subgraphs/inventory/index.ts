import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { reservationsTable, stockTable } from './table';

/** Stock of products, and estimates of shipping costs. */
export const inventory = defineSubgraph({
  name: 'inventory',
  port: 4003,
  schema: join(__dirname, 'schema.graphql'),
  tables: [stockTable, reservationsTable],
  resolvers,
  context: ({ db }): Context => ({ db, loaders: createLoaders(db) }),
});

export const handler = lambdaHandler(inventory);
runWhenMain(module, inventory);
