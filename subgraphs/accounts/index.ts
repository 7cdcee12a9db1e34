import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { usersTable } from './table';

/** Customers and their profiles. */
export const accounts = defineSubgraph({
  name: 'accounts',
  port: 4001,
  schema: join(__dirname, 'schema.graphql'),
  tables: [usersTable],
  resolvers,
  context: ({ db, identity }): Context => ({ db, identity, loaders: createLoaders(db) }),
});

export const handler = lambdaHandler(accounts);
runWhenMain(module, accounts);
