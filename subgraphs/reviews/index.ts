import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { createLoaders } from './loaders';
import { ratings } from './ratings';
import { resolvers, type Context } from './resolvers';
import { reviewsTable } from './table';

/** Reviews and ratings of products. */
export const reviews = defineSubgraph({
  name: 'reviews',
  port: 4004,
  schema: join(__dirname, 'schema.graphql'),
  tables: [reviewsTable],
  projections: [ratings],
  resolvers,
  context: (scope): Context => ({ ...scope, loaders: createLoaders(scope) }),
});

export const handler = lambdaHandler(reviews);
runWhenMain(module, reviews);
