import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { categoriesTable, productsTable } from './table';

/** Products, categories and media. */
export const products = defineSubgraph({
  name: 'products',
  port: 4002,
  schema: join(__dirname, 'schema.graphql'),
  tables: [productsTable, categoriesTable],
  resolvers,
  context: ({ db }): Context => ({ db, loaders: createLoaders(db) }),
});

export const handler = lambdaHandler(products);
runWhenMain(module, products);
