import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../kit';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { ratingsTable, reviewsTable } from './table';

/** Reviews and ratings of products. */
export const reviews = defineSubgraph({
  name: 'reviews',
  port: 4004,
  schema: join(__dirname, 'schema.graphql'),
  tables: [ratingsTable, reviewsTable],
  resolvers,
  context: ({ db, identity, invalidate }): Context => ({
    db,
    identity,
    invalidate,
    loaders: createLoaders(db),
  }),
});

export const handler = lambdaHandler(reviews);
runWhenMain(module, reviews);
